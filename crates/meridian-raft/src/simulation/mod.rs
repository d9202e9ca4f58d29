//! One group in virtual time: real openraft and the crate's own log store, writer, network,
//! snapshots, catch-up and restarts, on simulated disks and a simulated network.
//!
//! A seed decides everything: the faults and when they overlap, the clients, every delay, whom
//! chance elects. One seed is one run, bit for bit, which the digest of its event log shows. A
//! run ends with a time without faults, in which the group must come to a leader, to one state,
//! and through a last power cut.
//!
//! Only tests contain this module. What stands in for the outside: `runtime.rs` and `watch.rs`
//! for tokio's, `process.rs` for a process that can be killed, `disk.rs` and `network.rs`. What
//! happens: `client.rs`, `server.rs`, `faults.rs` with
//! `outages.rs` and `administration.rs`. What must hold: `judge.rs`, `history.rs`.
//!
//! More seeds, or one again with its whole event log:
//!
//! ```text
//! MERIDIAN_SEEDS=0..1000 cargo test --release -p meridian-raft --lib simulation::seeds::no_order
//! MERIDIAN_SEEDS=7..8 MERIDIAN_TRACE=1 cargo test -p meridian-raft --lib simulation::seeds::no_order
//! ```

pub(crate) mod process;
pub(crate) mod runtime;
pub(crate) mod watch;

mod administration;
mod chronicle;
mod client;
mod cluster;
mod dice;
mod disk;
mod faults;
mod history;
mod judge;
mod machine;
mod network;
mod outages;
mod planted;
mod run;
mod seeds;
mod server;
mod stories;

use run::Bug;
