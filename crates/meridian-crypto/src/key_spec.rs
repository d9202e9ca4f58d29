//! KeySpec: what kind of secret a key is made of.

use serde::{Deserialize, Serialize};

macro_rules! key_specs {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// AWS's `KeySpec`. SM2 is missing: it exists in China only, and
        /// elsewhere AWS refuses it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum KeySpec { $($(#[$doc])* #[serde(rename = $name)] $variant,)* }

        impl KeySpec {
            /// All of them.
            pub const ALL: &'static [KeySpec] = &[$(KeySpec::$variant,)*];

            /// AWS's spelling.
            pub fn name(self) -> &'static str {
                match self { $(KeySpec::$variant => $name,)* }
            }
        }
    };
}

key_specs! {
    /// 32 bytes; AES-256-GCM.
    SymmetricDefault = "SYMMETRIC_DEFAULT",
    /// RSA with a modulus of 2048 bits.
    Rsa2048 = "RSA_2048",
    /// RSA with a modulus of 3072 bits.
    Rsa3072 = "RSA_3072",
    /// RSA with a modulus of 4096 bits.
    Rsa4096 = "RSA_4096",
    /// NIST curve P-256.
    EccNistP256 = "ECC_NIST_P256",
    /// NIST curve P-384.
    EccNistP384 = "ECC_NIST_P384",
    /// NIST curve P-521.
    EccNistP521 = "ECC_NIST_P521",
    /// The curve secp256k1 of SEC 2.
    EccSecgP256k1 = "ECC_SECG_P256K1",
    /// Ed25519 (RFC 8032).
    EccNistEdwards25519 = "ECC_NIST_EDWARDS25519",
    /// HMAC with SHA-224.
    Hmac224 = "HMAC_224",
    /// HMAC with SHA-256.
    Hmac256 = "HMAC_256",
    /// HMAC with SHA-384.
    Hmac384 = "HMAC_384",
    /// HMAC with SHA-512.
    Hmac512 = "HMAC_512",
    /// ML-DSA-44 (FIPS 204).
    MlDsa44 = "ML_DSA_44",
    /// ML-DSA-65 (FIPS 204).
    MlDsa65 = "ML_DSA_65",
    /// ML-DSA-87 (FIPS 204).
    MlDsa87 = "ML_DSA_87",
    /// ML-KEM-512 (FIPS 203).
    MlKem512 = "ML_KEM_512",
    /// ML-KEM-768 (FIPS 203).
    MlKem768 = "ML_KEM_768",
    /// ML-KEM-1024 (FIPS 203).
    MlKem1024 = "ML_KEM_1024",
}

impl KeySpec {
    /// The spec with this name.
    pub fn from_name(name: &str) -> Option<KeySpec> {
        KeySpec::ALL
            .iter()
            .copied()
            .find(|spec| spec.name() == name)
    }

    /// Length in bytes of the HMAC of such a key, and of a generated one; nothing
    /// for other specs.
    pub fn mac_len(self) -> Option<usize> {
        match self {
            KeySpec::Hmac224 => Some(28),
            KeySpec::Hmac256 => Some(32),
            KeySpec::Hmac384 => Some(48),
            KeySpec::Hmac512 => Some(64),
            _ => None,
        }
    }

    /// The byte that stands for the spec in durable formats: never reused.
    pub(crate) fn code(self) -> u8 {
        match self {
            KeySpec::SymmetricDefault => 1,
            KeySpec::Rsa2048 => 2,
            KeySpec::Rsa3072 => 3,
            KeySpec::Rsa4096 => 4,
            KeySpec::EccNistP256 => 5,
            KeySpec::EccNistP384 => 6,
            KeySpec::EccNistP521 => 7,
            KeySpec::EccSecgP256k1 => 8,
            KeySpec::EccNistEdwards25519 => 9,
            KeySpec::Hmac224 => 10,
            KeySpec::Hmac256 => 11,
            KeySpec::Hmac384 => 12,
            KeySpec::Hmac512 => 13,
            KeySpec::MlDsa44 => 14,
            KeySpec::MlDsa65 => 15,
            KeySpec::MlDsa87 => 16,
            KeySpec::MlKem512 => 17,
            KeySpec::MlKem768 => 18,
            KeySpec::MlKem1024 => 19,
        }
    }

    /// The spec that [`code`](Self::code) stands for.
    pub(crate) fn from_code(code: u8) -> Option<KeySpec> {
        let mut all = KeySpec::ALL.iter().copied();
        all.find(|spec| spec.code() == code)
    }

    /// True for the algorithms that a quantum computer does not break.
    pub fn is_post_quantum(self) -> bool {
        matches!(
            self,
            KeySpec::MlDsa44
                | KeySpec::MlDsa65
                | KeySpec::MlDsa87
                | KeySpec::MlKem512
                | KeySpec::MlKem768
                | KeySpec::MlKem1024
        )
    }

    /// True when the key has a public half.
    pub fn is_asymmetric(self) -> bool {
        !matches!(
            self,
            KeySpec::SymmetricDefault
                | KeySpec::Hmac224
                | KeySpec::Hmac256
                | KeySpec::Hmac384
                | KeySpec::Hmac512
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spec_is_found_by_its_name_and_stored_by_it() {
        for spec in KeySpec::ALL {
            assert_eq!(KeySpec::from_name(spec.name()), Some(*spec));
            assert_eq!(KeySpec::from_code(spec.code()), Some(*spec));
            let stored = serde_json::to_string(spec).unwrap();
            assert_eq!(stored, format!("\"{}\"", spec.name()));
        }
        assert_eq!(KeySpec::from_name("SM2"), None);
    }
}
