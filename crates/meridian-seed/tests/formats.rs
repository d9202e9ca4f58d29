//! The format of seed files: every part of version 1 is read as ever, and the
//! published schema is the one of the types. `UPDATE=1` writes the schema anew.

use std::path::{Path, PathBuf};

use meridian_seed::{Authorization, Seed, SeedError, read, schema};

const GOLDEN: &str = include_str!("golden/seed_v1.yaml");

fn golden() -> Seed {
    read(GOLDEN).unwrap_or_else(|error| panic!("{error}"))
}

fn published() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/seed.schema.json")
}

fn mistake(text: &str) -> String {
    match read(text) {
        Ok(_) => "no mistake".into(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn seed_files_are_read_as_ever() {
    let seed = golden();
    assert_eq!(seed.authorization, Authorization::Enforced);
    let directory = seed.directory().unwrap_or_else(|error| panic!("{error}"));
    for (access_key, arn) in [
        ("AKIAROOT", "arn:aws:iam::111122223333:root"),
        ("AKIAANN", "arn:aws:iam::111122223333:user/team/ann"),
        ("ASIABOB", "arn:aws:sts::111122223333:assumed-role/ops/bob"),
    ] {
        let key = directory.access_key(access_key).expect(access_key);
        assert_eq!(key.identity().principal.arn, arn);
    }
    let bob = directory.access_key("ASIABOB").expect("it was found");
    assert_eq!(bob.check_token(Some("bob-token"), 0), Ok(()));
    assert!(
        bob.check_token(Some("bob-token"), 1_798_761_600_000)
            .is_err()
    );
    assert!(
        directory
            .identity("arn:aws-cn:iam::444455556666:root")
            .is_some()
    );
    let [orders, plain] = seed.keys.as_slice() else {
        panic!("there are two keys");
    };
    assert!(orders.is_multi_region() && !plain.is_multi_region());
    let regions: Vec<&str> = orders.regions().map(|region| region.as_str()).collect();
    assert_eq!(regions, ["us-east-1", "eu-west-1"]);
    let second = &orders.materials[1];
    assert_eq!(second.decode().expect("32 bytes")[..2], [0x20, 0x01]);
    let imported: Vec<bool> = orders
        .regions()
        .map(|region| second.is_for(region))
        .collect();
    assert_eq!(imported, [true, false]);
    assert_eq!(orders.tags["team"], "shop");
    assert_eq!(orders.grants[0].context_subset["shop"], "one");
    assert_eq!(
        (plain.origin.as_str(), plain.usage.as_str()),
        ("AWS_KMS", "ENCRYPT_DECRYPT")
    );
}

#[test]
fn the_published_schema_is_the_schema_of_the_types() {
    let wanted = schema::text();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(published(), &wanted).expect("writable");
    }
    let text = std::fs::read_to_string(published()).unwrap_or_default();
    assert_eq!(text, wanted, "the schema is another; UPDATE=1 writes it");
}

#[test]
fn a_mistake_of_shape_is_named_with_its_place_and_without_secrets() {
    let unknown = GOLDEN.replace("secret: ann-secret", "key: ann-secret");
    let Err(SeedError::Shape { line, what, .. }) = read(&unknown) else {
        panic!("it was read");
    };
    assert_eq!(line, 10);
    assert!(what.contains("unknown field"), "{what}");
    assert!(!mistake(&unknown).contains("ann-secret"));
    for bad in [
        GOLDEN.replace("secret: ann-secret", "secret: [ann-secret]"),
        GOLDEN.replace("authorization: enforced", "authorization: ann-secret"),
        GOLDEN.replace("id: mrk-1234", "id: ann-secret-"),
        GOLDEN.replace("bob-token", "{ann-secret"),
    ] {
        let text = mistake(&bad);
        assert!(
            text.starts_with("line ") && !text.contains("ann-secret"),
            "{text}"
        );
    }
}

#[test]
fn a_mistake_of_meaning_names_what_it_is_about() {
    for (from, to, what) in [
        (
            "version: 1",
            "version: 2",
            "version 2 is not known; this release reads version 1",
        ),
        (
            "id: \"444455556666\"",
            "id: \"4444\"",
            "account 4444 is not of twelve digits",
        ),
        (
            "id: \"444455556666\"",
            "id: \"111122223333\"",
            "account 111122223333 is there twice",
        ),
        (
            "name: ann",
            "name: a*",
            "arn:aws:iam::111122223333:user/team/a* is not the ARN",
        ),
        (
            "id: ASIABOB",
            "id: AKIAANN",
            "access key AKIAANN is there twice",
        ),
        (
            "\"kms:Decrypt\"",
            "7",
            "arn:aws:iam::111122223333:role/ops: Policy contains",
        ),
        (
            "2027-01-01T00:00:00Z",
            "soon",
            "assumed-role/ops/bob: soon is no time",
        ),
        (
            "Effect: Allow, Principal",
            "Effect: Maybe, Principal",
            "key mrk-1234",
        ),
        (
            "[alias/orders]",
            "[orders]",
            "orders does not begin with alias/",
        ),
        (
            "[alias/orders]",
            "[alias/a, alias/a]",
            "alias/a is there twice in us-east-1",
        ),
        ("IAECAwQF", "", "material is not 32 bytes in base64"),
        (
            "regions: [us-east-1]",
            "regions: [eu-west-1]",
            "material comes to the primary first",
        ),
        (
            "regions: [us-east-1]",
            "regions: [us-west-2]",
            "material in us-west-2, where",
        ),
        (
            "replicas: [eu-west-1]",
            "replicas: [us-east-1]",
            "a region is there twice",
        ),
        (
            "id: mrk-1234abcd12ab34cd56ef1234567890ab",
            "id: 1234abcd-12ab-34cd-56ef-1234567890ac",
            "begins with mrk-",
        ),
        (
            "origin: EXTERNAL",
            "origin: AWS_KMS",
            "it can have 1 given materials",
        ),
        (
            "origin: EXTERNAL",
            "origin: EXTERNAL\n    spec: HMAC_256",
            "it can have 1 given materials",
        ),
        (
            "region: eu-west-1}",
            "region: eu-west-1, spec: ECC_NIST_P256, materials: [{bytes: AAEC}]}",
            "material is no key of spec ECC_NIST_P256 in base64",
        ),
        (
            "origin: EXTERNAL",
            "origin: AWS_XKS",
            "AWS_XKS is no origin",
        ),
    ] {
        let text = mistake(&GOLDEN.replacen(from, to, 1));
        assert!(text.contains(what), "{text}: {what}");
    }
}
