//! A fault as the service `meridian.v1.Chaos` says it, checked against the
//! cluster that is to suffer it.

mod reader;
mod writer;

use std::collections::BTreeMap;

use meridian_proto::v1;

use crate::Fault;
use crate::wire::reader::Reader;
use crate::wire::writer::written;

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
    /// An enumeration has no such value.
    #[error("{0} is no {1}")]
    NoSuch(i32, &'static str),
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

#[cfg(test)]
mod tests;
