//! A key of a client's own, as it comes out of its wrapping: one byte for the
//! key spec, then the bytes; raw, PKCS#8 or a seed. What is a key can be written
//! and read again as the same one, and does what keys of its spec do: what it
//! signs it verifies, what it encrypts it decrypts. A key whose halves do not
//! belong together would fail here.

use std::sync::LazyLock;

use meridian_crypto::{
    ClusterSecret, EncryptionAlgorithm, HotMaterial, KeyId, KeySpec, Material, MessageType,
    RootKey, SeededEntropy, SigningAlgorithm, Vault,
};

const KEY_ID: KeyId = KeyId::LOWEST;
const MESSAGE: &[u8] = b"hello";

static VAULT: LazyLock<Vault> = LazyLock::new(|| {
    let root = RootKey::from_bytes(&[1; 32]).expect("32 bytes");
    let cluster = ClusterSecret::from_bytes(&[2; 32]).expect("32 bytes");
    Vault::new("us-east-1", root, cluster)
});

pub(crate) fn run(bytes: &[u8]) -> Option<()> {
    let (spec, bytes) = bytes.split_first()?;
    let spec = *KeySpec::ALL.get(usize::from(*spec))?;
    let material = Material::read(spec, bytes)?;
    let id = VAULT.material_id(&KEY_ID, &material);
    let sealed = VAULT.seal(&KEY_ID, &id, &material, &mut SeededEntropy::new(1));
    let hot = VAULT.open(&KEY_ID, &id, &sealed);
    use_it(spec, &material, &hot.expect("just sealed"));
    VAULT.forget(&KEY_ID, &id);
    let keeps_its_form = material.to_pkcs8().filter(|_| !is_seed(spec));
    if let Some(pkcs8) = keeps_its_form {
        let again = Material::read(spec, &pkcs8).expect("what was written can be read");
        assert_eq!(VAULT.material_id(&KEY_ID, &again), id);
    }
    Some(())
}

/// ML-DSA and ML-KEM: handed out in a form in which AWS imports none.
fn is_seed(spec: KeySpec) -> bool {
    spec.name().starts_with("ML_")
}

fn use_it(spec: KeySpec, material: &Material, hot: &HotMaterial) {
    let mut uses = 0;
    if let Ok(mac) = hot.mac(MESSAGE) {
        assert_eq!(hot.verify_mac(MESSAGE, &mac), Ok(true));
        assert_eq!(hot.verify_mac(b"other", &mac), Ok(false));
        uses += 1;
    }
    let signing = SigningAlgorithm::ALL.iter().find_map(|algorithm| {
        let types = [MessageType::Raw, MessageType::Digest];
        let message_type = types.into_iter().find(|it| algorithm.takes(*it))?;
        let signature = hot.sign(*algorithm, message_type, MESSAGE).ok()?;
        Some((*algorithm, message_type, signature))
    });
    if let Some((algorithm, message_type, signature)) = signing {
        let verify = |message| hot.verify(algorithm, message_type, message, &signature);
        assert_eq!(verify(MESSAGE), Ok(true));
        assert_eq!(verify(b"other"), Ok(false));
        uses += 1;
    }
    let padding = EncryptionAlgorithm::RsaesOaepSha256;
    if let Ok(ciphertext) = hot.encrypt(padding, MESSAGE) {
        let opened = hot.decrypt(padding, &ciphertext).expect("it is RSA");
        assert_eq!(opened.expect("just encrypted").as_slice(), MESSAGE);
        uses += 1;
    }
    let public = material.public_key_der().unwrap_or_default();
    if let Ok(secret) = hot.agree(public) {
        assert!(secret.is_some(), "its own public half is on its curve");
        uses += 1;
    }
    if let Ok((ciphertext, secret)) = hot.encapsulate(&mut SeededEntropy::new(2)) {
        let opened = hot.decapsulate(&ciphertext).expect("it is ML-KEM");
        assert!(opened.expect("just encapsulated") == secret);
        uses += 1;
    }
    let is_used = uses > 0 || spec == KeySpec::SymmetricDefault;
    assert!(is_used, "a key for nothing: {}", spec.name());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::wrapping_key;

    #[test]
    fn the_corpus_has_a_key_of_every_family() {
        let written = |spec: KeySpec, bytes: &[u8]| {
            let at = KeySpec::ALL.iter().position(|it| *it == spec).unwrap();
            [&[u8::try_from(at).unwrap()], bytes].concat()
        };
        let drawn = |spec| {
            let material = Material::generate_for(spec, &mut SeededEntropy::new(1));
            written(spec, &material.to_pkcs8().unwrap())
        };
        let rsa = wrapping_key().to_private_der();
        crate::corpus::holds(
            "private_key",
            &[
                ("symmetric", written(KeySpec::SymmetricDefault, &[5; 32])),
                ("hmac_384", written(KeySpec::Hmac384, &[5; 64])),
                ("rsa_2048", written(KeySpec::Rsa2048, &rsa)),
                ("p256", drawn(KeySpec::EccNistP256)),
                ("p521", drawn(KeySpec::EccNistP521)),
                ("p256k1", drawn(KeySpec::EccSecgP256k1)),
                ("ed25519", drawn(KeySpec::EccNistEdwards25519)),
                ("ml_dsa_44", written(KeySpec::MlDsa44, &[5; 32])),
                ("ml_kem_512", written(KeySpec::MlKem512, &[5; 64])),
                ("refused_rsa_3072", written(KeySpec::Rsa3072, &rsa)),
            ],
        );
    }
}
