//! What the commands of faults have in common: where, how long, how much.

use std::time::Duration;

use clap::Args;
use meridian_proto::v1::link_delay::Delay;
use meridian_proto::v1::{Calls, Link, LogNormalDelay, NodePlace, ParetoDelay, Phase, Property};

use crate::span;

#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Distribution {
    /// Always the same
    Constant,
    /// Half of all below it, and one in six more than twice as long
    LogNormal,
    /// Mostly near it, and one in a hundred more than ten times as long
    Pareto,
}

/// A part of a region.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Part {
    /// Enabled, disabled, waiting to be deleted
    KeyState,
    /// Where aliases lead
    Alias,
    /// Tags of keys
    Tag,
    /// Key policies
    Policy,
    /// Primary, replicas, materials and their states, automatic rotation
    SharedProperties,
    /// Which material is here
    Materials,
    /// Grants: a new one is in force for who shows its token only
    Grants,
}

/// A phase in the life of a key set.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum LongPhase {
    /// The replica does not come into being
    Creating,
    /// The primary role does not arrive
    Updating,
    /// The region does not prepare an accepted rotation
    Prepare,
}

#[derive(Args)]
pub struct Lasts {
    /// End the fault by itself after this time, such as 30s; it lasts until
    /// `chaos heal` when left out
    #[arg(long = "for", value_name = "DURATION", value_parser = span::parse)]
    pub lasts: Option<Duration>,
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

impl Distribution {
    pub fn delay(self, ms: u64) -> Delay {
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
    pub fn split(self) -> (Option<Link>, Lasts) {
        let link = Link {
            from: self.from,
            to: self.to,
            both_directions: !self.one_way,
        };
        (Some(link), self.lasts)
    }
}

impl NodeArgs {
    pub fn split(self) -> anyhow::Result<(Option<NodePlace>, Lasts)> {
        Ok((Some(node_place(&self.node)?), self.lasts))
    }
}

impl CallArgs {
    pub fn split(self) -> (Option<Calls>, Lasts) {
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

pub fn node_place(name: &str) -> anyhow::Result<NodePlace> {
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

pub fn ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A length of time that may be behind.
pub fn signed_ms(text: &str) -> Result<i64, String> {
    let (sign, length) = match text.strip_prefix('-') {
        Some(length) => (-1, length),
        None => (1, text),
    };
    let length = i64::try_from(ms(span::parse(length)?)).unwrap_or(i64::MAX);
    Ok(length.saturating_mul(sign))
}

impl Part {
    pub fn property(self) -> Property {
        match self {
            Part::KeyState => Property::KeyState,
            Part::Alias => Property::Alias,
            Part::Tag => Property::Tag,
            Part::Policy => Property::Policy,
            Part::SharedProperties => Property::SharedProperties,
            Part::Materials => Property::Materials,
            Part::Grants => Property::Grants,
        }
    }
}

impl LongPhase {
    pub fn phase(self) -> Phase {
        match self {
            LongPhase::Creating => Phase::Creating,
            LongPhase::Updating => Phase::Updating,
            LongPhase::Prepare => Phase::Prepare,
        }
    }
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
