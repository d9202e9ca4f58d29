//! What reads foreign bytes, as functions from any bytes to whether they were
//! taken: they end without a panic, and each asserts what its file says.
//!
//! | from | targets |
//! |---|---|
//! | a client's request | `aws_json`, `authorization`, `logged_json` |
//! | what a client got from KMS before | `ciphertext`, `import_token` |
//! | keys of a client's own | `wrapped_material`, `private_key`, `public_key` |
//! | an enclave and its operator | `attestation_document`, `attestation_root` |
//! | policies | `policy_document`, `identity_policy` |
//! | other machines | `fact`, `xks_answer` |
//! | files | `history`, `log_entry`, `scenario`, `seed` |
//!
//! HTTP, gRPC and the messages between nodes are read by the libraries beneath;
//! no target is about those.
//!
//! `cargo test -p meridian-fuzz` feeds them their corpora and a few thousand
//! mutations of these. `coverage/` holds the same functions for libFuzzer, which
//! is guided by what the bytes reach; the command is in `CONTRIBUTING.md`.
//!
//! A corpus holds what its target takes, and below names that begin with
//! `refused` what it does not: inputs that once failed, or that reach far.

mod attestation_document;
mod attestation_root;
mod authorization;
mod aws_json;
mod ciphertext;
mod fact;
mod history;
mod identity_policy;
mod import_token;
mod log_entry;
mod logged_json;
mod policy_document;
mod private_key;
mod public_key;
mod scenario;
mod seed;
mod wrapped_material;
mod xks_answer;

#[cfg(test)]
mod corpus;
// The region that the tests of the core stand on, with its secrets.
#[path = "../../meridian-kms/src/fixture.rs"]
mod fixture;

/// A function to fuzz.
pub struct Target {
    /// Also the name of its corpus, and of its binary in `coverage/`.
    pub name: &'static str,
    /// Nothing if the bytes were refused. Panics if they were not dealt with as
    /// they should be.
    pub run: fn(&[u8]) -> Option<()>,
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
    attestation_document,
    attestation_root,
    authorization,
    aws_json,
    ciphertext,
    fact,
    history,
    identity_policy,
    import_token,
    log_entry,
    logged_json,
    policy_document,
    private_key,
    public_key,
    scenario,
    seed,
    wrapped_material,
    xks_answer,
}

/// Runs the target with this name.
///
/// # Panics
/// There is none, or it fails.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    let _ = (target.expect("a target of the table").run)(bytes);
}
