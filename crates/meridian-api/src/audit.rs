//! `Auditor`: who keeps the audit log, and what a region adds to an entry.

use std::io;

/// Keeps the audit log of a process.
pub trait Auditor: Send + Sync {
    /// Is everything written that happened until now?
    ///
    /// # Errors
    /// Something is not, and cannot be at the moment. A request that came now
    /// could not be written either.
    fn ready(&self) -> io::Result<()>;

    /// A request is about to be answered. Returns once it is written.
    ///
    /// `region` is empty when the request did not get as far as naming one that
    /// exists; `record` is a CloudTrail record.
    ///
    /// # Errors
    /// It could not be written. It is kept, and written before anything else.
    fn write(&self, region: &str, record: &serde_json::Value) -> io::Result<()>;
}

/// What a region knows of a request before it is carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The region's time in milliseconds since the Unix epoch; none if the
    /// region is elsewhere.
    pub now_ms: Option<i64>,
    /// The ARNs of the keys that the request is about.
    pub keys: Vec<String>,
    /// Is the material that the answer tells of one whose ID AWS does not show?
    pub hides_materials: bool,
}

/// The address of the client of a connection, noted for the audit log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientAddress(pub(crate) std::net::IpAddr);
