//! One running node: Raft, disk, clocks, links to peers, admin.
//!
//! A client's request enters through a [`meridian_api::Front`] and reaches
//! `kms.rs`, which answers from the `view`, or plans with the core and
//! proposes to the region's Raft group, or hands the request to the leader. A
//! fact enters through `peer_server.rs`, time through `ticker.rs`, and what is
//! due to other regions leaves through `feeder.rs` and the `links`.
//!
//! Nothing here decides what KMS means: tasks wait for the region's value to
//! change, ask it what is due, and do exactly that.

mod access;
mod active_faults;
mod audit_file;
mod audit_log;
mod audit_service;
mod chaos_http;
mod chaos_service;
mod clock;
mod cluster_secrets;
mod config;
mod core;
mod directory;
mod fate;
mod faulty;
mod feeder;
mod forgetter;
mod forward;
mod historian;
mod key_uses;
mod kms;
mod leader_asked;
mod leadership;
mod links;
mod local_cluster;
mod long_plans;
mod machine;
mod metrics;
mod node;
mod node_disk;
mod operator;
mod ownership;
mod peer_server;
mod planning;
mod raft_transport;
mod recorder;
mod request_metrics;
mod secrets;
mod seeded_grant;
mod seeding;
mod sower;
mod status;
mod supervise;
mod ticker;
mod up;
mod use_teller;
mod verdict;
mod view;
mod wrapping_keys;
mod xks_proxies;
mod xks_tls;

pub use active_faults::ActiveFaults;
pub use audit_log::AuditFiles;
pub use config::{Fsync, NodeConfig, NodeOverrides, Peer};
pub use node::RunningNode;
pub use recorder::merge_parts;
pub use secrets::create_secrets;
pub use up::{NodePlace, RegionPlace, RunningCluster, UpOptions};
pub use verdict::Verdict;
pub use xks_proxies::XksSettings;
