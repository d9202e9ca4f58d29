//! The two wires as a client sees them, on an in-memory `Kms`: headers, codes,
//! exact JSON, error shapes, routing.

#![allow(clippy::unwrap_used, reason = "a failed step fails its test")]

mod audit;
mod aws_json;
mod cluster;
mod grpc;
mod ports;
mod signatures;
