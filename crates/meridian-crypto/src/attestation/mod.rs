//! Attestation documents of AWS Nitro Enclaves: who signed them, what they
//! attest, and how an answer is encrypted so that only the enclave can read it
//! (AWS, "Nitro Enclaves attestation process").

mod cbor;
mod certificate;
mod der;
mod document;
mod enveloped;
mod root;

pub use document::{AttestationError, Attested};
pub use root::{AttestationRoot, AttestationRootError};

#[cfg(test)]
mod tests;
