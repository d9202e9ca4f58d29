//! Key material at rest and in use: sealing, the ciphertext format, import wrapping.
//!
//! How one piece of material passes through:
//!
//! 1. It is drawn ([`Material::generate_for`]) or unwrapped from an import
//!    ([`ImportToken::unwrap`], [`Material::read`]) and gets its
//!    [`MaterialId`] from the [`Vault`].
//! 2. [`Vault::seal`] turns it into [`Sealed`], the only form that is stored,
//!    logged, or replicated inside a region.
//! 3. [`Vault::seal_for_region`] and [`Vault::accept_from_region`] carry it to
//!    another region; outside the two vaults it is never in the clear.
//! 4. [`Vault::open`] gives [`HotMaterial`], which [`encrypt`] and [`decrypt`]
//!    use; a ciphertext names its key and material and nothing regional. Keys
//!    that are not symmetric have their uses there as methods.
//!
//! There is no clock here, and every random byte comes through [`Entropy`]. The
//! one exception is the C library behind RSA, ECDSA and ML-DSA, which has its
//! own random source.
//! Types that hold secrets are wiped on drop and have no `Debug`, `Display`,
//! `Clone` or `Serialize`.

mod aead;
mod attestation;
mod ciphertext;
mod entropy;
mod fingerprints;
mod grant_token;
mod hot_material;
mod import_token;
mod key_id;
mod key_spec;
mod keyed_hash;
mod mac;
mod material;
mod material_id;
mod opened;
mod pair;
mod proxied;
mod sealed;
mod sealed_secret;
mod secret;
mod signing;
mod vault;
mod wrapping;

#[cfg(test)]
mod secrecy;
#[cfg(test)]
mod vectors;

pub use attestation::{AttestationError, AttestationRoot, AttestationRootError, Attested};
pub use ciphertext::{CiphertextHeader, CiphertextKind, decrypt, encrypt, parse};
#[cfg(feature = "os-entropy")]
pub use entropy::OsEntropy;
pub use entropy::{Entropy, SeededEntropy};
pub use fingerprints::Fingerprints;
pub use grant_token::GrantToken;
pub use hot_material::HotMaterial;
pub use import_token::{ImportToken, TokenError};
pub use key_id::{KeyId, ParseKeyIdError};
pub use key_spec::KeySpec;
pub use material::Material;
pub use material_id::{MaterialId, ParseMaterialIdError};
pub use pair::{EncryptionAlgorithm, Unfit};
pub use proxied::{Proxied, context_digest};
pub use sealed::{Sealed, SealedError};
pub use sealed_secret::{SealedSecret, SealedSecretError};
pub use secret::{ClusterSecret, RootKey};
pub use signing::{MessageType, SigningAlgorithm};
pub use vault::{Vault, VaultError};
pub use wrapping::{
    ParseWrappingError, WrapError, WrappingAlgorithm, WrappingKey, WrappingKeyError,
    WrappingKeySpec, wrap,
};
