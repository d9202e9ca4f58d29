//! What the tests of whole clusters share: a cluster of real processes, started
//! and ended through `deploy/local/cluster` as a person would, and clients that
//! call it over gRPC.
//!
//! A test that fails keeps the cluster's directory, with the log of every node,
//! and says where it is.

mod binary;
mod client;
mod entrances;
mod eventually;
mod failure;
mod gauges;
mod http;
mod local_cluster;
mod needle;
mod place;
mod ports;
mod relays;

pub use binary::binary;
pub use client::{Client, Import};
pub use entrances::{Entrances, Stuck};
pub use eventually::eventually;
pub use failure::Failure;
pub use gauges::Gauges;
pub use local_cluster::LocalCluster;
pub use needle::{Find, Needle, search};
pub use place::{Place, REGIONS};
