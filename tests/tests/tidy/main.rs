//! The repository itself: which crate may see which, what the pure crates may
//! not reach, and lists that have to be complete. No network and no cluster.
//!
//! A rule is a function from text to what is wrong with it, so that each has a
//! test in which it fails.

mod arrows;
mod fidelity;
mod formats;
mod operations;
mod purity;
mod repository;
mod sources;
