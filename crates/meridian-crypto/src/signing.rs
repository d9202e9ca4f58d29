//! The names of signing: algorithms and what kind of message is signed.

macro_rules! signing_algorithms {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// AWS's `SigningAlgorithm`. SM2DSA is missing: it exists in China only.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum SigningAlgorithm { $($(#[$doc])* $variant,)* }

        impl SigningAlgorithm {
            /// All of them.
            pub const ALL: &'static [SigningAlgorithm] = &[$(SigningAlgorithm::$variant,)*];

            /// AWS's spelling.
            pub fn name(self) -> &'static str {
                match self { $(SigningAlgorithm::$variant => $name,)* }
            }
        }
    };
}

signing_algorithms! {
    /// RSASSA-PSS, SHA-256, salt of 32 bytes.
    RsassaPssSha256 = "RSASSA_PSS_SHA_256",
    /// RSASSA-PSS, SHA-384, salt of 48 bytes.
    RsassaPssSha384 = "RSASSA_PSS_SHA_384",
    /// RSASSA-PSS, SHA-512, salt of 64 bytes.
    RsassaPssSha512 = "RSASSA_PSS_SHA_512",
    /// RSASSA-PKCS1-v1_5, SHA-256.
    RsassaPkcs1V15Sha256 = "RSASSA_PKCS1_V1_5_SHA_256",
    /// RSASSA-PKCS1-v1_5, SHA-384.
    RsassaPkcs1V15Sha384 = "RSASSA_PKCS1_V1_5_SHA_384",
    /// RSASSA-PKCS1-v1_5, SHA-512.
    RsassaPkcs1V15Sha512 = "RSASSA_PKCS1_V1_5_SHA_512",
    /// ECDSA on P-256 or secp256k1.
    EcdsaSha256 = "ECDSA_SHA_256",
    /// ECDSA on P-384.
    EcdsaSha384 = "ECDSA_SHA_384",
    /// ECDSA on P-521.
    EcdsaSha512 = "ECDSA_SHA_512",
    /// Ed25519 of RFC 8032.
    Ed25519Sha512 = "ED25519_SHA_512",
    /// Ed25519ph of RFC 8032 without a context; what is given is hashed again.
    Ed25519PhSha512 = "ED25519_PH_SHA_512",
    /// ML-DSA of FIPS 204 without a context.
    MlDsaShake256 = "ML_DSA_SHAKE_256",
}

/// AWS's `MessageType`: what the bytes to be signed are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MessageType {
    /// The message itself.
    #[default]
    Raw,
    /// Its digest.
    Digest,
    /// The message representative µ of FIPS 204.
    ExternalMu,
}

/// Length in bytes of the representative µ of a message.
pub(crate) const MU_LEN: usize = 64;

impl SigningAlgorithm {
    /// The algorithm with this name.
    pub fn from_name(name: &str) -> Option<SigningAlgorithm> {
        let mut all = SigningAlgorithm::ALL.iter().copied();
        all.find(|algorithm| algorithm.name() == name)
    }

    /// Whether messages of this type can be signed (AWS KMS API Reference,
    /// `Sign`, `MessageType`).
    pub fn takes(self, message_type: MessageType) -> bool {
        use MessageType::{Digest, ExternalMu, Raw};
        match self {
            SigningAlgorithm::Ed25519Sha512 => message_type == Raw,
            SigningAlgorithm::Ed25519PhSha512 => message_type == Digest,
            SigningAlgorithm::MlDsaShake256 => matches!(message_type, Raw | ExternalMu),
            _ => matches!(message_type, Raw | Digest),
        }
    }

    /// How long a message of this type has to be, in bytes; nothing if it may
    /// have any length.
    pub fn message_len(self, message_type: MessageType) -> Option<usize> {
        use SigningAlgorithm::{
            EcdsaSha256, EcdsaSha384, RsassaPkcs1V15Sha256, RsassaPkcs1V15Sha384, RsassaPssSha256,
            RsassaPssSha384,
        };
        match message_type {
            MessageType::Raw => None,
            MessageType::ExternalMu => Some(MU_LEN),
            MessageType::Digest => Some(match self {
                RsassaPssSha256 | RsassaPkcs1V15Sha256 | EcdsaSha256 => 32,
                RsassaPssSha384 | RsassaPkcs1V15Sha384 | EcdsaSha384 => 48,
                _ => 64,
            }),
        }
    }
}

impl MessageType {
    /// All of them.
    pub const ALL: [MessageType; 3] = [
        MessageType::Raw,
        MessageType::Digest,
        MessageType::ExternalMu,
    ];

    /// AWS's spelling.
    pub fn name(self) -> &'static str {
        match self {
            MessageType::Raw => "RAW",
            MessageType::Digest => "DIGEST",
            MessageType::ExternalMu => "EXTERNAL_MU",
        }
    }

    /// The type with this name.
    pub fn from_name(name: &str) -> Option<MessageType> {
        MessageType::ALL.into_iter().find(|it| it.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_and_message_type_is_found_by_its_name() {
        for algorithm in SigningAlgorithm::ALL {
            let found = SigningAlgorithm::from_name(algorithm.name());
            assert_eq!(found, Some(*algorithm));
        }
        for message_type in MessageType::ALL {
            assert_eq!(
                MessageType::from_name(message_type.name()),
                Some(message_type)
            );
        }
        assert_eq!(SigningAlgorithm::from_name("SM2DSA"), None);
    }
}
