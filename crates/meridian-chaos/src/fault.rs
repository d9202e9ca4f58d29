//! One fault: what is wrong, and until when.

use meridian_proto::v1;
use serde::{Deserialize, Serialize};

use crate::{Effect, Kind, Link, Site};

/// Something that is wrong until it ends or is removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Names it for removal.
    pub id: String,
    /// What is wrong.
    pub kind: Kind,
    /// When it ends by itself, in milliseconds of the machine's own clock, not
    /// of the cluster's, which may be moved. Without an end it lasts until it
    /// is removed, as an operator who cuts a link by hand expects.
    pub ends_at_ms: Option<i64>,
}

/// Why a fault cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// The message does not say what is wrong.
    #[error("the fault has no kind")]
    NoKind,
    /// A link joins two different regions of the cluster.
    #[error("{0:?} is not a region of this cluster")]
    UnknownRegion(String),
    /// A link from a region to itself does not exist.
    #[error("a link joins two different regions, not {0:?} with itself")]
    SameRegion(String),
}

impl Fault {
    /// What this fault does at a site of a live cluster. Kinds that only the
    /// simulator obeys do nothing there.
    pub fn strike(&self, site: &Site<'_>, now_ms: i64) -> Effect {
        let Site::Link { from, to } = site;
        let carries = |link: &Link| link.carries(from, to);
        if self.has_ended(now_ms) || !self.kind.link().is_some_and(carries) {
            return Effect::PASS;
        }
        match &self.kind {
            Kind::LinkCut { .. } => Effect::Drop,
            Kind::LinkDelay { delay_ms, .. } => Effect::Delay { ms: *delay_ms },
            _ => Effect::PASS,
        }
    }

    /// True once its time is over.
    pub fn has_ended(&self, now_ms: i64) -> bool {
        self.ends_at_ms.is_some_and(|end| end <= now_ms)
    }

    /// From the wire. `regions` are those of the cluster; an empty ID becomes
    /// `id`.
    pub fn from_proto(
        fault: &v1::Fault,
        regions: &[String],
        id: String,
        now_ms: i64,
    ) -> Result<Fault, FaultError> {
        let link = |from: &str, to: &str, both_directions: bool| {
            for region in [from, to] {
                if !regions.iter().any(|known| known == region) {
                    return Err(FaultError::UnknownRegion(region.into()));
                }
            }
            if from == to {
                return Err(FaultError::SameRegion(from.into()));
            }
            Ok(Link {
                from: from.into(),
                to: to.into(),
                both_directions,
            })
        };
        let kind = match fault.kind.as_ref().ok_or(FaultError::NoKind)? {
            v1::fault::Kind::LinkCut(cut) => Kind::LinkCut {
                link: link(&cut.from_region, &cut.to_region, cut.both_directions)?,
            },
            v1::fault::Kind::LinkDelay(delay) => Kind::LinkDelay {
                link: link(&delay.from_region, &delay.to_region, delay.both_directions)?,
                delay_ms: delay.delay_ms,
            },
        };
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

    /// For the wire: the duration is what is left of it. A kind that the wire
    /// does not have comes without one.
    pub fn to_proto(&self, now_ms: i64) -> v1::Fault {
        let kind = match &self.kind {
            Kind::LinkCut { link } => Some(v1::fault::Kind::LinkCut(v1::LinkCut {
                from_region: link.from.clone(),
                to_region: link.to.clone(),
                both_directions: link.both_directions,
            })),
            Kind::LinkDelay { link, delay_ms } => Some(v1::fault::Kind::LinkDelay(v1::LinkDelay {
                from_region: link.from.clone(),
                to_region: link.to.clone(),
                both_directions: link.both_directions,
                delay_ms: *delay_ms,
            })),
            _ => None,
        };
        let left = self
            .ends_at_ms
            .map(|end| end.saturating_sub(now_ms).max(0).unsigned_abs());
        v1::Fault {
            id: self.id.clone(),
            kind,
            duration_ms: left,
        }
    }
}
