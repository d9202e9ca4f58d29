//! What a ciphertext gives back, and what it refuses.

use proptest::prelude::*;

use super::*;
use crate::{Material, SeededEntropy};

fn key() -> KeyId {
    "mrk-1234abcd12ab34cd56ef1234567890ab".parse().unwrap()
}

fn other_key() -> KeyId {
    "1234abcd-12ab-34cd-56ef-1234567890ab".parse().unwrap()
}
const ID: MaterialId = MaterialId::from_bytes([4; 32]);

fn hot(byte: u8) -> HotMaterial {
    HotMaterial::new(&Material::from_bytes(&[byte; 32]).unwrap())
}

fn context(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|&(name, value)| (name.into(), value.into()))
        .collect()
}

fn made(key_id: &KeyId, context: &BTreeMap<String, String>, plaintext: &[u8]) -> Vec<u8> {
    let mut entropy = SeededEntropy::new(1);
    encrypt(
        &hot(5),
        CiphertextKind::Encrypt,
        key_id,
        &ID,
        context,
        plaintext,
        &mut entropy,
    )
}

#[test]
fn a_ciphertext_names_its_key_and_its_material() {
    for key_id in [key(), other_key()] {
        let blob = made(&key_id, &BTreeMap::new(), b"message");
        let header = CiphertextHeader {
            key_id,
            material_id: ID,
        };
        assert_eq!(parse(&blob), Some(header));
    }
}

#[test]
fn ciphertexts_are_no_longer_than_those_of_aws() {
    assert!(made(&key(), &BTreeMap::new(), &[0; 16]).len() <= 168);
    assert_eq!(made(&key(), &BTreeMap::new(), &[0; 4096]).len(), 4096 + 95);
}

#[test]
fn the_two_kinds_differ_in_their_second_byte_and_both_open() {
    let hot = hot(5);
    let blob = |kind| {
        let mut entropy = SeededEntropy::new(1);
        encrypt(
            &hot,
            kind,
            &key(),
            &ID,
            &BTreeMap::new(),
            b"message",
            &mut entropy,
        )
    };
    let (one, other) = (blob(CiphertextKind::Encrypt), blob(CiphertextKind::DataKey));
    assert_ne!(one[1], other[1]);
    assert!(decrypt(&hot, &one, &BTreeMap::new()).is_some());
    assert!(decrypt(&hot, &other, &BTreeMap::new()).is_some());
}

#[test]
fn the_same_plaintext_never_gives_the_same_ciphertext() {
    let (hot, mut entropy) = (hot(5), SeededEntropy::new(1));
    let mut blob = || {
        let context = BTreeMap::new();
        encrypt(
            &hot,
            CiphertextKind::Encrypt,
            &key(),
            &ID,
            &context,
            b"message",
            &mut entropy,
        )
    };
    let (one, other) = (blob(), blob());
    assert_ne!(one[HEADER_LEN..], other[HEADER_LEN..]);
}

#[test]
fn other_material_does_not_open_it() {
    let blob = made(&key(), &BTreeMap::new(), b"message");
    assert!(decrypt(&hot(5), &blob, &BTreeMap::new()).is_some());
    assert!(decrypt(&hot(6), &blob, &BTreeMap::new()).is_none());
}

#[test]
fn the_same_material_in_another_key_does_not_open_it() {
    let mut blob = made(&key(), &BTreeMap::new(), b"message");
    blob[2..2 + COMPACT_LEN].copy_from_slice(&other_key().compact());
    assert_eq!(parse(&blob).unwrap().key_id, other_key());
    assert!(decrypt(&hot(5), &blob, &BTreeMap::new()).is_none());
}

#[test]
fn another_encryption_context_does_not_open_it() {
    let right = context(&[("a", "b"), ("tenant", "1")]);
    let blob = made(&key(), &right, b"message");
    assert!(decrypt(&hot(5), &blob, &right).is_some());
    for wrong in [
        context(&[]),
        context(&[("a", "b")]),
        context(&[("a", "b"), ("tenant", "2")]),
        context(&[("a", "b"), ("Tenant", "1")]),
        context(&[("a", "btenant1")]),
        context(&[("ab", ""), ("tenant", "1")]),
        context(&[("a", "b"), ("tenant", "1"), ("z", "")]),
    ] {
        assert!(decrypt(&hot(5), &blob, &wrong).is_none(), "{wrong:?}");
    }
}

#[test]
fn an_unknown_version_or_kind_or_key_id_form_is_no_ciphertext() {
    let blob = made(&key(), &BTreeMap::new(), b"message");
    for (at, known) in [(0, 1..=1), (1, 1..=2), (2, 1..=2)] {
        for byte in 0..=u8::MAX {
            let mut blob = blob.clone();
            blob[at] = byte;
            assert_eq!(
                parse(&blob).is_some(),
                known.contains(&byte),
                "byte {at} as {byte}"
            );
        }
    }
}

fn any_context() -> impl Strategy<Value = BTreeMap<String, String>> {
    proptest::collection::btree_map(".{0,8}", ".{0,8}", 0..4)
}

proptest! {
    #[test]
    fn what_is_encrypted_comes_back(
        plaintext in proptest::collection::vec(any::<u8>(), 0..300),
        context in any_context(),
        seed: u64,
    ) {
        let (hot, mut entropy) = (hot(5), SeededEntropy::new(seed));
        let kind = CiphertextKind::DataKey;
        let blob = encrypt(&hot, kind, &key(), &ID, &context, &plaintext, &mut entropy);
        prop_assert_eq!(&*decrypt(&hot, &blob, &context).unwrap(), &plaintext);
    }

    #[test]
    fn altering_any_byte_is_refused(mask in 1u8.., context in any_context()) {
        let blob = made(&key(), &context, b"message");
        for at in 0..blob.len() {
            let mut altered = blob.clone();
            altered[at] ^= mask;
            prop_assert!(decrypt(&hot(5), &altered, &context).is_none(), "byte {}", at);
        }
    }

    #[test]
    fn a_shortened_or_lengthened_ciphertext_is_refused(more in any::<u8>()) {
        let blob = made(&key(), &BTreeMap::new(), b"message");
        for length in 0..blob.len() {
            prop_assert!(decrypt(&hot(5), &blob[..length], &BTreeMap::new()).is_none());
            let whole = length >= HEADER_LEN + TAG_LEN;
            prop_assert_eq!(parse(&blob[..length]).is_some(), whole);
        }
        let longer = [blob.as_slice(), &[more]].concat();
        prop_assert!(decrypt(&hot(5), &longer, &BTreeMap::new()).is_none());
    }

    #[test]
    fn foreign_bytes_are_read_without_panic_and_do_not_open(
        start in proptest::sample::select(vec![vec![], vec![1, 1, 1], vec![1, 2, 2]]),
        rest in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let blob = [start, rest].concat();
        if blob.len() < HEADER_LEN + TAG_LEN {
            prop_assert_eq!(parse(&blob), None);
        }
        prop_assert!(decrypt(&hot(5), &blob, &BTreeMap::new()).is_none());
    }
}
