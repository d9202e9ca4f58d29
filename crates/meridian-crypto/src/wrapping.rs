//! Wrapping keys: the RSA key pairs under which customers send material.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey,
    OaepPublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey,
};
use zeroize::Zeroizing;

use crate::KeySpec;

mod aes_key_wrap;

/// Size of a wrapping key, named as `WrappingKeySpec` of `GetParametersForImport`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WrappingKeySpec {
    /// `RSA_2048`
    Rsa2048,
    /// `RSA_3072`
    Rsa3072,
    /// `RSA_4096`
    Rsa4096,
}

/// How material is encrypted under a wrapping key, named as `WrappingAlgorithm`
/// of `GetParametersForImport`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WrappingAlgorithm {
    /// `RSAES_OAEP_SHA_1`: SHA-1 for the label and for MGF1.
    RsaesOaepSha1,
    /// `RSAES_OAEP_SHA_256`: SHA-256 for the label and for MGF1.
    RsaesOaepSha256,
    /// `RSA_AES_KEY_WRAP_SHA_1`: an AES key in RSAES-OAEP with SHA-1, and behind
    /// it the material, wrapped under that key.
    RsaAesKeyWrapSha1,
    /// `RSA_AES_KEY_WRAP_SHA_256`: the same with SHA-256.
    RsaAesKeyWrapSha256,
}

/// A wrapping algorithm or wrapping key spec that is not served here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no supported wrapping algorithm or wrapping key spec")]
pub struct ParseWrappingError(String);

/// Bytes that are no wrapping key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an RSA private key of 2048, 3072 or 4096 bits in PKCS#8 form")]
pub struct WrappingKeyError;

/// Why [`wrap`] gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrapError {
    /// Not the `SubjectPublicKeyInfo` form of an RSA public key.
    #[error("not an RSA public key in SubjectPublicKeyInfo form")]
    MalformedPublicKey,
    /// More than fits into one RSA block.
    #[error("at most {bytes_max} bytes fit under this public key and algorithm")]
    TooLong {
        /// The most that fits, in bytes.
        bytes_max: usize,
    },
    /// An AES key wrap holds at least one byte.
    #[error("nothing cannot be wrapped under an AES key")]
    Empty,
}

/// An RSA key pair for one import. The private half is wiped on drop.
pub struct WrappingKey {
    spec: WrappingKeySpec,
    private_der: Zeroizing<Vec<u8>>,
    public_der: Vec<u8>,
}

impl WrappingKey {
    /// Makes a key pair, with the randomness of the C library. Takes a tenth of
    /// a second to several seconds: call it ahead of need and off the async threads.
    ///
    /// # Panics
    /// If the C library has no memory or no randomness.
    pub fn generate(spec: WrappingKeySpec) -> Self {
        let size = match spec {
            WrappingKeySpec::Rsa2048 => KeySize::Rsa2048,
            WrappingKeySpec::Rsa3072 => KeySize::Rsa3072,
            WrappingKeySpec::Rsa4096 => KeySize::Rsa4096,
        };
        let key = PrivateDecryptingKey::generate(size)
            .expect("only a lack of memory or randomness stops RSA key generation");
        Self::new(spec, &key)
    }

    /// Reads what [`to_private_der`](Self::to_private_der) wrote.
    ///
    /// # Errors
    /// [`WrappingKeyError`] for anything but an RSA key of a size in use.
    pub fn from_private_der(pkcs8: &[u8]) -> Result<Self, WrappingKeyError> {
        let key = PrivateDecryptingKey::from_pkcs8(pkcs8).map_err(|_| WrappingKeyError)?;
        let spec = match key.key_size_bits() {
            2048 => WrappingKeySpec::Rsa2048,
            3072 => WrappingKeySpec::Rsa3072,
            4096 => WrappingKeySpec::Rsa4096,
            _ => return Err(WrappingKeyError),
        };
        Ok(Self::new(spec, &key))
    }

    fn new(spec: WrappingKeySpec, key: &PrivateDecryptingKey) -> Self {
        let private = key
            .as_der()
            .expect("an RSA private key in hand has a PKCS#8 form");
        let public = key
            .public_key()
            .as_der()
            .expect("an RSA public key in hand has an SPKI form");
        Self {
            spec,
            private_der: Zeroizing::new(private.as_ref().to_vec()),
            public_der: public.as_ref().to_vec(),
        }
    }

    /// The size of this key.
    pub fn spec(&self) -> WrappingKeySpec {
        self.spec
    }

    /// The public key as `GetParametersForImport` gives it out: DER
    /// `SubjectPublicKeyInfo`.
    pub fn public_key_der(&self) -> Vec<u8> {
        self.public_der.clone()
    }

    /// The private key as PKCS#8 DER, in memory that is wiped.
    pub fn to_private_der(&self) -> Zeroizing<Vec<u8>> {
        self.private_der.clone()
    }
}

/// Encrypts material under a wrapping key, as a customer does before
/// `ImportKeyMaterial`. The AES key of the algorithms that have one is drawn
/// by the C library.
///
/// # Errors
/// [`WrapError`] for bytes that are no RSA public key, or too much material.
pub fn wrap(
    public_key_der: &[u8],
    algorithm: WrappingAlgorithm,
    plaintext: &[u8],
) -> Result<Vec<u8>, WrapError> {
    if !algorithm.has_aes_key() {
        return wrap_directly(public_key_der, algorithm, plaintext);
    }
    let aes = aes_key_wrap::Key::generate();
    let mut out = wrap_directly(public_key_der, algorithm, aes.as_bytes())?;
    out.extend_from_slice(&aes.wrap(plaintext).ok_or(WrapError::Empty)?);
    Ok(out)
}

fn wrap_directly(
    public_key_der: &[u8],
    algorithm: WrappingAlgorithm,
    plaintext: &[u8],
) -> Result<Vec<u8>, WrapError> {
    let key = PublicEncryptingKey::from_der(public_key_der)
        .and_then(|key| Ok(OaepPublicEncryptingKey::new(key)?))
        .map_err(|_| WrapError::MalformedPublicKey)?;
    let bytes_max = key.max_plaintext_size(algorithm.oaep());
    let mut out = vec![0; key.ciphertext_size()];
    key.encrypt(algorithm.oaep(), plaintext, &mut out, None)
        .map_err(|_| WrapError::TooLong { bytes_max })?;
    Ok(out)
}

/// Undoes [`wrap`]; `None` if it was not wrapped with this key and algorithm.
pub(crate) fn unwrap(
    private_der: &[u8],
    algorithm: WrappingAlgorithm,
    wrapped: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let key = PrivateDecryptingKey::from_pkcs8(private_der).ok()?;
    let key = OaepPrivateDecryptingKey::new(key).ok()?;
    let (block, rest) = wrapped.split_at_checked(key.key_size_bytes())?;
    if !algorithm.has_aes_key() && !rest.is_empty() {
        return None;
    }
    let mut out = Zeroizing::new(vec![0; key.min_output_size()]);
    let length = key
        .decrypt(algorithm.oaep(), block, &mut out, None)
        .ok()?
        .len();
    out.truncate(length);
    if algorithm.has_aes_key() {
        return aes_key_wrap::Key::from_bytes(&out)?.unwrap(rest);
    }
    Some(out)
}

impl WrappingKeySpec {
    /// All sizes, smallest first.
    pub const ALL: [Self; 3] = [Self::Rsa2048, Self::Rsa3072, Self::Rsa4096];

    /// The AWS name, such as `RSA_2048`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rsa2048 => "RSA_2048",
            Self::Rsa3072 => "RSA_3072",
            Self::Rsa4096 => "RSA_4096",
        }
    }
}

impl WrappingAlgorithm {
    /// All algorithms.
    pub const ALL: [Self; 4] = [
        Self::RsaesOaepSha1,
        Self::RsaesOaepSha256,
        Self::RsaAesKeyWrapSha1,
        Self::RsaAesKeyWrapSha256,
    ];

    /// The AWS name, such as `RSAES_OAEP_SHA_256`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RsaesOaepSha1 => "RSAES_OAEP_SHA_1",
            Self::RsaesOaepSha256 => "RSAES_OAEP_SHA_256",
            Self::RsaAesKeyWrapSha1 => "RSA_AES_KEY_WRAP_SHA_1",
            Self::RsaAesKeyWrapSha256 => "RSA_AES_KEY_WRAP_SHA_256",
        }
    }

    /// Whether material of this spec may be wrapped so, under a wrapping key of
    /// this size (AWS KMS Developer Guide, "Select a wrapping algorithm").
    pub fn fits(self, wrapping_key: WrappingKeySpec, material: KeySpec) -> bool {
        match material {
            KeySpec::SymmetricDefault
            | KeySpec::Hmac224
            | KeySpec::Hmac256
            | KeySpec::Hmac384
            | KeySpec::Hmac512 => !self.has_aes_key(),
            KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => self.has_aes_key(),
            // The private key is longer than one block.
            KeySpec::EccNistP521 if !self.has_aes_key() => wrapping_key != WrappingKeySpec::Rsa2048,
            KeySpec::EccNistP256
            | KeySpec::EccNistP384
            | KeySpec::EccNistP521
            | KeySpec::EccSecgP256k1
            | KeySpec::EccNistEdwards25519 => true,
            KeySpec::MlDsa44
            | KeySpec::MlDsa65
            | KeySpec::MlDsa87
            | KeySpec::MlKem512
            | KeySpec::MlKem768
            | KeySpec::MlKem1024 => false,
        }
    }

    fn has_aes_key(self) -> bool {
        match self {
            Self::RsaesOaepSha1 | Self::RsaesOaepSha256 => false,
            Self::RsaAesKeyWrapSha1 | Self::RsaAesKeyWrapSha256 => true,
        }
    }

    fn oaep(self) -> &'static OaepAlgorithm {
        match self {
            Self::RsaesOaepSha1 | Self::RsaAesKeyWrapSha1 => &OAEP_SHA1_MGF1SHA1,
            Self::RsaesOaepSha256 | Self::RsaAesKeyWrapSha256 => &OAEP_SHA256_MGF1SHA256,
        }
    }
}

impl fmt::Display for WrappingKeySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for WrappingAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for WrappingKeySpec {
    type Err = ParseWrappingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|spec| spec.as_str() == text);
        found.ok_or_else(|| ParseWrappingError(text.into()))
    }
}

impl FromStr for WrappingAlgorithm {
    type Err = ParseWrappingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == text);
        found.ok_or_else(|| ParseWrappingError(text.into()))
    }
}

#[cfg(test)]
pub(crate) mod tests;
