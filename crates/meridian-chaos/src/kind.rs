//! What can be wrong: a closed list of kinds, as data.
//!
//! Probabilities are parts of a thousand, so that a fault compares and prints
//! exactly.

use serde::{Deserialize, Serialize};

use crate::calls::Calls;
use crate::delay::Delay;
use crate::place::{Link, Place};
use crate::staleness::Property;
use crate::telling::Phase;

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Nothing passes between two regions.
    LinkCut {
        /// Which way.
        link: Link,
    },
    /// Everything between two regions takes longer.
    LinkDelay {
        /// Which way.
        link: Link,
        /// By how much, in milliseconds.
        delay_ms: u64,
    },
    /// Everything between two regions takes longer, each message by another
    /// time.
    LinkJitter {
        /// Which way.
        link: Link,
        /// By how much.
        delay: Delay,
    },
    /// Messages between two regions are lost.
    LinkLoss {
        /// Which way.
        link: Link,
        /// How many of a thousand.
        per_mille: u16,
    },
    /// Messages between two regions arrive twice.
    LinkDuplicate {
        /// Which way.
        link: Link,
        /// How many of a thousand.
        per_mille: u16,
    },
    /// Messages between two regions overtake each other.
    LinkReorder {
        /// Which way.
        link: Link,
        /// Each arrives up to this much later, in milliseconds.
        spread_ms: u64,
    },
    /// Messages between two regions wait until the fault ends, and then all
    /// arrive.
    LinkHold {
        /// Which way.
        link: Link,
    },
    /// A link that is cut and whole in turns.
    LinkFlap {
        /// Which way.
        link: Link,
        /// Milliseconds of one cut and one whole time together.
        period_ms: u64,
    },
    /// A node does not reach the other nodes of its region, nor they it; other
    /// regions and clients still do.
    NodeCut {
        /// The node.
        node: Place,
    },
    /// A node is dead; when the fault ends it starts again, from its disk.
    NodeCrash {
        /// The node.
        node: Place,
    },
    /// A node stands still and goes on when the fault ends, knowing of nothing.
    NodePause {
        /// The node.
        node: Place,
    },
    /// The region's leader is replaced, once, when the fault begins.
    LeaderChange {
        /// The region.
        region: String,
    },
    /// A node's clock is wrong.
    ClockSkew {
        /// The node.
        node: Place,
        /// By how many milliseconds; negative when it is behind.
        skew_ms: i64,
    },
    /// A node's clock stands still.
    ClockFreeze {
        /// The node.
        node: Place,
    },
    /// The time of a region moves forward, once, when the fault begins; of all
    /// regions when none is named.
    TimeTravel {
        /// The region.
        region: Option<String>,
        /// By how many milliseconds.
        ms: u64,
    },
    /// A leader's proposals are never committed, and it does not learn that.
    ProposalLost {
        /// The region.
        region: String,
        /// How many of a thousand.
        per_mille: u16,
    },
    /// A leader's proposals are committed, and it does not learn that.
    ProposalUnanswered {
        /// The region.
        region: String,
        /// How many of a thousand.
        per_mille: u16,
    },
    /// Reads are answered from an older view, though not from one before the
    /// fault began; writes are decided on the agreed state all the same.
    StaleReads {
        /// The region.
        region: String,
        /// One node of it; all of them when none is named.
        node: Option<u64>,
        /// How old the view is, in milliseconds.
        lag_ms: u64,
        /// How many reads of a thousand.
        per_mille: u16,
        /// The one property that is older; the whole region when none is named.
        #[serde(default)]
        property: Option<Property>,
    },
    /// The front door refuses calls with an AWS code before they have any effect.
    Refuse {
        /// Which calls.
        calls: Calls,
        /// AWS's code, such as `ThrottlingException`.
        code: String,
    },
    /// The front door carries calls out and loses their answers.
    LoseAnswer {
        /// Which calls.
        calls: Calls,
    },
    /// The front door answers calls later.
    SlowAnswer {
        /// Which calls.
        calls: Calls,
        /// By how much, in milliseconds.
        delay_ms: u64,
    },
    /// A region does not hear what would end a phase in the life of a key set:
    /// its replica is not created, it does not become primary, it does not
    /// prepare a rotation.
    Stretch {
        /// What takes longer.
        phase: Phase,
        /// The region that does not hear.
        region: String,
        /// Only this key, by its ID.
        key_id: Option<String>,
    },
    /// A region does not tell that it holds imported material: the import there
    /// succeeds, and the primary goes on waiting for it.
    MaterialHold {
        /// The region that does not tell.
        region: String,
        /// Only this key, by its ID.
        key_id: Option<String>,
        /// Only this material; any that waits for a rotation when none is named.
        material: Option<String>,
    },
    /// A region takes import tokens for expired that are older than this.
    TokensExpire {
        /// The region.
        region: String,
        /// In milliseconds; none is young enough for zero.
        older_than_ms: u64,
    },
    /// Imported material expires in a region, once, when the fault begins: its
    /// bytes are destroyed there.
    MaterialExpire {
        /// The region.
        region: String,
        /// The key, by its ID; in the simulator any when none is named.
        key_id: Option<String>,
        /// The material; the newest that is held when none is named.
        material: Option<String>,
    },
    /// A node is dead, and when the fault ends another one starts in its place,
    /// with an empty disk.
    NodeReplace {
        /// The node.
        node: Place,
    },
    /// A node that starts again takes so much longer.
    NodeSlowStart {
        /// The node.
        node: Place,
        /// By how much, in milliseconds.
        delay_ms: u64,
    },
    /// Only so much passes between two ends in a second; the rest waits its turn.
    LinkBandwidth {
        /// Which way.
        link: Link,
        /// Bytes in a second.
        bytes_per_s: u64,
    },
    /// The front door carries calls out, and closes the connection without an
    /// answer.
    Reset {
        /// Which calls.
        calls: Calls,
    },
    /// A node's disk takes so much longer to make anything durable.
    DiskSlow {
        /// The node.
        node: Place,
        /// By how much, in milliseconds.
        delay_ms: u64,
    },
    /// A node's disk takes nothing more. The node ends, and starts again and
    /// again until the fault ends.
    DiskFull {
        /// The node.
        node: Place,
    },
    /// A node's disk fails to make anything durable, with the same end.
    DiskFlushFails {
        /// The node.
        node: Place,
    },
}
