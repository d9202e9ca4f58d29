//! What a key is for, and the algorithms that its spec and usage give it (AWS
//! KMS Developer Guide, "Key spec reference").

use meridian_crypto::KeySpec;
use serde::{Deserialize, Serialize};

/// AWS's `KeyUsage`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum KeyUsage {
    /// Encrypt, Decrypt, ReEncrypt and data keys.
    #[default]
    EncryptDecrypt,
    /// Sign and Verify.
    SignVerify,
    /// GenerateMac and VerifyMac.
    GenerateVerifyMac,
    /// DeriveSharedSecret.
    KeyAgreement,
    /// Encapsulate and Decapsulate.
    EncapsulateDecapsulate,
}

impl KeyUsage {
    /// All of them.
    pub const ALL: [KeyUsage; 5] = [
        KeyUsage::EncryptDecrypt,
        KeyUsage::SignVerify,
        KeyUsage::GenerateVerifyMac,
        KeyUsage::KeyAgreement,
        KeyUsage::EncapsulateDecapsulate,
    ];

    /// AWS's spelling.
    pub fn name(self) -> &'static str {
        match self {
            KeyUsage::EncryptDecrypt => "ENCRYPT_DECRYPT",
            KeyUsage::SignVerify => "SIGN_VERIFY",
            KeyUsage::GenerateVerifyMac => "GENERATE_VERIFY_MAC",
            KeyUsage::KeyAgreement => "KEY_AGREEMENT",
            KeyUsage::EncapsulateDecapsulate => "ENCAPSULATE_DECAPSULATE",
        }
    }

    /// The usage with this name.
    pub fn from_name(name: &str) -> Option<KeyUsage> {
        KeyUsage::ALL.into_iter().find(|usage| usage.name() == name)
    }

    /// True of the usage that a stored set without one has.
    pub(crate) fn is_default(&self) -> bool {
        *self == KeyUsage::default()
    }
}

/// The usages that a key of this spec can be made for; a key has one of them.
pub fn usages(spec: KeySpec) -> &'static [KeyUsage] {
    use KeyUsage::{
        EncapsulateDecapsulate, EncryptDecrypt, GenerateVerifyMac, KeyAgreement, SignVerify,
    };
    match spec {
        KeySpec::SymmetricDefault => &[EncryptDecrypt],
        KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => &[EncryptDecrypt, SignVerify],
        KeySpec::EccNistP256 | KeySpec::EccNistP384 | KeySpec::EccNistP521 => {
            &[SignVerify, KeyAgreement]
        }
        KeySpec::EccSecgP256k1
        | KeySpec::EccNistEdwards25519
        | KeySpec::MlDsa44
        | KeySpec::MlDsa65
        | KeySpec::MlDsa87 => &[SignVerify],
        KeySpec::Hmac224 | KeySpec::Hmac256 | KeySpec::Hmac384 | KeySpec::Hmac512 => {
            &[GenerateVerifyMac]
        }
        KeySpec::MlKem512 | KeySpec::MlKem768 | KeySpec::MlKem1024 => &[EncapsulateDecapsulate],
    }
}

/// AWS's names of the algorithms of a key, in the order in which they are
/// shown; none for a usage that the spec does not have.
pub fn algorithms(spec: KeySpec, usage: KeyUsage) -> &'static [&'static str] {
    match (spec, usage) {
        (KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt) => &["SYMMETRIC_DEFAULT"],
        (KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096, KeyUsage::EncryptDecrypt) => {
            &["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]
        }
        (KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096, KeyUsage::SignVerify) => &[
            "RSASSA_PKCS1_V1_5_SHA_256",
            "RSASSA_PKCS1_V1_5_SHA_384",
            "RSASSA_PKCS1_V1_5_SHA_512",
            "RSASSA_PSS_SHA_256",
            "RSASSA_PSS_SHA_384",
            "RSASSA_PSS_SHA_512",
        ],
        (KeySpec::EccNistP256 | KeySpec::EccSecgP256k1, KeyUsage::SignVerify) => &["ECDSA_SHA_256"],
        (KeySpec::EccNistP384, KeyUsage::SignVerify) => &["ECDSA_SHA_384"],
        (KeySpec::EccNistP521, KeyUsage::SignVerify) => &["ECDSA_SHA_512"],
        (
            KeySpec::EccNistP256 | KeySpec::EccNistP384 | KeySpec::EccNistP521,
            KeyUsage::KeyAgreement,
        ) => &["ECDH"],
        (KeySpec::EccNistEdwards25519, KeyUsage::SignVerify) => {
            &["ED25519_PH_SHA_512", "ED25519_SHA_512"]
        }
        (KeySpec::MlDsa44 | KeySpec::MlDsa65 | KeySpec::MlDsa87, KeyUsage::SignVerify) => {
            &["ML_DSA_SHAKE_256"]
        }
        (KeySpec::Hmac224, KeyUsage::GenerateVerifyMac) => &["HMAC_SHA_224"],
        (KeySpec::Hmac256, KeyUsage::GenerateVerifyMac) => &["HMAC_SHA_256"],
        (KeySpec::Hmac384, KeyUsage::GenerateVerifyMac) => &["HMAC_SHA_384"],
        (KeySpec::Hmac512, KeyUsage::GenerateVerifyMac) => &["HMAC_SHA_512"],
        (
            KeySpec::MlKem512 | KeySpec::MlKem768 | KeySpec::MlKem1024,
            KeyUsage::EncapsulateDecapsulate,
        ) => &["ML_KEM"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_algorithms_for_exactly_the_usages_of_its_spec() {
        for spec in KeySpec::ALL {
            for usage in KeyUsage::ALL {
                let has = !algorithms(*spec, usage).is_empty();
                let may = usages(*spec).contains(&usage);
                assert_eq!(has, may, "{} for {}", spec.name(), usage.name());
            }
        }
    }

    #[test]
    fn every_usage_is_found_by_its_name_and_stored_by_it() {
        for usage in KeyUsage::ALL {
            assert_eq!(KeyUsage::from_name(usage.name()), Some(usage));
            let stored = serde_json::to_string(&usage).unwrap();
            assert_eq!(stored, format!("\"{}\"", usage.name()));
        }
    }
}
