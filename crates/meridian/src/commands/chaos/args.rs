//! The faults that have a command of their own, and their arguments.

use std::time::Duration;

use clap::Subcommand;

use crate::commands::chaos::scope::{
    CallArgs, Distribution, Lasts, LinkArgs, LongPhase, NodeArgs, Part, signed_ms,
};
use crate::span;

#[derive(Subcommand)]
pub enum FaultCommand {
    /// Cut a link: nothing passes
    Cut {
        #[command(flatten)]
        link: LinkArgs,
    },
    /// Delay everything on a link
    Delay {
        #[command(flatten)]
        link: LinkArgs,
        /// How much later everything arrives, such as 200ms; the median or the
        /// least of a distribution
        #[arg(value_name = "DURATION", value_parser = span::parse)]
        delay: Duration,
        /// Draw each delay from a distribution
        #[arg(long, value_enum, default_value = "constant")]
        distribution: Distribution,
    },
    /// Lose messages on a link
    Lose {
        #[command(flatten)]
        link: LinkArgs,
        /// From 0 to 1
        #[arg(value_name = "PROBABILITY")]
        probability: f64,
    },
    /// Deliver messages on a link twice
    Duplicate {
        #[command(flatten)]
        link: LinkArgs,
        /// From 0 to 1
        #[arg(value_name = "PROBABILITY")]
        probability: f64,
    },
    /// Let messages on a link overtake each other
    Reorder {
        #[command(flatten)]
        link: LinkArgs,
        /// Each arrives up to this much later
        #[arg(value_name = "DURATION", value_parser = span::parse)]
        spread: Duration,
    },
    /// Hold messages on a link back; they all arrive when the fault ends
    Hold {
        #[command(flatten)]
        link: LinkArgs,
    },
    /// Cut a link and make it whole in turns
    Flap {
        #[command(flatten)]
        link: LinkArgs,
        /// One cut and one whole time together
        #[arg(value_name = "DURATION", value_parser = span::parse)]
        period: Duration,
    },
    /// Cut a node off from the other nodes of its region
    Isolate {
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Kill a node; it starts again from its disk when the fault ends
    Crash {
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Set a node's clock wrong
    Skew {
        #[command(flatten)]
        node: NodeArgs,
        /// Such as 90s; -90s when it is behind
        #[arg(value_name = "DURATION", allow_hyphen_values = true, value_parser = signed_ms)]
        skew_ms: i64,
    },
    /// Let a node's clock stand still
    Freeze {
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Answer reads from an older view
    Stale {
        /// A region, or one node of it: REGION/ID
        #[arg(value_name = "REGION[/ID]")]
        place: String,
        /// How old the view is
        #[arg(value_name = "DURATION", value_parser = span::parse)]
        lag: Duration,
        /// How many reads, from 0 to 1
        #[arg(long, default_value_t = 1.0)]
        probability: f64,
        /// Only this part of the region is older
        #[arg(long, value_enum)]
        property: Option<Part>,
        #[command(flatten)]
        lasts: Lasts,
    },
    /// Refuse calls with an AWS error code
    Refuse {
        #[command(flatten)]
        calls: CallArgs,
        /// Such as ThrottlingException
        #[arg(value_name = "CODE")]
        code: String,
    },
    /// Carry calls out and lose their answers
    LoseAnswer {
        #[command(flatten)]
        calls: CallArgs,
    },
    /// Answer calls later
    Slow {
        #[command(flatten)]
        calls: CallArgs,
        /// How much later
        #[arg(value_name = "DURATION", value_parser = span::parse)]
        delay: Duration,
    },
    /// Carry calls out and close their connections without an answer
    Reset {
        #[command(flatten)]
        calls: CallArgs,
    },
    /// Let only so much pass over a link; the rest waits its turn
    Bandwidth {
        #[command(flatten)]
        link: LinkArgs,
        /// In a second
        #[arg(value_name = "BYTES")]
        bytes_per_s: u64,
    },
    /// Let a node stand still, and go on without knowing
    Pause {
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Kill a node, and start another one in its place with an empty disk when
    /// the fault ends
    Replace {
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Let a node take longer to start again
    SlowStart {
        #[command(flatten)]
        node: NodeArgs,
        /// How much longer
        #[arg(value_name = "DURATION", value_parser = span::parse)]
        delay: Duration,
    },
    /// Let a node's disk take longer
    SlowDisk {
        #[command(flatten)]
        node: NodeArgs,
        /// How much longer, each time
        #[arg(value_name = "DURATION", value_parser = span::parse)]
        delay: Duration,
    },
    /// Fill a node's disk: the node ends, again and again
    FillDisk {
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Let a node's disk fail to make anything durable: the node ends, again and
    /// again
    FailFlush {
        #[command(flatten)]
        node: NodeArgs,
    },
    /// Keep from a region what would end a phase of a key set
    Stretch {
        /// What takes longer
        #[arg(value_enum)]
        phase: LongPhase,
        /// The region of the replica, of the new primary, of a member that does
        /// not prepare
        #[arg(value_name = "REGION")]
        region: String,
        /// Only the key with this ID
        #[arg(long, value_name = "ID")]
        key: Option<String>,
        #[command(flatten)]
        lasts: Lasts,
    },
    /// Keep a region from telling that it holds imported material
    HoldMaterial {
        /// The region
        #[arg(value_name = "REGION")]
        region: String,
        /// Only the key with this ID
        #[arg(long, value_name = "ID")]
        key: Option<String>,
        /// Only the material with this ID; any that waits for a rotation when left out
        #[arg(long, value_name = "ID")]
        material: Option<String>,
        #[command(flatten)]
        lasts: Lasts,
    },
    /// Let import tokens expire early
    ExpireTokens {
        /// The region
        #[arg(value_name = "REGION")]
        region: String,
        /// Only tokens older than this
        #[arg(long, value_name = "DURATION", value_parser = span::parse, default_value = "0s")]
        older_than: Duration,
        #[command(flatten)]
        lasts: Lasts,
    },
    /// Let imported material expire in one region, now; importing it again ends that
    ExpireMaterial {
        /// The region
        #[arg(value_name = "REGION")]
        region: String,
        /// The ID of the key
        #[arg(value_name = "KEY_ID")]
        key: String,
        /// The ID of the material; the newest that is held when left out
        #[arg(long, value_name = "ID")]
        material: Option<String>,
    },
}
