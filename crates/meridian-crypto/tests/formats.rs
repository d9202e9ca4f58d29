//! The durable formats, byte by byte. Whatever was written once must stay
//! readable: if one of these fails, the format changed and needs a new version.

#![allow(
    clippy::unwrap_used,
    reason = "the functions beside the tests are part of them"
)]

use std::collections::BTreeMap;

use meridian_crypto::{
    CiphertextKind, ClusterSecret, ImportToken, Material, MaterialId, RootKey, Sealed,
    SeededEntropy, Vault, WrappingAlgorithm, WrappingKey, WrappingKeySpec, decrypt, encrypt, parse,
};

const KEY: &str = "mrk-1234abcd12ab34cd56ef1234567890ab";
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
        vault("eu-west-3").material_id(KEY, &material()).to_string(),
        MATERIAL_ID
    );
}

#[test]
fn material_at_rest_is_written_and_read_as_ever() {
    let vault = vault("eu-west-3");
    let written = vault.seal(KEY, &id(), &material(), &mut SeededEntropy::new(1));
    assert_eq!(hex::encode(written.as_bytes()), AT_REST);
    vault.open(KEY, &id(), &sealed(AT_REST)).unwrap();
}

#[test]
fn material_on_a_link_is_written_and_read_as_ever() {
    let mut entropy = SeededEntropy::new(2);
    let written = vault("eu-west-3")
        .seal_for_region("eu-north-1", KEY, &id(), &sealed(AT_REST), &mut entropy)
        .unwrap();
    assert_eq!(hex::encode(written.as_bytes()), TO_OSLO);
    let oslo = vault("eu-north-1");
    let kept = oslo
        .accept_from_region("eu-west-3", KEY, &id(), &sealed(TO_OSLO), &mut entropy)
        .unwrap();
    let hot = oslo.open(KEY, &id(), &kept).unwrap();
    assert_eq!(
        *decrypt(&hot, &bytes(CIPHERTEXT), &context()).unwrap(),
        b"message"
    );
}

#[test]
fn a_ciphertext_is_written_and_read_as_ever() {
    let hot = vault("eu-west-3")
        .open(KEY, &id(), &sealed(AT_REST))
        .unwrap();
    let mut entropy = SeededEntropy::new(3);
    let kind = CiphertextKind::Encrypt;
    let written = encrypt(&hot, kind, KEY, &id(), &context(), b"message", &mut entropy);
    assert_eq!(hex::encode(written), CIPHERTEXT);
    let header = parse(&bytes(CIPHERTEXT)).unwrap();
    assert_eq!((header.key_id.as_str(), header.material_id), (KEY, id()));
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
