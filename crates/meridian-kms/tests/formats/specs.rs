//! The part of the story about keys that are not symmetric, in a region of its
//! own: material that follows from the seed, and an imported private key.

use meridian_proto::v1::*;

use crate::story::Recorded;

/// Where it happens.
pub const REGION: &str = "us-gov-west-1";

/// An Ed25519 private key in PKCS#8: the seed has the bytes 0 to 31.
const PKCS8: &str = "302e020100300506032b657004220420000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// Plays it from the beginning.
pub fn play() -> Recorded {
    let mut gov = Recorded::new(REGION);
    let mut create = |spec: &str, usage: &str, origin: &str| {
        let request = CreateKeyRequest {
            key_spec: Some(spec.into()),
            key_usage: Some(usage.into()),
            origin: Some(origin.into()),
            ..Default::default()
        };
        let created = gov.call(request).key_metadata.unwrap();
        created.key_id.unwrap()
    };
    create("HMAC_256", "GENERATE_VERIFY_MAC", "AWS_KMS");
    create("ECC_NIST_EDWARDS25519", "SIGN_VERIFY", "AWS_KMS");
    create("ML_KEM_512", "ENCAPSULATE_DECAPSULATE", "AWS_KMS");
    let imported = create("ECC_NIST_EDWARDS25519", "SIGN_VERIFY", "EXTERNAL");
    let bytes = hex::decode(PKCS8).unwrap();
    let request = gov.it.import_request(&imported, &bytes).unwrap();
    gov.call(request);
    gov
}
