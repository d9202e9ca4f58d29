//! The durable formats, byte by byte. Whatever was written once must stay
//! readable: if one of these fails, the format changed and needs a new version.

#![allow(
    clippy::unwrap_used,
    reason = "the functions beside the tests are part of them"
)]

use std::collections::BTreeMap;

use meridian_crypto::{
    CiphertextKind, ClusterSecret, ImportToken, KeyId, KeySpec, Material, MaterialId, RootKey,
    Sealed, SeededEntropy, Vault, WrappingAlgorithm, WrappingKey, WrappingKeySpec, decrypt,
    encrypt, parse,
};

fn key() -> KeyId {
    "mrk-1234abcd12ab34cd56ef1234567890ab".parse().unwrap()
}
const ARN: &str = "arn:aws:kms:eu-west-3:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";
const MATERIAL_ID: &str = "ac004f0a951fd8f14337baa9e6f6c9ec58e28244640c0fae7393124aa1d19abb";
const AT_REST: &str = "019a3744504560639ec670b7a1e7641a3cb81d90ff5da1e55d6d71dc2cd96d16d32a712eb5ca7577f252c9ab23755f2dd55d26f007de00205d96926d97";
const TO_OSLO: &str = "018e0bb7534fcf4f12ac7458fb7ff1cbb77a13d69fd6f94e655f1f24084430bf6b6789376ef5f97e62334ad11b5ed2f74d0d858959da11f48d89ff6134";
const CIPHERTEXT: &str = "0101021234abcd12ab34cd56ef1234567890abac004f0a951fd8f14337baa9e6f6c9ec58e28244640c0fae7393124aa1d19abbff333f9fda91d09ca6db37da20b7b707875d4c5da259340d80ceb0a42735633e026fdbaf84bc5ef63839decfc89cc7d0586f75";
const TOKEN: &str = include_str!("golden/import_token_v1.hex");
const WRAPPING_KEY: &str = include_str!("golden/wrapping_key_rsa_2048.hex");

fn vault(region: &str) -> Vault {
    let root = RootKey::from_bytes(&[1; 32]).unwrap();
    Vault::new(region, root, ClusterSecret::from_bytes(&[2; 32]).unwrap())
}

fn material() -> Material {
    Material::from_bytes(&[5; 32]).unwrap()
}

fn id() -> MaterialId {
    MATERIAL_ID.parse().unwrap()
}

fn context() -> BTreeMap<String, String> {
    BTreeMap::from([
        ("purpose".into(), "test".into()),
        ("tenant".into(), "7".into()),
    ])
}

fn bytes(golden: &str) -> Vec<u8> {
    hex::decode(golden.split_whitespace().collect::<String>()).unwrap()
}

fn sealed(golden: &str) -> Sealed {
    Sealed::from_bytes(&bytes(golden)).unwrap()
}

#[test]
fn the_material_id_of_known_bytes_stays_the_same() {
    assert_eq!(
        vault("eu-west-3")
            .material_id(&key(), &material())
            .to_string(),
        MATERIAL_ID
    );
}

#[test]
fn material_at_rest_is_written_and_read_as_ever() {
    let vault = vault("eu-west-3");
    let written = vault.seal(&key(), &id(), &material(), &mut SeededEntropy::new(1));
    assert_eq!(hex::encode(written.as_bytes()), AT_REST);
    vault.open(&key(), &id(), &sealed(AT_REST)).unwrap();
}

/// HMAC_384: raw bytes; ML_KEM_512: a seed; Ed25519: PKCS#8. Each with the
/// bytes, the material ID and the sealed form.
const OTHERS: [(KeySpec, &str, &str, &str); 3] = [
    (
        KeySpec::Hmac384,
        HMAC,
        "3727ad8b9c834ed7cb5592b7c2b288594350286ad96477dc7c5deef28a883d6c",
        "020c9a3744504560639ec670b7a1e2601d3ab91d93fd50adea536479d726cc7901c53b613da7d76968ec4bd1b039c277640502492b8293077c90254f4d2fdea4738ac30a0e0350caf34dbb75fd37",
    ),
    (
        KeySpec::MlKem512,
        SEED,
        "c4be4358a4a2deb7ca7512830310075341bde649d0892e8ef785a22a0ef45498",
        "02119a3744504560639ec670b7a1e2601d3ab91d93fd50adea536479d726cc7901c53b613da7d76968ec4bd1b039c277640502492b8293077c90254f4d2ff27ed02e902e2fa9aef973c448872bbf9095e2ac9900c4392c1794f65baeb5fd",
    ),
    (
        KeySpec::EccNistEdwards25519,
        PKCS8,
        "d9ae7a496f573efc4193fa98860dc64bfe347346e4c05af344409995b6fff3f2",
        "02099a3744504560639ec670b7a1d24f1d38bd2890fc5b8f85286c56dd09dc6911d52b712db7c77978fc5bc1a029f247543532791bb2a3374ca0157f7d1f7f9d0497480912400c7067e538dd82f7",
    ),
];
const HMAC: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f";
const SEED: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";
const PKCS8: &str = "302e020100300506032b657004220420000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

#[test]
fn material_of_other_specs_at_rest_is_written_and_read_as_ever() {
    let vault = vault("eu-west-3");
    for (spec, secret, id, golden) in OTHERS {
        let material = Material::read(spec, &bytes(secret)).unwrap();
        let found = vault.material_id(&key(), &material);
        assert_eq!(found.to_string(), id, "{}", spec.name());
        let written = vault.seal(&key(), &found, &material, &mut SeededEntropy::new(1));
        assert_eq!(hex::encode(written.as_bytes()), golden, "{}", spec.name());
        vault.open(&key(), &found, &sealed(golden)).unwrap();
    }
}

#[test]
fn material_on_a_link_is_written_and_read_as_ever() {
    let mut entropy = SeededEntropy::new(2);
    let written = vault("eu-west-3")
        .seal_for_region("eu-north-1", &key(), &id(), &sealed(AT_REST), &mut entropy)
        .unwrap();
    assert_eq!(hex::encode(written.as_bytes()), TO_OSLO);
    let oslo = vault("eu-north-1");
    let kept = oslo
        .accept_from_region("eu-west-3", &key(), &id(), &sealed(TO_OSLO), &mut entropy)
        .unwrap();
    let hot = oslo.open(&key(), &id(), &kept).unwrap();
    assert_eq!(
        *decrypt(&hot, &bytes(CIPHERTEXT), &context()).unwrap(),
        b"message"
    );
}

#[test]
fn a_ciphertext_is_written_and_read_as_ever() {
    let hot = vault("eu-west-3")
        .open(&key(), &id(), &sealed(AT_REST))
        .unwrap();
    let mut entropy = SeededEntropy::new(3);
    let kind = CiphertextKind::Encrypt;
    let written = encrypt(
        &hot,
        kind,
        &key(),
        &id(),
        &context(),
        b"message",
        &mut entropy,
    );
    assert_eq!(hex::encode(written), CIPHERTEXT);
    let header = parse(&bytes(CIPHERTEXT)).unwrap();
    assert_eq!((header.key_id, header.material_id), (key(), id()));
    assert_eq!(
        *decrypt(&hot, &bytes(CIPHERTEXT), &context()).unwrap(),
        b"message"
    );
}

#[test]
fn an_import_token_is_written_and_read_as_ever() {
    let vault = vault("eu-west-3");
    let key = WrappingKey::from_private_der(&bytes(WRAPPING_KEY)).unwrap();
    let algorithm = WrappingAlgorithm::RsaesOaepSha256;
    let token = ImportToken::new(&key, ARN, algorithm, 1_700_000_000_000);
    let written = vault.seal_token(&token, &mut SeededEntropy::new(4));
    assert_eq!(hex::encode(written), hex::encode(bytes(TOKEN)));

    let token = vault.open_token(&bytes(TOKEN)).unwrap();
    assert_eq!((token.key_arn.as_str(), token.algorithm), (ARN, algorithm));
    assert_eq!(
        (token.spec, token.expires_at_ms),
        (WrappingKeySpec::Rsa2048, 1_700_000_000_000)
    );
    let wrapped = bytes(include_str!("golden/wrapped_oaep_sha_256.hex"));
    assert_eq!(*token.unwrap(&wrapped).unwrap(), [5; 32]);
}
