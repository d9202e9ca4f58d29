//! What a vault opens, and what it refuses.

use std::collections::BTreeMap;

use super::*;
use crate::{CiphertextKind, SeededEntropy, decrypt, encrypt};

fn key() -> KeyId {
    "mrk-1234abcd12ab34cd56ef1234567890ab".parse().unwrap()
}

fn other_key() -> KeyId {
    "1234abcd-12ab-34cd-56ef-1234567890ab".parse().unwrap()
}

/// The vault of a region of one cluster, whose root key follows from the name.
fn vault(region: &str) -> Vault {
    vault_of_cluster(region, 1)
}

fn vault_of_cluster(region: &str, cluster: u8) -> Vault {
    let mut root = [0; 32];
    root[..region.len()].copy_from_slice(region.as_bytes());
    Vault::new(
        region,
        RootKey::from_bytes(&root).unwrap(),
        ClusterSecret::from_bytes(&[cluster; 32]).unwrap(),
    )
}

fn material(byte: u8) -> Material {
    Material::from_bytes(&[byte; 32]).unwrap()
}

/// Material 5 of the key, sealed in the vault's region.
fn sealed_in(vault: &Vault) -> (MaterialId, Sealed) {
    let id = vault.material_id(&key(), &material(5));
    (
        id,
        vault.seal(&key(), &id, &material(5), &mut SeededEntropy::new(9)),
    )
}

/// Does a ciphertext made with the one open with the other?
fn same(one: &HotMaterial, other: &HotMaterial) -> bool {
    let id = MaterialId::from_bytes([0; 32]);
    let mut entropy = SeededEntropy::new(3);
    let context = BTreeMap::new();
    let blob = encrypt(
        one,
        CiphertextKind::Encrypt,
        &key(),
        &id,
        &context,
        b"message",
        &mut entropy,
    );
    decrypt(other, &blob, &context).is_some_and(|plaintext| *plaintext == b"message")
}

#[test]
fn all_regions_agree_on_the_id_of_the_same_bytes_in_the_same_key() {
    let (paris, oslo) = (vault("eu-west-3"), vault("eu-north-1"));
    let id = paris.material_id(&key(), &material(5));
    assert_eq!(id, oslo.material_id(&key(), &material(5)));
    assert_ne!(id, oslo.material_id(&other_key(), &material(5)));
    assert_ne!(id, oslo.material_id(&key(), &material(6)));
    assert_ne!(
        id,
        vault_of_cluster("eu-west-3", 2).material_id(&key(), &material(5))
    );
}

#[test]
fn any_node_of_the_region_opens_what_one_has_sealed() {
    let (id, sealed) = sealed_in(&vault("eu-west-3"));
    let opened = vault("eu-west-3").open(&key(), &id, &sealed).unwrap();
    assert!(same(&opened, &HotMaterial::new(&material(5))));
    assert!(!same(&opened, &HotMaterial::new(&material(6))));
}

#[test]
fn another_key_material_id_region_or_root_key_does_not_open_it() {
    let here = vault("eu-west-3");
    let (id, sealed) = sealed_in(&here);
    let refused = Some(VaultError::NotAuthentic);
    assert_eq!(here.open(&other_key(), &id, &sealed).err(), refused);
    let other_id = here.material_id(&key(), &material(6));
    assert_eq!(here.open(&key(), &other_id, &sealed).err(), refused);
    assert_eq!(
        vault("eu-north-1").open(&key(), &id, &sealed).err(),
        refused
    );

    let secrets = || {
        (
            RootKey::from_bytes(&[1; 32]),
            ClusterSecret::from_bytes(&[1; 32]),
        )
    };
    let named = |region| {
        let (root, cluster) = secrets();
        Vault::new(region, root.unwrap(), cluster.unwrap())
    };
    let (id, sealed) = sealed_in(&named("one"));
    assert_eq!(named("two").open(&key(), &id, &sealed).err(), refused);
    assert!(named("one").open(&key(), &id, &sealed).is_ok());
}

#[test]
fn altering_any_byte_is_refused() {
    let here = vault("eu-west-3");
    let (id, sealed) = sealed_in(&here);
    // Opened first: what is remembered must not answer for the altered bytes.
    here.open(&key(), &id, &sealed).unwrap();
    for at in 1..sealed.as_bytes().len() {
        for mask in [0x01, 0x80, 0xff] {
            let mut bytes = sealed.as_bytes().to_vec();
            bytes[at] ^= mask;
            let altered = Sealed::from_bytes(&bytes).unwrap();
            let error = here.open(&key(), &id, &altered).err();
            assert_eq!(error, Some(VaultError::NotAuthentic), "byte {at}");
        }
    }
}

#[test]
fn material_sealed_under_an_id_that_is_not_its_own_does_not_open() {
    let here = vault("eu-west-3");
    let id = here.material_id(&key(), &material(6));
    let sealed = here.seal(&key(), &id, &material(5), &mut SeededEntropy::new(1));
    assert_eq!(
        here.open(&key(), &id, &sealed).err(),
        Some(VaultError::WrongMaterial)
    );
}

#[test]
fn opening_again_gives_the_same_until_forgotten() {
    let here = vault("eu-west-3");
    let (id, sealed) = sealed_in(&here);
    let first = here.open(&key(), &id, &sealed).unwrap();
    assert!(Arc::ptr_eq(
        &first,
        &here.open(&key(), &id, &sealed).unwrap()
    ));
    here.forget(&key(), &id);
    assert_eq!(Arc::strong_count(&first), 1, "the vault keeps nothing");
    assert!(!Arc::ptr_eq(
        &first,
        &here.open(&key(), &id, &sealed).unwrap()
    ));
}

#[test]
fn material_travels_to_another_region_and_opens_there() {
    let (paris, oslo) = (vault("eu-west-3"), vault("eu-north-1"));
    let mut entropy = SeededEntropy::new(2);
    let (id, at_rest) = sealed_in(&paris);
    let sent = paris
        .seal_for_region("eu-north-1", &key(), &id, &at_rest, &mut entropy)
        .unwrap();
    let kept = oslo
        .accept_from_region("eu-west-3", &key(), &id, &sent, &mut entropy)
        .unwrap();
    let there = oslo.open(&key(), &id, &kept).unwrap();
    assert!(same(&paris.open(&key(), &id, &at_rest).unwrap(), &there));
}

#[test]
fn material_on_its_way_opens_nowhere_but_at_the_end_of_its_link() {
    let (paris, oslo) = (vault("eu-west-3"), vault("eu-north-1"));
    let mut entropy = SeededEntropy::new(2);
    let (id, at_rest) = sealed_in(&paris);
    let sent = paris
        .seal_for_region("eu-north-1", &key(), &id, &at_rest, &mut entropy)
        .unwrap();

    let mut accept = |at: &Vault, from, key_id: KeyId, id, sealed: &Sealed| {
        at.accept_from_region(from, &key_id, &id, sealed, &mut entropy)
            .err()
    };
    let refused = Some(VaultError::NotAuthentic);
    let other_id = paris.material_id(&key(), &material(6));
    assert_eq!(
        accept(&vault("us-east-1"), "eu-west-3", key(), id, &sent),
        refused
    );
    assert_eq!(
        accept(&paris, "eu-north-1", key(), id, &sent),
        refused,
        "the way back"
    );
    assert_eq!(accept(&oslo, "us-east-1", key(), id, &sent), refused);
    assert_eq!(accept(&oslo, "eu-west-3", other_key(), id, &sent), refused);
    assert_eq!(accept(&oslo, "eu-west-3", key(), other_id, &sent), refused);
    let stranger = vault_of_cluster("eu-north-1", 2);
    assert_eq!(accept(&stranger, "eu-west-3", key(), id, &sent), refused);
    assert_eq!(accept(&oslo, "eu-west-3", key(), id, &at_rest), refused);
    assert_eq!(accept(&oslo, "eu-west-3", key(), id, &sent), None);
    assert_eq!(oslo.open(&key(), &id, &sent).err(), refused);
}

#[test]
fn a_region_that_sends_other_bytes_under_an_id_is_found_out() {
    let (paris, oslo) = (vault("eu-west-3"), vault("eu-north-1"));
    let mut entropy = SeededEntropy::new(2);
    let id = paris.material_id(&key(), &material(6));
    let link = paris.link("eu-west-3", "eu-north-1");
    let sent = seal_with(&link, &key(), &id, &material(5), &mut entropy);
    assert_eq!(
        oslo.accept_from_region("eu-west-3", &key(), &id, &sent, &mut entropy)
            .err(),
        Some(VaultError::WrongMaterial)
    );
}
