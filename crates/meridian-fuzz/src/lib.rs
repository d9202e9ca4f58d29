//! Everything that reads foreign bytes, as functions from any bytes to nothing:
//! they end without a panic, and what they read they can write again.
//!
//! `cargo test -p meridian-fuzz` feeds them their corpora and a few thousand
//! mutations of these. `coverage/` holds the same functions for libFuzzer, which
//! is guided by what the bytes reach:
//!
//! ```text
//! cargo +nightly fuzz run --fuzz-dir crates/meridian-fuzz/coverage policy_document
//! ```
//!
//! A target that fails leaves its bytes under `corpus/`, where every later run
//! starts.

mod aws_json;
mod fact;
mod history;
mod log_entry;
mod policy_document;
mod scenario;

/// A function to fuzz.
pub struct Target {
    /// Also the name of its corpus, and of its binary in `coverage/`.
    pub name: &'static str,
    /// Panics if the bytes were not dealt with as they should be.
    pub run: fn(&[u8]),
}

macro_rules! targets {
    ($($name:ident,)*) => {
        /// All of them.
        pub const TARGETS: &[Target] = &[$(Target {
            name: stringify!($name),
            run: $name::run,
        },)*];
    };
}

targets! {
    aws_json,
    fact,
    history,
    log_entry,
    policy_document,
    scenario,
}

/// Runs the target with this name.
///
/// # Panics
/// There is none, or it fails.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target of the table").run)(bytes);
}
