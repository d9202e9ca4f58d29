//! Links between regions: every message passes here, and suffers what the
//! active faults have for it.

use crate::event::{Body, Event, Message, Step};
use crate::world::{Chance, World};

impl World {
    /// A message leaves its region.
    pub(crate) fn send(&mut self, message: Message) {
        let (from, to) = (message.from, message.to);
        let mut chance = Chance {
            dice: &mut self.dice,
            coverage: &mut self.coverage,
            queue: &mut self.queue,
            faults: &self.faults,
            now_ms: self.now_ms,
        };
        let (sender, receiver) = (self.names[from].as_str(), self.names[to].as_str());
        let way = (sender, receiver);
        let bytes = message.body.bytes();
        let passage = self.faults.passage(way, bytes, self.now_ms, &mut chance);
        let numbers = [
            from as u64,
            to as u64,
            u64::from(passage.lost),
            u64::from(passage.copies),
            passage.delay_ms,
        ];
        self.log.note(self.now_ms, "sent", &numbers, || {
            let fate = match (passage.lost, passage.held) {
                (true, _) => "lost".to_owned(),
                (false, true) => "held".to_owned(),
                (false, false) => format!("{}×, {} ms late", passage.copies, passage.delay_ms),
            };
            format!("{sender} → {receiver} {}: {fate}", message.body.name())
        });
        if passage.lost {
            return;
        }
        if passage.held {
            return self.held_back.push(message);
        }
        for _ in 0..passage.copies {
            let usual_ms = self.distance_ms[from][to];
            let late_ms = i64::try_from(passage.delay_ms).unwrap_or(i64::MAX / 4);
            let ms = usual_ms + self.dice.between(0, usual_ms / 4) + late_ms;
            self.after(ms, Event::Arrive(message.clone()));
        }
    }

    /// What was held back and is not any more arrives now.
    pub(crate) fn release(&mut self) {
        let held_back = std::mem::take(&mut self.held_back);
        for message in held_back {
            let (from, to) = (&self.names[message.from], &self.names[message.to]);
            if self.faults.holds(from.as_str(), to.as_str(), self.now_ms) {
                self.held_back.push(message);
            } else {
                let ms = self.dice.between(1, 50);
                self.after(ms, Event::Arrive(message));
            }
        }
    }

    /// A message arrives.
    pub(crate) fn arrive(&mut self, message: Message) {
        let Message { from, to, body } = message;
        self.log
            .note(self.now_ms, "arrived", &[from as u64, to as u64], || {
                format!("{} → {} {}", self.names[from], self.names[to], body.name())
            });
        match body {
            Body::Facts { push, facts } => self.take_facts(from, to, push, &facts),
            Body::Committed(push) => self.push_ended(push, true),
            Body::NotCommitted(push) => self.push_ended(push, false),
            Body::Question(asked) => self.take_question(to, asked),
            Body::Answer(asked, answer) => {
                let step = Step::Preflight(asked.node, Some(answer));
                self.after(0, Event::Call(asked.call, step));
            }
        }
    }
}

impl Body {
    /// Roughly as many as on a wire.
    fn bytes(&self) -> u64 {
        const FRAME: usize = 100;
        let facts = match self {
            Body::Facts { facts, .. } => facts.iter().map(Vec::len).sum(),
            Body::Committed(_) | Body::NotCommitted(_) | Body::Question(_) | Body::Answer(..) => 0,
        };
        (FRAME + facts) as u64
    }

    fn name(&self) -> &'static str {
        match self {
            Body::Facts { .. } => "facts",
            Body::Committed(_) => "committed",
            Body::NotCommitted(_) => "not committed",
            Body::Question(_) => "preflight",
            Body::Answer(..) => "preflight answer",
        }
    }
}
