//! One Raft group: entries go in on the leader, come out in one order on every node, and
//! nothing acknowledged is lost.
//!
//! The crate knows no KMS and no wire protocol. A [`Machine`] says what an entry means, a
//! [`Transport`] carries bytes between the nodes of the group, and a [`Group`] is the handle a
//! node proposes and reads through. openraft and sled stay behind these three names.
//!
//! How one entry travels: [`Group::propose`] on the leader → the log store's queue → the
//! writer thread, which writes everything queued as one batch and makes it durable with one
//! sync ([`Fsync`]) → meanwhile `AppendEntries` to the peers through the [`Transport`], answered
//! by [`Group::handle`] over there after *their* sync → committed at a majority →
//! [`Machine::apply`], many entries at a time → the outcome returns to the proposer.

mod catch_up;
mod config;
mod disk_faults;
mod engine;
mod error;
mod ground;
mod group;
mod inbox;
mod log_store;
mod machine;
mod membership;
mod memory;
mod network;
mod node;
mod record;
mod recovery;
mod runtime;
#[cfg(test)]
mod simulation;
mod snapshot;
mod state_machine;
mod status;
mod stores;
#[cfg(test)]
mod suite;
mod transport;
mod types;
mod wire;
mod writer;

pub use config::{Compaction, Fsync, GroupConfig, NodeId};
pub use disk_faults::DiskFaults;
pub use error::{HandleError, MembershipError, ProposeError, ReadError, TransferError};
pub use group::Group;
pub use machine::Machine;
pub use memory::Memory;
pub use status::Status;
pub use transport::{Transport, TransportError};
