//! A fault for the wire.

use meridian_proto::v1;
use meridian_proto::v1::fault::Kind as Wire;
use meridian_proto::v1::link_delay::Delay as WireDelay;

use crate::{Calls, Delay, Kind, Link, Phase, Place, Property};

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

/// What is wrong, unless only the simulator has it.
pub(super) fn written(kind: &Kind) -> Option<Wire> {
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
            property,
        } => Wire::StaleReads(v1::StaleReads {
            region: region.clone(),
            node: *node,
            lag_ms: *lag_ms,
            probability: Some(probability(*per_mille)),
            property: written_property(*property).into(),
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
        Kind::Reset { calls: it } => Wire::Reset(v1::Reset { calls: calls(it) }),
        Kind::Stretch {
            phase,
            region,
            key_id,
        } => Wire::Stretch(v1::Stretch {
            phase: written_phase(*phase).into(),
            region: region.clone(),
            key_id: key_id.clone(),
        }),
        Kind::MaterialHold {
            region,
            key_id,
            material,
        } => Wire::MaterialHold(v1::MaterialHold {
            region: region.clone(),
            key_id: key_id.clone(),
            key_material_id: material.clone(),
        }),
        Kind::TokensExpire {
            region,
            older_than_ms,
        } => Wire::TokensExpire(v1::TokensExpire {
            region: region.clone(),
            older_than_ms: *older_than_ms,
        }),
        Kind::MaterialExpire {
            region,
            key_id,
            material,
        } => Wire::MaterialExpire(v1::MaterialExpire {
            region: region.clone(),
            key_id: key_id.clone().unwrap_or_default(),
            key_material_id: material.clone(),
        }),
        Kind::NodePause { node } => Wire::NodePause(v1::NodePause { node: place(node) }),
        Kind::NodeReplace { node } => Wire::NodeReplace(v1::NodeReplace { node: place(node) }),
        Kind::NodeSlowStart { node, delay_ms } => Wire::NodeSlowStart(v1::NodeSlowStart {
            node: place(node),
            delay_ms: *delay_ms,
        }),
        Kind::LinkBandwidth {
            link: it,
            bytes_per_s,
        } => Wire::LinkBandwidth(v1::LinkBandwidth {
            link: link(it),
            bytes_per_s: *bytes_per_s,
        }),
        Kind::DiskSlow { node, delay_ms } => Wire::DiskSlow(v1::DiskSlow {
            node: place(node),
            delay_ms: *delay_ms,
        }),
        Kind::DiskFull { node } => Wire::DiskFull(v1::DiskFull { node: place(node) }),
        Kind::DiskFlushFails { node } => {
            Wire::DiskFlushFails(v1::DiskFlushFails { node: place(node) })
        }
        Kind::LeaderChange { .. }
        | Kind::TimeTravel { .. }
        | Kind::ProposalLost { .. }
        | Kind::ProposalUnanswered { .. } => return None,
    })
}

fn probability(per_mille: u16) -> f64 {
    f64::from(per_mille) / 1000.0
}

fn written_phase(phase: Phase) -> v1::Phase {
    match phase {
        Phase::Creating => v1::Phase::Creating,
        Phase::Updating => v1::Phase::Updating,
        Phase::Prepare => v1::Phase::Prepare,
    }
}

fn written_property(property: Option<Property>) -> v1::Property {
    match property {
        None => v1::Property::Unspecified,
        Some(Property::KeyState) => v1::Property::KeyState,
        Some(Property::Alias) => v1::Property::Alias,
        Some(Property::Tag) => v1::Property::Tag,
        Some(Property::Policy) => v1::Property::Policy,
        Some(Property::SharedProperties) => v1::Property::SharedProperties,
        Some(Property::Materials) => v1::Property::Materials,
        Some(Property::Grants) => v1::Property::Grants,
    }
}
