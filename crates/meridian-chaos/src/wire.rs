//! A fault as the service `meridian.v1.Chaos` says it, checked against the
//! cluster that is to suffer it.

use std::collections::BTreeMap;

use meridian_proto::v1;
use meridian_proto::v1::fault::Kind as Wire;
use meridian_proto::v1::link_delay::Delay as WireDelay;

use crate::{Calls, Delay, Fault, Kind, Link, Place};

/// The IDs of a cluster's nodes, by region.
pub type Nodes = BTreeMap<String, Vec<u64>>;

/// Why a fault cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// The message does not say what is wrong.
    #[error("the fault has no kind")]
    NoKind,
    /// A field is missing without which nothing can be said.
    #[error("the fault does not say its {0}")]
    Missing(&'static str),
    /// There is no such region.
    #[error("{0:?} is not a region of this cluster")]
    UnknownRegion(String),
    /// There is no such node.
    #[error("{0:?} is not a node of this cluster; nodes are named REGION/ID")]
    UnknownNode(String),
    /// A link joins two regions, or two nodes of one region.
    #[error("a link joins two different regions or two nodes of one region, not {0:?} and {1:?}")]
    NoLink(String, String),
    /// A probability is between nothing and always.
    #[error("a probability is between 0 and 1, not {0}")]
    Probability(String),
    /// A length of time that makes no fault.
    #[error("{0} must be more than zero")]
    Zero(&'static str),
}

type Checked<T> = Result<T, FaultError>;

impl Fault {
    /// From the wire; an empty ID becomes `id`.
    ///
    /// # Errors
    /// The fault is incomplete, or is about something the cluster does not have.
    pub fn from_proto(fault: &v1::Fault, nodes: &Nodes, id: String, now_ms: i64) -> Checked<Fault> {
        let kind = Reader { nodes }.kind(fault.kind.as_ref().ok_or(FaultError::NoKind)?)?;
        let duration_ms = fault
            .duration_ms
            .map(|ms| i64::try_from(ms).unwrap_or(i64::MAX));
        Ok(Fault {
            id: if fault.id.is_empty() {
                id
            } else {
                fault.id.clone()
            },
            kind,
            ends_at_ms: duration_ms.map(|ms| now_ms.saturating_add(ms)),
        })
    }

    /// For the wire: the duration is what is left of it. A kind that only the
    /// simulator has comes without one.
    pub fn to_proto(&self, now_ms: i64) -> v1::Fault {
        let left = self
            .ends_at_ms
            .map(|end| end.saturating_sub(now_ms).max(0).unsigned_abs());
        v1::Fault {
            id: self.id.clone(),
            kind: written(&self.kind),
            duration_ms: left,
        }
    }
}

/// Reads what is wrong, and checks that it can be wrong in this cluster.
struct Reader<'a> {
    nodes: &'a Nodes,
}

impl Reader<'_> {
    fn kind(&self, kind: &Wire) -> Checked<Kind> {
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
                self.region(&it.region)?;
                if let Some(node) = it.node {
                    self.node(&it.region, node)?;
                }
                Kind::StaleReads {
                    region: it.region.clone(),
                    node: it.node,
                    lag_ms: above_zero("lag_ms", it.lag_ms)?,
                    per_mille: per_mille(it.probability.unwrap_or(1.0))?,
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
        })
    }

    fn region(&self, name: &str) -> Checked<()> {
        let known = self.nodes.contains_key(name);
        known
            .then_some(())
            .ok_or_else(|| FaultError::UnknownRegion(name.into()))
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

fn probability(per_mille: u16) -> f64 {
    f64::from(per_mille) / 1000.0
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

fn written_delay(delay: &Delay) -> WireDelay {
    match *delay {
        Delay::Constant { ms } => WireDelay::ConstantMs(ms),
        Delay::Normal {
            mean_ms,
            deviation_ms,
        } => WireDelay::Normal(v1::NormalDelay {
            mean_ms,
            deviation_ms,
        }),
        Delay::LogNormal { median_ms } => WireDelay::LogNormal(v1::LogNormalDelay { median_ms }),
        Delay::Pareto { least_ms, most_ms } => {
            WireDelay::Pareto(v1::ParetoDelay { least_ms, most_ms })
        }
    }
}

fn written(kind: &Kind) -> Option<Wire> {
    let link = |link: &Link| {
        Some(v1::Link {
            from: link.from.clone(),
            to: link.to.clone(),
            both_directions: link.both_directions,
        })
    };
    let place = |place: &Place| {
        Some(v1::NodePlace {
            region: place.region.clone(),
            node: place.node,
        })
    };
    let calls = |calls: &Calls| {
        Some(v1::Calls {
            region: calls.region.clone(),
            operation: calls.operation.clone(),
            key_id: calls.key_id.clone(),
            account: calls.account.clone(),
            probability: Some(probability(calls.per_mille)),
            every: Some(calls.every),
        })
    };
    Some(match kind {
        Kind::LinkCut { link: it } => Wire::LinkCut(v1::LinkCut { link: link(it) }),
        Kind::LinkDelay { link: it, delay_ms } => Wire::LinkDelay(v1::LinkDelay {
            link: link(it),
            delay: Some(WireDelay::ConstantMs(*delay_ms)),
        }),
        Kind::LinkJitter { link: it, delay } => Wire::LinkDelay(v1::LinkDelay {
            link: link(it),
            delay: Some(written_delay(delay)),
        }),
        Kind::LinkLoss {
            link: it,
            per_mille,
        } => Wire::LinkLoss(v1::LinkLoss {
            link: link(it),
            probability: probability(*per_mille),
        }),
        Kind::LinkDuplicate {
            link: it,
            per_mille,
        } => Wire::LinkDuplicate(v1::LinkDuplicate {
            link: link(it),
            probability: probability(*per_mille),
        }),
        Kind::LinkReorder {
            link: it,
            spread_ms,
        } => Wire::LinkReorder(v1::LinkReorder {
            link: link(it),
            spread_ms: *spread_ms,
        }),
        Kind::LinkHold { link: it } => Wire::LinkHold(v1::LinkHold { link: link(it) }),
        Kind::LinkFlap {
            link: it,
            period_ms,
        } => Wire::LinkFlap(v1::LinkFlap {
            link: link(it),
            period_ms: *period_ms,
        }),
        Kind::NodeCut { node } => Wire::NodeCut(v1::NodeCut { node: place(node) }),
        Kind::NodeCrash { node } => Wire::NodeCrash(v1::NodeCrash { node: place(node) }),
        Kind::ClockSkew { node, skew_ms } => Wire::ClockSkew(v1::ClockSkew {
            node: place(node),
            skew_ms: *skew_ms,
        }),
        Kind::ClockFreeze { node } => Wire::ClockFreeze(v1::ClockFreeze { node: place(node) }),
        Kind::StaleReads {
            region,
            node,
            lag_ms,
            per_mille,
        } => Wire::StaleReads(v1::StaleReads {
            region: region.clone(),
            node: *node,
            lag_ms: *lag_ms,
            probability: Some(probability(*per_mille)),
        }),
        Kind::Refuse { calls: it, code } => Wire::Refuse(v1::Refuse {
            calls: calls(it),
            code: code.clone(),
        }),
        Kind::LoseAnswer { calls: it } => Wire::LoseAnswer(v1::LoseAnswer { calls: calls(it) }),
        Kind::SlowAnswer {
            calls: it,
            delay_ms,
        } => Wire::SlowAnswer(v1::SlowAnswer {
            calls: calls(it),
            delay_ms: *delay_ms,
        }),
        Kind::NodePause { .. }
        | Kind::LeaderChange { .. }
        | Kind::TimeTravel { .. }
        | Kind::ProposalLost { .. }
        | Kind::ProposalUnanswered { .. } => return None,
    })
}

#[cfg(test)]
mod tests;
