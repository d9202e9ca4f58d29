//! The two wires of Meridian: AWS JSON 1.1 with SigV4, and gRPC. Both call one
//! [`Kms`] trait.
//!
//! A [`Front`] listens for all regions of a [`Cluster`], or for one. A request
//! passes through in one line on either wire: find the operation in the table
//! of `meridian-kms`, find out who calls which region (`authentication`, `sigv4`,
//! or gRPC metadata), decode, check AWS's constraints, [`Kms::call`], encode. What goes
//! wrong before the region is asked is a refusal of the wire; what goes wrong
//! after is a [`CallError`], whose file holds the one table of codes.
//!
//! An [`Auditor`], if there is one, gets a CloudTrail record of each request
//! before it is answered (`trail`, `cloud_trail`), and none is answered whose
//! record cannot be written (`unwritten`).
//!
//! There is no decision of KMS here, no Raft and no disk. Signatures are read for
//! their names, and verified where [`Authentication`] says so.

mod audit;
mod authentication;
mod aws_json;
pub mod cloud_trail;
mod door;
mod error;
pub mod event_bridge;
mod front;
mod grpc;
mod kms;
mod machine_clock;
mod observer;
mod other_region;
mod port;
mod quota;
mod refusal;
mod request_id;
mod serve;
mod sigv4;
mod socket;
mod throttle;
mod trail;
mod unwritten;
mod user_identity;

pub use audit::{Auditor, Seen};
pub use authentication::Authentication;
pub use error::CallError;
pub use front::{Cluster, Front, Scope};
pub use kms::Kms;
pub use machine_clock::machine_now_ms;
pub use observer::Observer;
pub use port::Port;
pub use serve::serve;
pub use socket::Socket;
pub use throttle::Throttle;
