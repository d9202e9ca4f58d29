//! Preflight: a call that involves another region asks it first, over the same
//! links as facts.

use std::rc::Rc;

use meridian_kms::{Answer, KmsError, Question};

use crate::event::{Asked, Body, Event, Message, Purpose, Step, Waiting};
use crate::world::World;

/// How long a preflight may take, in milliseconds.
const PREFLIGHT_TIMEOUT_MS: i64 = 2_000;

impl World {
    pub(crate) fn ask(&mut self, id: u64, node: usize, question: Question) {
        let region = self.calls[&id].region;
        let Some(to) = self.index_of(&question.region) else {
            let error = KmsError::region_unreachable(&question.region);
            return self.confirm(id, node, Purpose::Refuse(error));
        };
        if let Some(call) = self.calls.get_mut(&id) {
            call.question = Some(question.clone());
        }
        self.after(
            PREFLIGHT_TIMEOUT_MS,
            Event::Call(id, Step::Preflight(node, None)),
        );
        let asked = Rc::new(Asked {
            from: region,
            node,
            call: id,
            question,
        });
        self.send(Message {
            from: region,
            to,
            body: Body::Question(asked),
        });
    }

    /// Another region's question arrives: some node confirms the leadership and
    /// answers from its view.
    pub(crate) fn take_question(&mut self, region: usize, asked: Rc<Asked>) {
        let group = &self.groups[region];
        let Some(leader) = group
            .leader
            .filter(|leader| group.is_effective_leader(*leader))
        else {
            return;
        };
        let node = self.dice.index(group.nodes.len());
        if self.groups[region].reach(leader, node) {
            let index = self.groups[region].log.len();
            self.wait(region, node, index, Waiting::Question(asked));
        }
    }

    pub(crate) fn answer_question(&mut self, region: usize, node: usize, asked: &Rc<Asked>) {
        let view = self.groups[region].newest(node, self.now_ms);
        let answer = view.answer(&asked.question);
        self.send(Message {
            from: region,
            to: asked.from,
            body: Body::Answer(asked.clone(), answer),
        });
    }

    pub(crate) fn preflight_ended(&mut self, id: u64, node: usize, answer: Option<Answer>) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let Some(question) = call.question.take() else {
            return;
        };
        let Some(answer) = answer else {
            let error = KmsError::region_unreachable(&question.region);
            return self.confirm(id, node, Purpose::Refuse(error));
        };
        call.answer = Some(answer);
        self.plan_write(id, node);
    }
}
