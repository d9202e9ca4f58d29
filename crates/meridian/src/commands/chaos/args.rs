//! The faults that have a command of their own, and their arguments.

use std::time::Duration;

use clap::{Args, Subcommand};
use meridian_proto::v1::fault::Kind;
use meridian_proto::v1::link_delay::Delay;
use meridian_proto::v1::{
    Calls, ClockFreeze, ClockSkew, Fault, Link, LinkCut, LinkDelay, LinkDuplicate, LinkFlap,
    LinkHold, LinkLoss, LinkReorder, LogNormalDelay, LoseAnswer, NodeCrash, NodeCut, NodePlace,
    ParetoDelay, Refuse, SlowAnswer, StaleReads,
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
}

#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Distribution {
    /// Always the same
    Constant,
    /// Half of all below it, and one in six more than twice as long
    LogNormal,
    /// Mostly near it, and one in a hundred more than ten times as long
    Pareto,
}

#[derive(Args)]
pub struct Lasts {
    /// End the fault by itself after this time, such as 30s; it lasts until
    /// `chaos heal` when left out
    #[arg(long = "for", value_name = "DURATION", value_parser = span::parse)]
    lasts: Option<Duration>,
}

#[derive(Args)]
pub struct LinkArgs {
    /// One end of the link: a region, or a node as REGION/ID
    #[arg(value_name = "FROM")]
    from: String,
    /// The other end: another region, or another node of the same region
    #[arg(value_name = "TO")]
    to: String,
    /// Only what the first sends to the second
    #[arg(long)]
    one_way: bool,
    #[command(flatten)]
    lasts: Lasts,
}

#[derive(Args)]
pub struct NodeArgs {
    /// The node, such as eu-west-1/2
    #[arg(value_name = "REGION/ID")]
    node: String,
    #[command(flatten)]
    lasts: Lasts,
}

#[derive(Args)]
pub struct CallArgs {
    /// The called region
    #[arg(value_name = "REGION")]
    region: String,
    /// Only calls of this operation, such as CreateKey
    #[arg(long)]
    operation: Option<String>,
    /// Only calls that name the key so
    #[arg(long)]
    key: Option<String>,
    /// Only calls of this account
    #[arg(long)]
    account: Option<String>,
    /// How many of these calls, from 0 to 1
    #[arg(long, default_value_t = 1.0)]
    probability: f64,
    /// Only every so manyth of these calls
    #[arg(long, default_value_t = 1)]
    every: u64,
    #[command(flatten)]
    lasts: Lasts,
}

impl FaultCommand {
    /// The fault as the cluster takes it.
    ///
    /// # Errors
    /// A node is not named as REGION/ID.
    pub fn fault(self) -> anyhow::Result<Fault> {
        let (kind, lasts) = match self {
            FaultCommand::Cut { link } => {
                let (link, lasts) = link.split();
                (Kind::LinkCut(LinkCut { link }), lasts)
            }
            FaultCommand::Delay {
                link,
                delay,
                distribution,
            } => {
                let (link, lasts) = link.split();
                let delay = Some(distribution.delay(ms(delay)));
                (Kind::LinkDelay(LinkDelay { link, delay }), lasts)
            }
            FaultCommand::Lose { link, probability } => {
                let (link, lasts) = link.split();
                (Kind::LinkLoss(LinkLoss { link, probability }), lasts)
            }
            FaultCommand::Duplicate { link, probability } => {
                let (link, lasts) = link.split();
                let kind = LinkDuplicate { link, probability };
                (Kind::LinkDuplicate(kind), lasts)
            }
            FaultCommand::Reorder { link, spread } => {
                let (link, lasts) = link.split();
                let spread_ms = ms(spread);
                (Kind::LinkReorder(LinkReorder { link, spread_ms }), lasts)
            }
            FaultCommand::Hold { link } => {
                let (link, lasts) = link.split();
                (Kind::LinkHold(LinkHold { link }), lasts)
            }
            FaultCommand::Flap { link, period } => {
                let (link, lasts) = link.split();
                let period_ms = ms(period);
                (Kind::LinkFlap(LinkFlap { link, period_ms }), lasts)
            }
            FaultCommand::Isolate { node } => {
                let (node, lasts) = node.split()?;
                (Kind::NodeCut(NodeCut { node }), lasts)
            }
            FaultCommand::Crash { node } => {
                let (node, lasts) = node.split()?;
                (Kind::NodeCrash(NodeCrash { node }), lasts)
            }
            FaultCommand::Skew { node, skew_ms } => {
                let (node, lasts) = node.split()?;
                (Kind::ClockSkew(ClockSkew { node, skew_ms }), lasts)
            }
            FaultCommand::Freeze { node } => {
                let (node, lasts) = node.split()?;
                (Kind::ClockFreeze(ClockFreeze { node }), lasts)
            }
            FaultCommand::Stale {
                place,
                lag,
                probability,
                lasts,
            } => {
                let (region, node) = match place.contains('/') {
                    true => {
                        let place = node_place(&place)?;
                        (place.region, Some(place.node))
                    }
                    false => (place, None),
                };
                let stale = StaleReads {
                    region,
                    node,
                    lag_ms: ms(lag),
                    probability: Some(probability),
                };
                (Kind::StaleReads(stale), lasts)
            }
            FaultCommand::Refuse { calls, code } => {
                let (calls, lasts) = calls.split();
                (Kind::Refuse(Refuse { calls, code }), lasts)
            }
            FaultCommand::LoseAnswer { calls } => {
                let (calls, lasts) = calls.split();
                (Kind::LoseAnswer(LoseAnswer { calls }), lasts)
            }
            FaultCommand::Slow { calls, delay } => {
                let (calls, lasts) = calls.split();
                let delay_ms = ms(delay);
                (Kind::SlowAnswer(SlowAnswer { calls, delay_ms }), lasts)
            }
        };
        Ok(Fault {
            id: String::new(),
            kind: Some(kind),
            duration_ms: lasts.lasts.map(ms),
        })
    }
}

impl Distribution {
    fn delay(self, ms: u64) -> Delay {
        match self {
            Distribution::Constant => Delay::ConstantMs(ms),
            Distribution::LogNormal => Delay::LogNormal(LogNormalDelay { median_ms: ms }),
            Distribution::Pareto => Delay::Pareto(ParetoDelay {
                least_ms: ms,
                most_ms: ms.saturating_mul(100),
            }),
        }
    }
}

impl LinkArgs {
    fn split(self) -> (Option<Link>, Lasts) {
        let link = Link {
            from: self.from,
            to: self.to,
            both_directions: !self.one_way,
        };
        (Some(link), self.lasts)
    }
}

impl NodeArgs {
    fn split(self) -> anyhow::Result<(Option<NodePlace>, Lasts)> {
        Ok((Some(node_place(&self.node)?), self.lasts))
    }
}

impl CallArgs {
    fn split(self) -> (Option<Calls>, Lasts) {
        let calls = Calls {
            region: self.region,
            operation: self.operation,
            key_id: self.key,
            account: self.account,
            probability: Some(self.probability),
            every: Some(self.every),
        };
        (Some(calls), self.lasts)
    }
}

fn node_place(name: &str) -> anyhow::Result<NodePlace> {
    let named = name.split_once('/');
    let place = named.and_then(|(region, id)| {
        let region = region.to_owned();
        Some(NodePlace {
            region,
            node: id.parse().ok()?,
        })
    });
    place.ok_or_else(|| anyhow::anyhow!("{name:?} is no node: nodes are named like eu-west-1/2"))
}

fn ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A length of time that may be behind.
fn signed_ms(text: &str) -> Result<i64, String> {
    let (sign, length) = match text.strip_prefix('-') {
        Some(length) => (-1, length),
        None => (1, text),
    };
    let length = i64::try_from(ms(span::parse(length)?)).unwrap_or(i64::MAX);
    Ok(length.saturating_mul(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_may_be_ahead_or_behind() {
        assert_eq!(signed_ms("90s"), Ok(90_000));
        assert_eq!(signed_ms("-1h 30m"), Ok(-5_400_000));
        assert!(signed_ms("-90").unwrap_err().contains("30s"));
    }

    #[test]
    fn a_node_is_named_by_its_region_and_its_id() {
        let place = node_place("eu-west-1/2").unwrap();
        assert_eq!((place.region.as_str(), place.node), ("eu-west-1", 2));
        for wrong in ["eu-west-1", "eu-west-1/", "eu-west-1/two"] {
            let error = node_place(wrong).unwrap_err().to_string();
            assert!(error.contains("eu-west-1/2"), "{error}");
        }
    }
}
