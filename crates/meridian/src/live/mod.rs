//! The live driver of scenarios: real nodes, real time, real sockets.
//!
//! It starts a recording cluster of its own in this process, does what the
//! performance finds due, and has the judge read what was recorded. Who
//! performs is the simulator's `stage` all over; what is due when is one for
//! both, in `meridian-scenario`.

mod calls;
mod perform;
mod probe;
mod stage;
mod tasks;
mod watching;
mod workload;

pub use perform::{LiveArgs, perform};
