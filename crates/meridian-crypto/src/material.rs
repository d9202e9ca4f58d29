//! Material: the secret bytes behind a key, in the clear.

use zeroize::Zeroizing;

use crate::mac::MAC_KEY_BYTES_MAX;
use crate::pair::KeyPair;
use crate::secret::SECRET_LEN;
use crate::{Entropy, KeySpec};

/// The secret bytes behind a key, wiped on drop.
///
/// | spec | bytes |
/// |---|---|
/// | symmetric | 32 |
/// | HMAC | as many as the HMAC is long; imported, up to 128 |
/// | RSA, elliptic curves | the private key as PKCS#8 DER, written by this code |
/// | ML-DSA, ML-KEM | the seed of FIPS 204 or FIPS 203, 32 or 64 |
///
/// Lives only from drawing or unwrapping until it is sealed; it cannot be
/// printed, copied or serialized.
pub struct Material {
    spec: KeySpec,
    // On the heap, so that moving the value leaves no copy behind on the stack.
    secret: Zeroizing<Vec<u8>>,
    public_der: Option<Vec<u8>>,
}

impl Material {
    /// Draws new material for a symmetric key.
    pub fn generate(entropy: &mut dyn Entropy) -> Self {
        Self::bytes_only(KeySpec::SymmetricDefault, drawn(SECRET_LEN, entropy))
    }

    /// Draws new material for a key of any spec. RSA takes a tenth of a second
    /// to several seconds: call it off the async threads. RSA and the curves of
    /// NIST and SEC draw from the C library's own source of randomness.
    pub fn generate_for(spec: KeySpec, entropy: &mut dyn Entropy) -> Self {
        match spec.mac_len() {
            Some(length) => Self::bytes_only(spec, drawn(length, entropy)),
            None if spec.is_asymmetric() => Self::of_pair(&KeyPair::generate(spec, entropy)),
            None => Self::generate(entropy),
        }
    }

    /// Imported bytes as symmetric material; `None` unless there are exactly 32,
    /// the length AWS asks for `SYMMETRIC_DEFAULT`.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::read(KeySpec::SymmetricDefault, bytes)
    }

    /// Imported bytes as material of a spec: raw for symmetric and HMAC keys, a
    /// private key as PKCS#8 for RSA and elliptic curves, a seed for ML-DSA and
    /// ML-KEM. `None` for anything that is no such key, such as a wrong length,
    /// curve or modulus.
    pub fn read(spec: KeySpec, bytes: &[u8]) -> Option<Self> {
        if spec.is_asymmetric() {
            return KeyPair::read(spec, bytes).map(|pair| Self::of_pair(&pair));
        }
        let fits = match spec.mac_len() {
            Some(length) => (length..=MAC_KEY_BYTES_MAX).contains(&bytes.len()),
            None => bytes.len() == SECRET_LEN,
        };
        fits.then(|| Self::bytes_only(spec, Zeroizing::new(bytes.to_vec())))
    }

    /// What kind of key this is the secret of.
    pub fn spec(&self) -> KeySpec {
        self.spec
    }

    /// The public half as DER `SubjectPublicKeyInfo`, if there is one.
    pub fn public_key_der(&self) -> Option<&[u8]> {
        self.public_der.as_deref()
    }

    /// The private key as PKCS#8 DER, in memory that is wiped: what the
    /// operations that make data key pairs hand out. `None` for a key without a
    /// public half. ML-KEM and ML-DSA keys are in the seed form of RFC 9935
    /// and RFC 9881.
    pub fn to_pkcs8(&self) -> Option<Zeroizing<Vec<u8>>> {
        self.public_der.as_ref()?;
        Some(crate::pair::to_pkcs8(self.spec, &self.secret))
    }

    /// What makes two pieces of material the same: the public half, of which
    /// one private key may have several encodings, otherwise the bytes.
    pub(crate) fn identity(&self) -> &[u8] {
        self.public_der.as_deref().unwrap_or(&self.secret)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.secret
    }

    fn of_pair(pair: &KeyPair) -> Self {
        Self {
            spec: pair.spec(),
            secret: pair.to_secret(),
            public_der: Some(pair.public_der().to_vec()),
        }
    }

    fn bytes_only(spec: KeySpec, secret: Zeroizing<Vec<u8>>) -> Self {
        Self {
            spec,
            secret,
            public_der: None,
        }
    }
}

fn drawn(length: usize, entropy: &mut dyn Entropy) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(vec![0; length]);
    entropy.fill(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededEntropy;

    #[test]
    fn symmetric_material_has_exactly_32_bytes() {
        assert!(Material::from_bytes(&[7; 32]).is_some());
        for length in [0, 16, 31, 33, 64] {
            assert!(Material::from_bytes(&vec![7; length]).is_none(), "{length}");
        }
    }

    #[test]
    fn an_imported_hmac_key_is_as_long_as_its_hmac_or_longer_up_to_1024_bits() {
        for (spec, shortest) in [
            (KeySpec::Hmac224, 28),
            (KeySpec::Hmac256, 32),
            (KeySpec::Hmac384, 48),
            (KeySpec::Hmac512, 64),
        ] {
            for (length, fits) in [
                (shortest - 1, false),
                (shortest, true),
                (128, true),
                (129, false),
            ] {
                let read = Material::read(spec, &vec![7; length]);
                assert_eq!(read.is_some(), fits, "{length} bytes for {}", spec.name());
            }
            let mut entropy = SeededEntropy::new(1);
            let drawn = Material::generate_for(spec, &mut entropy);
            assert_eq!(drawn.as_bytes().len(), shortest);
        }
    }

    #[test]
    fn drawn_material_follows_from_the_entropy_alone() {
        for spec in [
            KeySpec::SymmetricDefault,
            KeySpec::Hmac384,
            KeySpec::EccNistEdwards25519,
            KeySpec::MlDsa65,
            KeySpec::MlKem768,
        ] {
            let drawn = |seed| Material::generate_for(spec, &mut SeededEntropy::new(seed));
            assert_eq!(drawn(1).as_bytes(), drawn(1).as_bytes());
            assert_ne!(drawn(1).as_bytes(), drawn(2).as_bytes());
        }
        let symmetric = Material::generate(&mut SeededEntropy::new(1));
        let of_spec = Material::generate_for(KeySpec::SymmetricDefault, &mut SeededEntropy::new(1));
        assert_eq!(symmetric.as_bytes(), of_spec.as_bytes());
    }

    #[test]
    fn what_was_drawn_reads_back_as_the_same_key() {
        for &spec in KeySpec::ALL {
            if matches!(spec, KeySpec::Rsa3072 | KeySpec::Rsa4096) {
                continue;
            }
            let drawn = Material::generate_for(spec, &mut SeededEntropy::new(3));
            let again = Material::read(spec, drawn.as_bytes()).unwrap();
            assert_eq!(again.as_bytes(), drawn.as_bytes(), "{}", spec.name());
            assert_eq!(again.public_key_der(), drawn.public_key_der());
            assert_eq!(drawn.public_key_der().is_some(), spec.is_asymmetric());
            assert_eq!(drawn.to_pkcs8().is_some(), spec.is_asymmetric());
            assert_eq!((drawn.spec(), again.spec()), (spec, spec));
        }
    }

    #[test]
    fn a_private_key_of_another_spec_is_refused() {
        let mut entropy = SeededEntropy::new(4);
        let pkcs8 = [
            KeySpec::Rsa2048,
            KeySpec::EccNistP256,
            KeySpec::EccNistP384,
            KeySpec::EccNistP521,
            KeySpec::EccSecgP256k1,
            KeySpec::EccNistEdwards25519,
        ];
        for of in pkcs8 {
            let material = Material::generate_for(of, &mut entropy);
            let bytes = material.to_pkcs8().unwrap();
            for as_spec in pkcs8.into_iter().chain([KeySpec::Rsa3072]) {
                let read = Material::read(as_spec, &bytes);
                assert_eq!(read.is_some(), as_spec == of, "{of:?} as {as_spec:?}");
            }
            assert!(Material::read(of, &bytes[..bytes.len() - 1]).is_none());
            assert!(Material::read(of, b"").is_none());
        }
    }
}
