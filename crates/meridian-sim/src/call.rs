//! One client's call on its way through the nodes of a region, step by step as
//! a real node serves it: answered from its own view, after the leadership is
//! confirmed, or by the leader's proposal.

use meridian_chaos::Kind;
use meridian_kms::{
    AccountId, Answer, Change, Consistency, Inquiry, KmsError, Plan, Question, Request, Response,
};

use crate::event::{Event, Origin, Purpose, Step, Waiting};
use crate::planning::Asker;
use crate::planted::Planted;
use crate::world::{Chance, World};

/// How long a node looks for a leader, in milliseconds.
const LEADER_TIMEOUT_MS: i64 = 5_000;

/// Pause before a node looks for the leader again, in milliseconds.
const LOOK_AGAIN_MS: i64 = 20;

/// How a call ended at the server.
#[allow(
    clippy::large_enum_variant,
    reason = "lives for one call; a box would only cost every answer an allocation"
)]
pub(crate) enum Ended {
    /// With a response.
    Response(Response),
    /// With AWS's error; nothing happened.
    Refused(KmsError),
    /// Before anything happened, with this code.
    Failed(String),
}

/// One call.
pub(crate) struct Call {
    pub(crate) region: usize,
    /// The node that the client called.
    pub(crate) node: usize,
    /// The node that works on it.
    pub(crate) at: usize,
    pub(crate) request: Request,
    pub(crate) ended: Option<Ended>,
    lose_answer: bool,
    /// The connection is closed instead of an answer.
    reset: bool,
    /// The answer leaves so much later.
    late_ms: i64,
    deadline_ms: i64,
    /// It may be answered from an older view.
    may_lag: bool,
    /// Who asks, and how old what it sees is.
    pub(crate) asker: Asker,
    pub(crate) question: Option<Question>,
    pub(crate) answer: Option<Answer>,
    index: usize,
}

/// The account that all clients act in.
pub(crate) const ACCOUNT: &str = "111122223333";

impl World {
    /// A client calls a node.
    pub(crate) fn begin_call(&mut self, region: usize, node: usize, request: Request) -> u64 {
        let id = self.new_id();
        let call = Call {
            region,
            node,
            at: node,
            request,
            ended: None,
            lose_answer: false,
            reset: false,
            late_ms: 0,
            deadline_ms: self.now_ms + LEADER_TIMEOUT_MS,
            may_lag: false,
            asker: Asker::default(),
            question: None,
            answer: None,
            index: 0,
        };
        self.calls.insert(id, call);
        let ms = self.hop_ms();
        self.after(ms, Event::Call(id, Step::Arrive));
        id
    }

    /// A call that has just begun may be answered from an older view.
    pub(crate) fn let_lag(&mut self, id: u64) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.may_lag = true;
        }
    }

    /// Another account asks than all clients do.
    pub(crate) fn ask_as(&mut self, id: u64, account: Option<AccountId>) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.asker.account = account;
        }
    }

    /// A call reaches its next step.
    pub(crate) fn call_step(&mut self, id: u64, step: Step) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let node = match &step {
            Step::Arrive | Step::FindLeader | Step::Return(_) => call.node,
            Step::AtLeader(node)
            | Step::Confirm(node, _)
            | Step::Confirmed(node, _)
            | Step::Preflight(node, _) => *node,
        };
        call.at = node;
        let condition = self.groups[call.region].nodes[node].condition;
        if condition.down {
            return match step {
                Step::Arrive => self.end_call(id, Ended::Failed("Unreachable".into())),
                Step::AtLeader(_) => self.look_again(id),
                _ => drop(self.calls.remove(&id)),
            };
        }
        if condition.paused {
            return self.after(50, Event::Call(id, step));
        }
        match step {
            Step::Arrive => self.call_arrives(id),
            Step::FindLeader => self.find_leader(id),
            Step::AtLeader(node) => self.plan_write(id, node),
            Step::Confirm(node, purpose) => self.confirm(id, node, purpose),
            Step::Confirmed(node, purpose) => self.confirmed(id, node, purpose),
            Step::Preflight(node, answer) => self.preflight_ended(id, node, answer),
            Step::Return(index) => {
                let (region, node) = (self.calls[&id].region, self.calls[&id].node);
                self.wait(region, node, index, Waiting::Answer(id));
            }
        }
    }

    fn call_arrives(&mut self, id: u64) {
        let call = &self.calls[&id];
        let (region, node) = (call.region, call.node);
        let operation = call.request.operation();
        let mut chance = Chance {
            dice: &mut self.dice,
            coverage: &mut self.coverage,
            queue: &mut self.queue,
            faults: &self.faults,
            now_ms: self.now_ms,
        };
        let key_id = self
            .faults
            .iter(self.now_ms)
            .any(|it| names_a_key(&it.kind));
        let key_id = key_id.then(|| call.request.named_key()).flatten();
        let asked = meridian_chaos::Call {
            region: self.names[region].as_str(),
            operation: operation.name(),
            key_id,
            account: ACCOUNT,
        };
        let reception = self.faults.reception(&asked, self.now_ms, &mut chance);
        if let Some(code) = reception.refuse {
            return self.end_call(id, Ended::Failed(code));
        }
        if let Some(call) = self.calls.get_mut(&id) {
            call.lose_answer |= reception.lose_answer;
            call.reset |= reception.reset;
            call.late_ms += i64::try_from(reception.delay_ms).unwrap_or(i64::MAX / 2);
        }
        self.grow_stale(id);
        let staleness = &self.calls[&id].asker.staleness;
        let (whole_ms, in_part) = (staleness.whole_ms, staleness.parts().next().is_some());
        if operation.is_write() {
            self.find_leader(id);
        } else if let Some(lag_ms) = whole_ms {
            self.answer_of_the_past(id, lag_ms);
        } else if operation.consistency() == Consistency::Strong
            || in_part
            || !self.has_caught_up(region, node)
        {
            self.confirm(id, node, Purpose::Read);
        } else if self.planted == Some(Planted::ReadsAskThePrimary) && self.is_cut_off(region)
            || self.planted == Some(Planted::ReadsAwaitLinks) && self.is_badly_linked(region)
        {
            drop(self.calls.remove(&id));
        } else {
            match self.plan_call(id, node) {
                Ok(Plan::Reply(response)) => self.end_call(id, Ended::Response(response)),
                Ok(Plan::Commit(_) | Plan::Ask(_)) => unreachable!("a read plans no change"),
                // This node may be behind its region.
                Err(_) => self.confirm(id, node, Purpose::ReadAgain),
            }
        }
    }

    /// A read that began while a fault had reads answered from an older view sees
    /// one, if the fault strikes.
    fn grow_stale(&mut self, id: u64) {
        let call = &self.calls[&id];
        let (region, node) = (call.region, call.node);
        if !call.may_lag || !self.has_caught_up(region, node) {
            return;
        }
        let mut chance = Chance {
            dice: &mut self.dice,
            coverage: &mut self.coverage,
            queue: &mut self.queue,
            faults: &self.faults,
            now_ms: self.now_ms,
        };
        let (name, number) = (self.names[region].as_str(), node as u64 + 1);
        let staleness = self
            .faults
            .staleness(name, number, self.now_ms, &mut chance);
        if let Some(call) = self.calls.get_mut(&id) {
            call.asker.staleness = staleness;
        }
    }

    /// A read is answered from an older view; what that says is final.
    fn answer_of_the_past(&mut self, id: u64, lag_ms: u64) {
        let call = &self.calls[&id];
        let (region, node, request) = (call.region, call.node, call.request.clone());
        let applied = self.applied_before(region, node, lag_ms);
        let asker = call.asker.clone();
        let ended = match self.plan_past((region, node), applied, &request, asker) {
            Ok(Plan::Reply(response)) => Ended::Response(response),
            Ok(Plan::Commit(_) | Plan::Ask(_)) => unreachable!("a read plans no change"),
            Err(error) => Ended::Refused(error),
        };
        self.end_call(id, ended);
    }

    /// May a node answer from its own view?
    fn has_caught_up(&self, region: usize, node: usize) -> bool {
        self.groups[region].nodes[node].caught_up
            || self.planted == Some(Planted::RestartedShowsItsPast)
    }

    /// Is every link from this region cut?
    pub(crate) fn is_cut_off(&self, region: usize) -> bool {
        let here = self.names[region].as_str();
        let mut others = self.names.iter().filter(|it| it.as_str() != here);
        others.all(|there| self.faults.cuts(here, there.as_str(), self.now_ms))
    }

    /// Does every link of this region lose messages or hold them back?
    fn is_badly_linked(&self, region: usize) -> bool {
        let here = self.names[region].as_str();
        let bad = |there: &str| {
            let mut kinds = self.faults.iter(self.now_ms).map(|fault| &fault.kind);
            kinds.any(|kind| match kind {
                Kind::LinkLoss { link, .. } | Kind::LinkHold { link } => {
                    (link.from == here && link.to == there)
                        || (link.from == there && link.to == here)
                }
                _ => false,
            })
        };
        let mut others = self.names.iter().filter(|it| it.as_str() != here);
        others.all(|there| bad(there.as_str()))
    }

    fn find_leader(&mut self, id: u64) {
        let call = &self.calls[&id];
        let (region, node) = (call.region, call.node);
        let it = &self.groups[region].nodes[node];
        let leader = if it.leads { Some(node) } else { it.knows };
        match leader {
            Some(leader) if leader == node => self.plan_write(id, node),
            Some(leader) if self.groups[region].reach(node, leader) => {
                let ms = self.hop_ms();
                self.after(ms, Event::Call(id, Step::AtLeader(leader)));
            }
            Some(_) | None => self.look_again(id),
        }
    }

    fn look_again(&mut self, id: u64) {
        if self.now_ms >= self.calls[&id].deadline_ms {
            return self.end_call(id, Ended::Failed("NoLeader".into()));
        }
        self.after(LOOK_AGAIN_MS, Event::Call(id, Step::FindLeader));
    }

    pub(crate) fn plan_write(&mut self, id: u64, node: usize) {
        let call = &self.calls[&id];
        if !self.groups[call.region].nodes[node].leads {
            return self.look_again(id);
        }
        match self.plan_call(id, node) {
            Ok(Plan::Reply(response)) => self.write_ends(id, node, 0, Ended::Response(response)),
            Ok(Plan::Commit(change)) => self.propose_call(id, node, change),
            Ok(Plan::Ask(Inquiry::Region(question))) => self.ask(id, node, question),
            Ok(Plan::Ask(Inquiry::Proxy(_))) => {
                unreachable!("no simulated key is in an external key store")
            }
            Err(error) => self.confirm(id, node, Purpose::Refuse(error)),
        }
    }

    fn propose_call(&mut self, id: u64, node: usize, change: Change) {
        let region = self.calls[&id].region;
        if self
            .propose(region, node, change, Origin::Call(id))
            .is_err()
        {
            self.look_again(id);
        }
    }

    /// A node makes sure that its view is not older than any answer given
    /// before.
    pub(crate) fn confirm(&mut self, id: u64, node: usize, purpose: Purpose) {
        let call = &self.calls[&id];
        let (region, deadline_ms) = (call.region, call.deadline_ms);
        let group = &self.groups[region];
        let it = &group.nodes[node];
        let leader = if it.leads { Some(node) } else { it.knows };
        if self.planted == Some(Planted::ReadNotConfirmed) && it.leads {
            let step = Step::Confirmed(node, purpose);
            return self.after(1, Event::Call(id, step));
        }
        let confirmed = leader
            .filter(|leader| group.reach(node, *leader) && group.is_effective_leader(*leader));
        if confirmed.is_some() {
            let index = group.log.len();
            self.wait(region, node, index, Waiting::Call(id, purpose));
        } else if self.now_ms >= deadline_ms {
            self.write_ends(id, node, 0, Ended::Failed("NoLeader".into()));
        } else {
            self.after(LOOK_AGAIN_MS, Event::Call(id, Step::Confirm(node, purpose)));
        }
    }

    fn confirmed(&mut self, id: u64, node: usize, purpose: Purpose) {
        let planned = self.plan_call(id, node);
        match (purpose, planned) {
            (Purpose::Read | Purpose::ReadAgain, Ok(Plan::Reply(response))) => {
                self.end_call(id, Ended::Response(response));
            }
            (Purpose::Read | Purpose::ReadAgain, Err(error)) => {
                self.end_call(id, Ended::Refused(error));
            }
            (Purpose::Read | Purpose::ReadAgain, Ok(Plan::Commit(_) | Plan::Ask(_))) => {
                unreachable!("a read plans no change")
            }
            (Purpose::Refuse(_), Ok(Plan::Commit(change))) => self.propose_call(id, node, change),
            (Purpose::Refuse(_), Ok(Plan::Reply(response))) => {
                self.write_ends(id, node, 0, Ended::Response(response));
            }
            (Purpose::Refuse(error), Ok(Plan::Ask(_)) | Err(_)) => {
                self.write_ends(id, node, 0, Ended::Refused(error));
            }
        }
    }

    /// A call's proposal was committed and answered at the leader.
    pub(crate) fn write_answered(
        &mut self,
        id: u64,
        node: usize,
        index: usize,
        answer: Result<Response, KmsError>,
    ) {
        let ended = match answer {
            Ok(_) if self.planted == Some(Planted::RefusedAfterCommit) && id.is_multiple_of(16) => {
                Ended::Failed("KMSInternalException".into())
            }
            Ok(response) => Ended::Response(response),
            Err(error) => Ended::Refused(error),
        };
        self.write_ends(id, node, index, ended);
    }

    /// The leader's answer goes back to the node that the client called.
    fn write_ends(&mut self, id: u64, node: usize, index: usize, ended: Ended) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.ended = Some(ended);
        call.index = index;
        let (region, front) = (call.region, call.node);
        if front == node {
            return self.wait(region, front, index, Waiting::Answer(id));
        }
        if self.groups[region].reach(node, front) {
            let ms = self.hop_ms();
            self.after(ms, Event::Call(id, Step::Return(index)));
        } else {
            self.calls.remove(&id);
        }
    }

    fn end_call(&mut self, id: u64, ended: Ended) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.ended = Some(ended);
            self.answer_client(id);
        }
    }

    /// The node that the client called sends the answer.
    pub(crate) fn answer_client(&mut self, id: u64) {
        let Some(call) = self.calls.get(&id) else {
            return;
        };
        let definite_failure = matches!(call.ended, Some(Ended::Failed(_)));
        let (late_ms, reset) = (call.late_ms, call.reset);
        if call.lose_answer && !definite_failure && !reset {
            self.calls.remove(&id);
            return;
        }
        let ms = self.hop_ms() + late_ms;
        if reset {
            // A closed connection tells the client no more than silence does.
            self.calls.remove(&id);
            return self.after(ms, Event::ClientTimeout(id));
        }
        self.after(ms, Event::Answered(id));
    }

    /// Calls that a dead node had in hand are never answered.
    pub(crate) fn calls_die(&mut self, region: usize, node: usize) {
        self.calls
            .retain(|_, call| call.region != region || (call.node != node && call.at != node));
    }
}

/// Does a fault at the front door strike the calls of one key?
fn names_a_key(kind: &Kind) -> bool {
    let (Kind::Refuse { calls, .. }
    | Kind::LoseAnswer { calls }
    | Kind::SlowAnswer { calls, .. }
    | Kind::Reset { calls }) = kind
    else {
        return false;
    };
    calls.key_id.is_some()
}
