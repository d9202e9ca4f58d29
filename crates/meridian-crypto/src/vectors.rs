//! Published test vectors, from `tests/data`, where each file names its source;
//! and where two libraries here can do the same, one against the other.

use std::collections::BTreeMap;

use crate::mac::MacKey;
use crate::pair::{EncryptionAlgorithm, KeyPair};
use crate::{KeySpec, MessageType, SeededEntropy, SigningAlgorithm};

/// One vector: what each line of it says.
pub(crate) struct Vector(BTreeMap<&'static str, &'static str>);

impl Vector {
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        hex::decode(self.0[name]).unwrap()
    }

    fn spec(&self) -> KeySpec {
        KeySpec::from_name(self.0["spec"]).unwrap()
    }

    pub(crate) fn signing_algorithm(&self) -> SigningAlgorithm {
        SigningAlgorithm::from_name(self.0["algorithm"]).unwrap()
    }
}

/// Lines of `name = value`, an empty line between two vectors, `#` for comments.
pub(crate) fn vectors(text: &'static str) -> Vec<Vector> {
    let blocks = text.split("\n\n").map(|block| {
        let lines = block.lines().filter_map(|line| {
            let (name, value) = line.split_once(" =")?;
            (!name.starts_with('#')).then(|| (name, value.trim()))
        });
        Vector(lines.collect())
    });
    let found: Vec<Vector> = blocks.filter(|vector| !vector.0.is_empty()).collect();
    assert!(!found.is_empty());
    found
}

/// The raw public key at the end of its DER form.
fn ends_with(der: &[u8], raw: &[u8]) {
    assert_eq!(hex::encode(&der[der.len() - raw.len()..]), hex::encode(raw));
}

fn altered(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    bytes
}

#[test]
fn ecdsa() {
    let raw = MessageType::Raw;
    for vector in vectors(include_str!("../tests/data/ecdsa.txt")) {
        let pair = KeyPair::read(vector.spec(), &vector.bytes("private")).unwrap();
        assert_eq!(pair.public_der(), vector.bytes("public"));
        let (algorithm, message) = (vector.signing_algorithm(), vector.bytes("message"));
        let verify = |signature: &[u8]| pair.verify(algorithm, raw, &message, signature);
        let signature = vector.bytes("signature");
        assert_eq!(verify(&signature), Ok(true));
        assert_eq!(verify(&altered(&signature)), Ok(false));
        let own = pair.sign(algorithm, raw, &message).unwrap();
        assert_eq!(verify(&own), Ok(true));
    }
}

#[test]
fn ecdh() {
    for vector in vectors(include_str!("../tests/data/ecdh.txt")) {
        let pair = KeyPair::read(vector.spec(), &vector.bytes("private")).unwrap();
        let secret = pair.agree(&vector.bytes("peer")).unwrap().unwrap();
        assert_eq!(*secret, vector.bytes("secret"));
    }
}

#[test]
fn ed25519() {
    let spec = KeySpec::EccNistEdwards25519;
    for vector in vectors(include_str!("../tests/data/ed25519.txt")) {
        let pair = KeyPair::read(spec, &vector.bytes("private")).unwrap();
        assert_eq!(pair.public_der(), vector.bytes("public"));
        let (algorithm, message) = (vector.signing_algorithm(), vector.bytes("message"));
        let message_type = match algorithm {
            SigningAlgorithm::Ed25519Sha512 => MessageType::Raw,
            _ => MessageType::Digest,
        };
        let signature = pair.sign(algorithm, message_type, &message).unwrap();
        assert_eq!(signature, vector.bytes("signature"));
        let verify = |signature: &[u8]| pair.verify(algorithm, message_type, &message, signature);
        assert_eq!(verify(&signature), Ok(true));
        assert_eq!(verify(&altered(&signature)), Ok(false));
    }
}

#[test]
fn hmac() {
    for vector in vectors(include_str!("../tests/data/hmac.txt")) {
        let key = MacKey::new(vector.spec(), &vector.bytes("key")).unwrap();
        let (message, mac) = (vector.bytes("message"), vector.bytes("mac"));
        assert_eq!(key.mac(&message), mac);
        assert!(key.verify(&message, &mac));
        assert!(!key.verify(&message, &altered(&mac)));
        assert!(!key.verify(&message, &mac[..mac.len() - 1]));
    }
}

/// PKCS#1 v1.5 has one signature for a message; PSS has one for each salt, and
/// only salts of the hash's length count.
#[test]
fn rsa_signatures() {
    let raw = MessageType::Raw;
    for vector in vectors(include_str!("../tests/data/rsa_signatures.txt")) {
        let pair = KeyPair::read(vector.spec(), &vector.bytes("private")).unwrap();
        let (algorithm, message) = (vector.signing_algorithm(), vector.bytes("message"));
        let verify = |signature: &[u8]| pair.verify(algorithm, raw, &message, signature);
        let signature = vector.bytes("signature");
        let is_right = vector.0["result"] == "right";
        assert_eq!(verify(&signature), Ok(is_right));
        assert_eq!(verify(&altered(&signature)), Ok(false));
        let own = pair.sign(algorithm, raw, &message).unwrap();
        assert_eq!(verify(&own), Ok(true));
        assert_eq!(own == signature, is_right);
    }
}

#[test]
fn rsa_oaep() {
    for vector in vectors(include_str!("../tests/data/rsa_oaep.txt")) {
        let pair = KeyPair::read(KeySpec::Rsa2048, &vector.bytes("private")).unwrap();
        let algorithm = EncryptionAlgorithm::from_name(vector.0["algorithm"]).unwrap();
        let ciphertext = vector.bytes("ciphertext");
        let plaintext = pair.decrypt(algorithm, &ciphertext).unwrap();
        assert_eq!(*plaintext.unwrap(), vector.bytes("plaintext"));
        let wrong = pair.decrypt(algorithm, &altered(&ciphertext)).unwrap();
        assert!(wrong.is_none());
    }
}

#[test]
fn ml_kem() {
    for vector in vectors(include_str!("../tests/data/ml_kem.txt")) {
        let pair = KeyPair::read(vector.spec(), &vector.bytes("seed")).unwrap();
        ends_with(pair.public_der(), &vector.bytes("public"));
        for (ciphertext, secret) in [("ciphertext", "secret"), ("rejected", "rejected_secret")] {
            let found = pair.decapsulate(&vector.bytes(ciphertext)).unwrap();
            assert_eq!(*found.unwrap(), vector.bytes(secret));
        }
    }
}

#[test]
fn ml_dsa() {
    let (algorithm, mu) = (SigningAlgorithm::MlDsaShake256, MessageType::ExternalMu);
    for vector in vectors(include_str!("../tests/data/ml_dsa.txt")) {
        let pair = KeyPair::read(vector.spec(), &vector.bytes("seed")).unwrap();
        ends_with(pair.public_der(), &vector.bytes("public"));
        let message = vector.bytes("mu");
        let signature = pair.sign(algorithm, mu, &message).unwrap();
        assert_eq!(signature, vector.bytes("signature"));
        assert_eq!(pair.verify(algorithm, mu, &message, &signature), Ok(true));
        let wrong = altered(&signature);
        assert_eq!(pair.verify(algorithm, mu, &message, &wrong), Ok(false));
    }
}

#[test]
fn both_libraries_of_ml_dsa_accept_each_others_signatures() {
    use ml_dsa::{MlDsa65, SigningKey};
    let pair = KeyPair::generate(KeySpec::MlDsa65, &mut SeededEntropy::new(5));
    let seed = pair.to_secret();
    let other = SigningKey::<MlDsa65>::from_seed(seed.as_slice().try_into().unwrap());
    let key = other.expanded_key().verifying_key();
    ends_with(pair.public_der(), &key.encode());
    let algorithm = SigningAlgorithm::MlDsaShake256;
    let ours = pair.sign(algorithm, MessageType::Raw, b"hello").unwrap();
    let parsed = ours.as_slice().try_into().unwrap();
    assert!(key.verify_with_context(b"hello", b"", &parsed));
    let theirs = other
        .expanded_key()
        .sign_deterministic(b"hello", b"")
        .unwrap();
    let theirs = theirs.encode();
    let verified = pair.verify(algorithm, MessageType::Raw, b"hello", &theirs);
    assert_eq!(verified, Ok(true));
}

#[test]
fn the_c_library_encapsulates_what_decapsulates_here() {
    use aws_lc_rs::kem::{EncapsulationKey, ML_KEM_512, ML_KEM_768, ML_KEM_1024};
    for (spec, algorithm, length) in [
        (KeySpec::MlKem512, &ML_KEM_512, 800),
        (KeySpec::MlKem768, &ML_KEM_768, 1184),
        (KeySpec::MlKem1024, &ML_KEM_1024, 1568),
    ] {
        let pair = KeyPair::generate(spec, &mut SeededEntropy::new(6));
        let der = pair.public_der();
        let public = EncapsulationKey::new(algorithm, &der[der.len() - length..]).unwrap();
        let (ciphertext, secret) = public.encapsulate().unwrap();
        let found = pair.decapsulate(ciphertext.as_ref()).unwrap();
        assert_eq!(found.unwrap().as_slice(), secret.as_ref());
        let (ciphertext, secret) = pair.encapsulate(&mut SeededEntropy::new(7)).unwrap();
        assert_eq!(pair.decapsulate(&ciphertext).unwrap().unwrap(), secret);
    }
}

#[test]
fn both_libraries_of_hmac_agree() {
    use aws_lc_rs::hmac;
    for (spec, algorithm) in [
        (KeySpec::Hmac224, hmac::HMAC_SHA224),
        (KeySpec::Hmac256, hmac::HMAC_SHA256),
        (KeySpec::Hmac384, hmac::HMAC_SHA384),
        (KeySpec::Hmac512, hmac::HMAC_SHA512),
    ] {
        for length in [28, 64, 65, 128] {
            let key: Vec<u8> = (0..length).collect();
            let theirs = hmac::sign(&hmac::Key::new(algorithm, &key), b"hello");
            let ours = MacKey::new(spec, &key).unwrap().mac(b"hello");
            assert_eq!(ours, theirs.as_ref());
        }
    }
}

#[test]
fn a_key_does_only_what_its_spec_is_for() {
    use crate::Unfit;
    let mut entropy = SeededEntropy::new(8);
    let kem = KeyPair::generate(KeySpec::MlKem512, &mut entropy);
    let curve = KeyPair::generate(KeySpec::EccSecgP256k1, &mut entropy);
    let (algorithm, raw) = (SigningAlgorithm::EcdsaSha256, MessageType::Raw);
    assert_eq!(kem.sign(algorithm, raw, b"x"), Err(Unfit));
    assert_eq!(curve.encapsulate(&mut entropy).err(), Some(Unfit));
    assert_eq!(curve.agree(b"x").err(), Some(Unfit), "AWS has no such use");
    let oaep = EncryptionAlgorithm::RsaesOaepSha1;
    assert_eq!(curve.encrypt(oaep, b"x"), Err(Unfit));
    let short = curve.sign(algorithm, MessageType::Digest, &[0; 31]);
    assert_eq!(short, Err(Unfit));
    let other = curve.sign(SigningAlgorithm::EcdsaSha384, raw, b"x");
    assert_eq!(other, Err(Unfit));
}
