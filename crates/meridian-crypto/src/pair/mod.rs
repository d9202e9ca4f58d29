//! Key pairs: the private keys of asymmetric specs, parsed and ready for use.

mod ecc;
mod ed25519;
mod key_pair;
mod ml_dsa;
mod ml_kem;
mod oaep;
mod rsa;
mod seed_form;

pub use key_pair::Unfit;
pub(crate) use key_pair::{KeyPair, to_pkcs8};
pub use oaep::EncryptionAlgorithm;
