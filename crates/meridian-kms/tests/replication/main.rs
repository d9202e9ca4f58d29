//! What several regions make of one key set: stories over a small world in
//! which links are cut, and batches of facts are lost, repeated and reordered,
//! with a judge who looks at everything after every step.

#[path = "../../src/fixture.rs"]
#[allow(dead_code, reason = "the tests inside the crate use what these do not")]
mod fixture;

mod automatic_rotation;
mod dice;
mod hand_over;
mod judge;
mod planted;
mod random;
mod replicas;
mod rotation;
mod world;
