//! EncryptionAlgorithm: the two paddings of RSA encryption.

use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm};

/// AWS's `EncryptionAlgorithm` for RSA keys: RSAES-OAEP with an empty label,
/// and one hash for label and mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncryptionAlgorithm {
    /// SHA-1.
    RsaesOaepSha1,
    /// SHA-256.
    RsaesOaepSha256,
}

impl EncryptionAlgorithm {
    /// All of them.
    pub const ALL: [EncryptionAlgorithm; 2] = [
        EncryptionAlgorithm::RsaesOaepSha1,
        EncryptionAlgorithm::RsaesOaepSha256,
    ];

    /// AWS's spelling.
    pub fn name(self) -> &'static str {
        match self {
            EncryptionAlgorithm::RsaesOaepSha1 => "RSAES_OAEP_SHA_1",
            EncryptionAlgorithm::RsaesOaepSha256 => "RSAES_OAEP_SHA_256",
        }
    }

    /// The algorithm with this name.
    pub fn from_name(name: &str) -> Option<EncryptionAlgorithm> {
        let mut all = EncryptionAlgorithm::ALL.into_iter();
        all.find(|algorithm| algorithm.name() == name)
    }

    pub(super) fn padding(self) -> &'static OaepAlgorithm {
        match self {
            EncryptionAlgorithm::RsaesOaepSha1 => &OAEP_SHA1_MGF1SHA1,
            EncryptionAlgorithm::RsaesOaepSha256 => &OAEP_SHA256_MGF1SHA256,
        }
    }
}
