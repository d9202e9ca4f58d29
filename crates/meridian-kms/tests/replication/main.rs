//! What several regions make of one key set: stories over a small world in
//! which links are cut, and batches of facts are lost, repeated and reordered,
//! with a judge who looks at everything after every step.

#![allow(
    clippy::unwrap_used,
    reason = "the functions beside the tests are part of them"
)]

#[path = "../../src/fixture.rs"]
mod fixture;

mod automatic_rotation;
mod dice;
mod hand_over;
mod judge;
mod other_specs;
mod planted;
mod random;
mod replicas;
mod rotation;
mod world;
