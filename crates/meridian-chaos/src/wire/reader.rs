//! A fault from the wire.

use meridian_proto::v1;
use meridian_proto::v1::fault::Kind as Wire;
use meridian_proto::v1::link_delay::Delay as WireDelay;

use crate::wire::{Checked, FaultError, Nodes};
use crate::{Calls, Delay, Kind, Link, Phase, Place, Property};

/// Reads what is wrong, and checks that it can be wrong in this cluster.
pub(super) struct Reader<'a> {
    pub(super) nodes: &'a Nodes,
}

impl Reader<'_> {
    pub(super) fn kind(&self, kind: &Wire) -> Checked<Kind> {
        Ok(match kind {
            Wire::LinkCut(it) => Kind::LinkCut {
                link: self.link(&it.link)?,
            },
            Wire::LinkDelay(it) => {
                let link = self.link(&it.link)?;
                match delay(it.delay.as_ref().ok_or(FaultError::Missing("delay"))?) {
                    Delay::Constant { ms } => Kind::LinkDelay { link, delay_ms: ms },
                    delay => Kind::LinkJitter { link, delay },
                }
            }
            Wire::LinkLoss(it) => Kind::LinkLoss {
                link: self.link(&it.link)?,
                per_mille: per_mille(it.probability)?,
            },
            Wire::LinkDuplicate(it) => Kind::LinkDuplicate {
                link: self.link(&it.link)?,
                per_mille: per_mille(it.probability)?,
            },
            Wire::LinkReorder(it) => Kind::LinkReorder {
                link: self.link(&it.link)?,
                spread_ms: above_zero("spread_ms", it.spread_ms)?,
            },
            Wire::LinkHold(it) => Kind::LinkHold {
                link: self.link(&it.link)?,
            },
            Wire::LinkFlap(it) => Kind::LinkFlap {
                link: self.link(&it.link)?,
                period_ms: above_zero("period_ms", it.period_ms)?,
            },
            Wire::NodeCut(it) => Kind::NodeCut {
                node: self.place(&it.node)?,
            },
            Wire::NodeCrash(it) => Kind::NodeCrash {
                node: self.place(&it.node)?,
            },
            Wire::ClockSkew(it) => Kind::ClockSkew {
                node: self.place(&it.node)?,
                skew_ms: it.skew_ms,
            },
            Wire::ClockFreeze(it) => Kind::ClockFreeze {
                node: self.place(&it.node)?,
            },
            Wire::StaleReads(it) => {
                if let Some(node) = it.node {
                    self.node(&it.region, node)?;
                }
                Kind::StaleReads {
                    region: self.named(&it.region)?,
                    node: it.node,
                    lag_ms: above_zero("lag_ms", it.lag_ms)?,
                    per_mille: per_mille(it.probability.unwrap_or(1.0))?,
                    property: property(it.property)?,
                }
            }
            Wire::Refuse(it) => Kind::Refuse {
                calls: self.calls(&it.calls)?,
                code: match it.code.as_str() {
                    "" => return Err(FaultError::Missing("code")),
                    code => code.to_owned(),
                },
            },
            Wire::LoseAnswer(it) => Kind::LoseAnswer {
                calls: self.calls(&it.calls)?,
            },
            Wire::SlowAnswer(it) => Kind::SlowAnswer {
                calls: self.calls(&it.calls)?,
                delay_ms: above_zero("delay_ms", it.delay_ms)?,
            },
            Wire::Reset(it) => Kind::Reset {
                calls: self.calls(&it.calls)?,
            },
            Wire::Stretch(it) => Kind::Stretch {
                phase: phase(it.phase)?,
                region: self.named(&it.region)?,
                key_id: it.key_id.clone(),
            },
            Wire::MaterialHold(it) => Kind::MaterialHold {
                region: self.named(&it.region)?,
                key_id: it.key_id.clone(),
                material: it.key_material_id.clone(),
            },
            Wire::TokensExpire(it) => Kind::TokensExpire {
                region: self.named(&it.region)?,
                older_than_ms: it.older_than_ms,
            },
            Wire::MaterialExpire(it) => Kind::MaterialExpire {
                region: self.named(&it.region)?,
                key_id: match it.key_id.as_str() {
                    "" => return Err(FaultError::Missing("key_id")),
                    key_id => Some(key_id.to_owned()),
                },
                material: it.key_material_id.clone(),
            },
            Wire::NodePause(it) => Kind::NodePause {
                node: self.place(&it.node)?,
            },
            Wire::NodeReplace(it) => Kind::NodeReplace {
                node: self.place(&it.node)?,
            },
            Wire::NodeSlowStart(it) => Kind::NodeSlowStart {
                node: self.place(&it.node)?,
                delay_ms: above_zero("delay_ms", it.delay_ms)?,
            },
            Wire::LinkBandwidth(it) => Kind::LinkBandwidth {
                link: self.link(&it.link)?,
                bytes_per_s: above_zero("bytes_per_s", it.bytes_per_s)?,
            },
            Wire::DiskSlow(it) => Kind::DiskSlow {
                node: self.place(&it.node)?,
                delay_ms: above_zero("delay_ms", it.delay_ms)?,
            },
            Wire::DiskFull(it) => Kind::DiskFull {
                node: self.place(&it.node)?,
            },
            Wire::DiskFlushFails(it) => Kind::DiskFlushFails {
                node: self.place(&it.node)?,
            },
        })
    }

    fn region(&self, name: &str) -> Checked<()> {
        let known = self.nodes.contains_key(name);
        known
            .then_some(())
            .ok_or_else(|| FaultError::UnknownRegion(name.into()))
    }

    fn named(&self, region: &str) -> Checked<String> {
        self.region(region).map(|()| region.to_owned())
    }

    fn node(&self, region: &str, node: u64) -> Checked<()> {
        self.region(region)?;
        let known = self.nodes[region].contains(&node);
        known
            .then_some(())
            .ok_or_else(|| FaultError::UnknownNode(format!("{region}/{node}")))
    }

    fn place(&self, place: &Option<v1::NodePlace>) -> Checked<Place> {
        let place = place.as_ref().ok_or(FaultError::Missing("node"))?;
        self.node(&place.region, place.node)?;
        Ok(Place {
            region: place.region.clone(),
            node: place.node,
        })
    }

    fn link(&self, link: &Option<v1::Link>) -> Checked<Link> {
        let link = link.as_ref().ok_or(FaultError::Missing("link"))?;
        let (from, to) = (self.end(&link.from)?, self.end(&link.to)?);
        let joins = match (from, to) {
            ((from, None), (to, None)) => from != to,
            ((from, Some(one)), (to, Some(other))) => from == to && one != other,
            _ => false,
        };
        if !joins {
            return Err(FaultError::NoLink(link.from.clone(), link.to.clone()));
        }
        Ok(Link {
            from: link.from.clone(),
            to: link.to.clone(),
            both_directions: link.both_directions,
        })
    }

    /// A region, or one node of it.
    fn end<'n>(&self, name: &'n str) -> Checked<(&'n str, Option<u64>)> {
        let Some((region, id)) = name.split_once('/') else {
            self.region(name)?;
            return Ok((name, None));
        };
        let id: Option<u64> = id.parse().ok();
        match id.filter(|id| self.node(region, *id).is_ok()) {
            Some(id) => Ok((region, Some(id))),
            None => Err(FaultError::UnknownNode(name.into())),
        }
    }

    fn calls(&self, calls: &Option<v1::Calls>) -> Checked<Calls> {
        let calls = calls.as_ref().ok_or(FaultError::Missing("calls"))?;
        self.region(&calls.region)?;
        Ok(Calls {
            region: calls.region.clone(),
            operation: calls.operation.clone(),
            key_id: calls.key_id.clone(),
            account: calls.account.clone(),
            per_mille: per_mille(calls.probability.unwrap_or(1.0))?,
            every: above_zero("every", calls.every.unwrap_or(1))?,
        })
    }
}

fn above_zero(name: &'static str, number: u64) -> Checked<u64> {
    match number {
        0 => Err(FaultError::Zero(name)),
        number => Ok(number),
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and 1000"
)]
fn per_mille(probability: f64) -> Checked<u16> {
    match (0.0..=1.0).contains(&probability) {
        true => Ok((probability * 1000.0).round() as u16),
        false => Err(FaultError::Probability(probability.to_string())),
    }
}

fn delay(delay: &WireDelay) -> Delay {
    match delay {
        WireDelay::ConstantMs(ms) => Delay::Constant { ms: *ms },
        WireDelay::Normal(it) => Delay::Normal {
            mean_ms: it.mean_ms,
            deviation_ms: it.deviation_ms,
        },
        WireDelay::LogNormal(it) => Delay::LogNormal {
            median_ms: it.median_ms,
        },
        WireDelay::Pareto(it) => Delay::Pareto {
            least_ms: it.least_ms,
            most_ms: it.most_ms,
        },
    }
}

fn phase(number: i32) -> Checked<Phase> {
    Ok(match v1::Phase::try_from(number) {
        Ok(v1::Phase::Creating) => Phase::Creating,
        Ok(v1::Phase::Updating) => Phase::Updating,
        Ok(v1::Phase::Prepare) => Phase::Prepare,
        Ok(v1::Phase::Unspecified) => return Err(FaultError::Missing("phase")),
        Err(_) => return Err(FaultError::NoSuch(number, "phase")),
    })
}

fn property(number: i32) -> Checked<Option<Property>> {
    Ok(match v1::Property::try_from(number) {
        Ok(v1::Property::Unspecified) => None,
        Ok(v1::Property::KeyState) => Some(Property::KeyState),
        Ok(v1::Property::Alias) => Some(Property::Alias),
        Ok(v1::Property::Tag) => Some(Property::Tag),
        Ok(v1::Property::Policy) => Some(Property::Policy),
        Ok(v1::Property::SharedProperties) => Some(Property::SharedProperties),
        Ok(v1::Property::Materials) => Some(Property::Materials),
        Ok(v1::Property::Grants) => Some(Property::Grants),
        Err(_) => return Err(FaultError::NoSuch(number, "property")),
    })
}
