//! Keys that are not symmetric, in several regions: one secret in all of them.

use meridian_crypto::{KeySpec, Material, SeededEntropy};
use meridian_proto::v1::*;

use crate::fixture::{TestRegion, refusal};
use crate::world::World;

const US: &str = "us-east-1";
const EU: &str = "eu-west-1";

fn create(world: &mut World, spec: &str, usage: &str, origin: &str) -> String {
    world.on(US, |it| {
        it.create_as(CreateKeyRequest {
            key_spec: Some(spec.into()),
            key_usage: Some(usage.into()),
            origin: Some(origin.into()),
            multi_region: Some(true),
            ..Default::default()
        })
    })
}

fn public_key(it: &mut TestRegion, key: &str) -> Vec<u8> {
    let request = GetPublicKeyRequest {
        key_id: Some(key.into()),
        ..Default::default()
    };
    it.call(request).unwrap().public_key.unwrap().to_vec()
}

/// Signs in one region and verifies in the other.
fn cross(world: &mut World, key: &str, algorithm: &str, from: &str, to: &str) {
    let sign = SignRequest {
        key_id: Some(key.into()),
        message: Some("hello".into()),
        signing_algorithm: Some(algorithm.into()),
        ..Default::default()
    };
    let signed = world.on(from, |it| it.call(sign.clone())).unwrap();
    let verify = VerifyRequest {
        key_id: sign.key_id,
        message: sign.message,
        signing_algorithm: sign.signing_algorithm,
        signature: signed.signature,
        ..Default::default()
    };
    let verified = world.on(to, |it| it.call(verify)).unwrap();
    assert_eq!(verified.signature_valid, Some(true));
}

#[test]
fn a_generated_private_key_is_the_same_everywhere() {
    for (spec, algorithm) in [
        ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256"),
        ("ECC_NIST_P384", "ECDSA_SHA_384"),
        ("ECC_NIST_EDWARDS25519", "ED25519_SHA_512"),
        ("ML_DSA_44", "ML_DSA_SHAKE_256"),
    ] {
        let mut world = World::new(&[US, EU]);
        let key = create(&mut world, spec, "SIGN_VERIFY", "AWS_KMS");
        world.replicate(US, &key, EU).unwrap();
        world.settle();
        let shown = world.on(US, |it| public_key(it, &key));
        assert_eq!(world.on(EU, |it| public_key(it, &key)), shown);
        cross(&mut world, &key, algorithm, US, EU);
        cross(&mut world, &key, algorithm, EU, US);
    }
}

#[test]
fn a_generated_hmac_key_is_the_same_everywhere() {
    let mut world = World::new(&[US, EU]);
    let key = create(&mut world, "HMAC_384", "GENERATE_VERIFY_MAC", "AWS_KMS");
    world.replicate(US, &key, EU).unwrap();
    world.settle();
    let request = GenerateMacRequest {
        key_id: Some(key),
        message: Some("hello".into()),
        mac_algorithm: Some("HMAC_SHA_384".into()),
        ..Default::default()
    };
    let here = world.on(US, |it| it.call(request.clone())).unwrap();
    let there = world.on(EU, |it| it.call(request)).unwrap();
    assert_eq!(here.mac, there.mac);
}

#[test]
fn an_imported_private_key_is_imported_in_every_region_and_nowhere_another() {
    let mut world = World::new(&[US, EU]);
    let key = create(&mut world, "ECC_NIST_P256", "SIGN_VERIFY", "EXTERNAL");
    let private_key = |seed| {
        let material = Material::generate_for(KeySpec::EccNistP256, &mut SeededEntropy::new(seed));
        material.to_pkcs8().unwrap()
    };
    let (own, other) = (private_key(1), private_key(2));
    world
        .on(US, |it| it.import_bytes(&key, &own, |_| {}))
        .unwrap();
    world.replicate(US, &key, EU).unwrap();
    world.settle();
    assert_eq!(world.on(EU, |it| it.state(&key)), "PendingImport");
    let shown = world.on(US, |it| public_key(it, &key));
    let there = world.on(EU, |it| public_key(it, &key));
    assert_eq!(there, shown, "the public half is shared");
    let foreign = world.on(EU, |it| it.import_bytes(&key, &other, |_| {}));
    assert_eq!(refusal(foreign), "IncorrectKeyMaterialException");
    world
        .on(EU, |it| it.import_bytes(&key, &own, |_| {}))
        .unwrap();
    world.settle();
    cross(&mut world, &key, "ECDSA_SHA_256", EU, US);
    cross(&mut world, &key, "ECDSA_SHA_256", US, EU);
}
