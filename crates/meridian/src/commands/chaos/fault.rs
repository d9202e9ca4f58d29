//! From a command to the fault that it asks for.

use meridian_proto::v1::fault::Kind;
use meridian_proto::v1::{
    ClockFreeze, ClockSkew, DiskFlushFails, DiskFull, DiskSlow, Fault, LinkBandwidth, LinkCut,
    LinkDelay, LinkDuplicate, LinkFlap, LinkHold, LinkLoss, LinkReorder, LoseAnswer,
    MaterialExpire, MaterialHold, NodeCrash, NodeCut, NodePause, NodeReplace, NodeSlowStart,
    Refuse, Reset, SlowAnswer, StaleReads, Stretch, TokensExpire,
};

use crate::commands::chaos::args::FaultCommand;
use crate::commands::chaos::scope::{Lasts, ms, node_place};

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
                property,
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
                    property: property.map_or(0, |part| part.property().into()),
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
            FaultCommand::Reset { calls } => {
                let (calls, lasts) = calls.split();
                (Kind::Reset(Reset { calls }), lasts)
            }
            FaultCommand::Bandwidth { link, bytes_per_s } => {
                let (link, lasts) = link.split();
                let kind = LinkBandwidth { link, bytes_per_s };
                (Kind::LinkBandwidth(kind), lasts)
            }
            FaultCommand::Pause { node } => {
                let (node, lasts) = node.split()?;
                (Kind::NodePause(NodePause { node }), lasts)
            }
            FaultCommand::Replace { node } => {
                let (node, lasts) = node.split()?;
                (Kind::NodeReplace(NodeReplace { node }), lasts)
            }
            FaultCommand::SlowStart { node, delay } => {
                let (node, lasts) = node.split()?;
                let delay_ms = ms(delay);
                (Kind::NodeSlowStart(NodeSlowStart { node, delay_ms }), lasts)
            }
            FaultCommand::SlowDisk { node, delay } => {
                let (node, lasts) = node.split()?;
                let delay_ms = ms(delay);
                (Kind::DiskSlow(DiskSlow { node, delay_ms }), lasts)
            }
            FaultCommand::FillDisk { node } => {
                let (node, lasts) = node.split()?;
                (Kind::DiskFull(DiskFull { node }), lasts)
            }
            FaultCommand::FailFlush { node } => {
                let (node, lasts) = node.split()?;
                (Kind::DiskFlushFails(DiskFlushFails { node }), lasts)
            }
            FaultCommand::Stretch {
                phase,
                region,
                key,
                lasts,
            } => {
                let stretch = Stretch {
                    phase: phase.phase().into(),
                    region,
                    key_id: key,
                };
                (Kind::Stretch(stretch), lasts)
            }
            FaultCommand::HoldMaterial {
                region,
                key,
                material,
                lasts,
            } => {
                let hold = MaterialHold {
                    region,
                    key_id: key,
                    key_material_id: material,
                };
                (Kind::MaterialHold(hold), lasts)
            }
            FaultCommand::ExpireTokens {
                region,
                older_than,
                lasts,
            } => {
                let older_than_ms = ms(older_than);
                let expire = TokensExpire {
                    region,
                    older_than_ms,
                };
                (Kind::TokensExpire(expire), lasts)
            }
            FaultCommand::ExpireMaterial {
                region,
                key,
                material,
            } => {
                let expire = MaterialExpire {
                    region,
                    key_id: key,
                    key_material_id: material,
                };
                (Kind::MaterialExpire(expire), Lasts { lasts: None })
            }
        };
        Ok(Fault {
            id: String::new(),
            kind: Some(kind),
            duration_ms: lasts.lasts.map(ms),
        })
    }
}
