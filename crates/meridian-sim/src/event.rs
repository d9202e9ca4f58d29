//! What can happen in a simulated world.

use std::rc::Rc;

use meridian_kms::{Answer, KmsError, Question};

/// One thing that happens at one time.
pub enum Event {
    /// A client is ready for its next operation.
    Client(usize),
    /// A client waits no longer for its call.
    ClientTimeout(u64),
    /// A call reaches its next step at a node.
    Call(u64, Step),
    /// A client hears the answer of its call.
    Answered(u64),
    /// The leader's oldest proposals up to this one are committed.
    Commit {
        /// The region.
        region: usize,
        /// The proposal.
        proposal: u64,
    },
    /// A proposal has taken too long.
    ProposalTimeout {
        /// The region.
        region: usize,
        /// The node.
        node: usize,
        /// Who waits for it.
        origin: Origin,
    },
    /// A node hears of committed entries.
    Follow {
        /// The region.
        region: usize,
        /// The node.
        node: usize,
        /// The length of the log it hears of.
        index: usize,
    },
    /// A node hears who leads.
    Learn {
        /// The region.
        region: usize,
        /// The node.
        node: usize,
    },
    /// A node of a region has taken long enough to start.
    Started(usize),
    /// The nodes of a region look for a leader.
    Elect(usize),
    /// A message arrives in a region.
    Arrive(Message),
    /// A push has taken too long.
    PushTimeout(u64),
    /// A feeder goes on.
    Feed {
        /// The region.
        region: usize,
        /// The node.
        node: usize,
        /// The peer region.
        peer: usize,
        /// The leadership that this belongs to.
        session: u64,
    },
    /// A ticker looks again.
    Tick {
        /// The region.
        region: usize,
        /// The node.
        node: usize,
    },
    /// A fault of the timeline begins.
    FaultBegins(usize),
    /// A fault of the timeline ends.
    FaultEnds(usize),
    /// The part without faults begins.
    Heal,
    /// A script goes on.
    Pause,
    /// All that was agreed must be agreed on everywhere; ciphertexts are tried.
    Finish,
}

/// Where a call stands.
pub enum Step {
    /// It reaches the node that the client chose.
    Arrive,
    /// That node looks for the leader.
    FindLeader,
    /// The request reaches the node that is believed to lead.
    AtLeader(usize),
    /// A node has the leadership confirmed, to go on with this purpose.
    Confirm(usize, Purpose),
    /// It has applied what it waited for.
    Confirmed(usize, Purpose),
    /// The other region's answer to the preflight is here, or none came.
    Preflight(usize, Option<Answer>),
    /// The leader's answer returns to the node that the client chose.
    Return(usize),
}

/// Why a node confirms the leadership.
#[derive(Clone)]
pub enum Purpose {
    /// A strong read.
    Read,
    /// A local read has failed on the node's own view.
    ReadAgain,
    /// A write was refused on the leader's view.
    Refuse(KmsError),
}

/// Who waits for a node to have applied an index.
pub enum Waiting {
    /// A call, to go on with this purpose.
    Call(u64, Purpose),
    /// A call, to be answered.
    Answer(u64),
    /// Another region's question.
    Question(Rc<Asked>),
}

/// Who waits for a proposal.
#[derive(Clone)]
pub enum Origin {
    /// A client's call.
    Call(u64),
    /// A push from another region.
    Push {
        /// The push.
        push: u64,
        /// The region it came from.
        from: usize,
    },
    /// A feeder's acknowledgement.
    Acknowledgement {
        /// The peer.
        peer: usize,
        /// The feeder's leadership.
        session: u64,
        /// The positions.
        positions: Vec<u64>,
    },
    /// A ticker.
    Ticker {
        /// The ticker's leadership.
        session: u64,
    },
    /// An operator who moves the time.
    Operator,
}

/// A question on its way, and who asked it.
pub struct Asked {
    /// The region that asks.
    pub from: usize,
    /// The asking node.
    pub node: usize,
    /// The call that it is for.
    pub call: u64,
    /// The question.
    pub question: Question,
}

/// Something on its way between two regions.
#[derive(Clone)]
pub struct Message {
    /// The sending region.
    pub from: usize,
    /// The receiving region.
    pub to: usize,
    /// What it says.
    pub body: Body,
}

/// What a message says.
#[derive(Clone)]
pub enum Body {
    /// Facts.
    Facts {
        /// The push they belong to.
        push: u64,
        /// The encoded facts.
        facts: Rc<Vec<Vec<u8>>>,
    },
    /// A push has been committed.
    Committed(u64),
    /// A push could not be handed to a leader.
    NotCommitted(u64),
    /// A preflight.
    Question(Rc<Asked>),
    /// Its answer.
    Answer(Rc<Asked>, Answer),
}
