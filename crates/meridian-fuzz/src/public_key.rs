//! The public key of somebody else, as SubjectPublicKeyInfo: what
//! DeriveSharedSecret is given, and what an attestation document encrypts for.
//! It is on one curve at most, and with it comes to one secret, as long as a
//! coordinate; or it is RSA, and encrypts to as many bytes as it has.

use std::sync::{Arc, LazyLock};

use meridian_crypto::{
    ClusterSecret, HotMaterial, KeyId, KeySpec, Material, RootKey, SeededEntropy, Vault,
    WrappingAlgorithm, wrap,
};

/// A private key of each curve, with the bytes of a coordinate.
static KEYS: LazyLock<[(Arc<HotMaterial>, usize); 3]> = LazyLock::new(|| {
    let root = RootKey::from_bytes(&[1; 32]).expect("32 bytes");
    let cluster = ClusterSecret::from_bytes(&[2; 32]).expect("32 bytes");
    let vault = Vault::new("us-east-1", root, cluster);
    let curves = [
        (KeySpec::EccNistP256, 32),
        (KeySpec::EccNistP384, 48),
        (KeySpec::EccNistP521, 66),
    ];
    curves.map(|(spec, coordinate_bytes)| {
        let entropy = &mut SeededEntropy::new(1);
        let material = Material::generate_for(spec, entropy);
        let id = vault.material_id(&KeyId::LOWEST, &material);
        let sealed = vault.seal(&KeyId::LOWEST, &id, &material, entropy);
        let hot = vault.open(&KeyId::LOWEST, &id, &sealed);
        (hot.expect("just sealed"), coordinate_bytes)
    })
});

pub(crate) fn run(bytes: &[u8]) -> Option<()> {
    let mut taken = 0;
    for (key, coordinate_bytes) in &*KEYS {
        let agree = || key.agree(bytes).expect("it is on a curve");
        if let Some(secret) = agree() {
            assert_eq!(secret.len(), *coordinate_bytes);
            assert!(agree() == Some(secret), "one secret");
            taken += 1;
        }
    }
    if let Ok(wrapped) = wrap(bytes, WrappingAlgorithm::RsaesOaepSha256, &[5; 32]) {
        assert!((256..=1024).contains(&wrapped.len()));
        taken += 1;
    }
    assert!(taken <= 1, "a key of two kinds");
    (taken == 1).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::wrapping_key;

    #[test]
    fn the_corpus_has_a_key_of_every_curve_and_of_rsa() {
        let drawn = |spec| {
            let material = Material::generate_for(spec, &mut SeededEntropy::new(1));
            material.public_key_der().unwrap().to_vec()
        };
        let p256 = drawn(KeySpec::EccNistP256);
        let point = p256[p256.len() - 65..].to_vec();
        crate::corpus::holds(
            "public_key",
            &[
                ("p256", p256),
                ("p384", drawn(KeySpec::EccNistP384)),
                ("p521", drawn(KeySpec::EccNistP521)),
                ("rsa_2048", wrapping_key().public_key_der()),
                ("refused_p256k1", drawn(KeySpec::EccSecgP256k1)),
                ("refused_point", point),
            ],
        );
    }
}
