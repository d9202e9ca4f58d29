//! Keys of an external key manager, against a proxy that shifts bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use meridian_crypto::Proxied;
use meridian_proto::v1::*;
use serde_json::{Value, json};

use crate::fixture::{TestRegion, refusal};
use crate::key_store::{ProxyAnswer, ProxyQuestion};

const SHIFT: u8 = 42;

fn responded(status: u16, body: &Value) -> ProxyAnswer {
    ProxyAnswer::Responded {
        status,
        body: body.to_string().into_bytes(),
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

/// A proxy that does what the protocol says, with a key named `external`.
fn proxy(question: &ProxyQuestion) -> ProxyAnswer {
    let request: Value = serde_json::from_slice(&question.body).unwrap();
    let shifted = |by: u8| move |byte: u8| byte.wrapping_add(by);
    match question.path.as_str() {
        "/acme/kms/xks/v1/health" => responded(
            200,
            &json!({"ekmFleetDetails": [{"id": "1", "model": "m", "healthStatus": "ACTIVE"}]}),
        ),
        "/acme/kms/xks/v1/keys/external/metadata" => responded(
            200,
            &json!({
                "keySpec": "AES_256", "keyUsage": ["ENCRYPT", "DECRYPT"], "keyStatus": "ENABLED",
            }),
        ),
        "/acme/kms/xks/v1/keys/external/encrypt" => {
            let plaintext = bytes(&request["plaintext"]);
            let sealed = Proxied {
                key_id: crate::arn::KeyId::LOWEST,
                metadata: b"v1".to_vec(),
                iv: vec![1; 12],
                tag: [2; 16],
                ciphertext: plaintext.into_iter().map(shifted(SHIFT)).collect(),
            };
            let associated = bytes(&request["additionalAuthenticatedData"]);
            responded(
                200,
                &json!({
                    "ciphertext": STANDARD.encode(&sealed.ciphertext),
                    "ciphertextMetadata": STANDARD.encode(&sealed.metadata),
                    "initializationVector": STANDARD.encode(&sealed.iv),
                    "authenticationTag": STANDARD.encode(sealed.tag),
                    "ciphertextDataIntegrityValue":
                        STANDARD.encode(sealed.integrity_value(&associated)),
                }),
            )
        }
        "/acme/kms/xks/v1/keys/external/decrypt" => {
            assert_eq!(bytes(&request["ciphertextMetadata"]), b"v1");
            let ciphertext = bytes(&request["ciphertext"]).into_iter();
            let plaintext: Vec<u8> = ciphertext.map(shifted(SHIFT.wrapping_neg())).collect();
            responded(200, &json!({"plaintext": STANDARD.encode(plaintext)}))
        }
        _ => responded(404, &json!({"errorName": "KeyNotFoundException"})),
    }
}

fn create_store(us: &mut TestRegion) -> Result<String, crate::KmsError> {
    let number = us.region.key_stores().len();
    let request = CreateCustomKeyStoreRequest {
        custom_key_store_name: Some(format!("external {number}")),
        custom_key_store_type: Some("EXTERNAL_KEY_STORE".into()),
        xks_proxy_connectivity: Some("PUBLIC_ENDPOINT".into()),
        xks_proxy_uri_endpoint: Some(format!("https://xks{number}.example.com")),
        xks_proxy_uri_path: Some("/acme/kms/xks/v1".into()),
        xks_proxy_authentication_credential: Some(XksProxyAuthenticationCredential {
            access_key_id: Some("ABCDEFGHIJKLMNOPQRST".into()),
            raw_secret_access_key: Some("secret".repeat(8)),
        }),
        ..Default::default()
    };
    Ok(us.call(request)?.custom_key_store_id.unwrap())
}

fn create_key(us: &mut TestRegion, store: &str, id: &str) -> Result<KeyMetadata, crate::KmsError> {
    let request = CreateKeyRequest {
        origin: Some("EXTERNAL_KEY_STORE".into()),
        custom_key_store_id: Some(store.into()),
        xks_key_id: Some(id.into()),
        ..Default::default()
    };
    Ok(*us.call(request)?.key_metadata.unwrap())
}

/// A region with a key of the proxy above.
fn us_with_key() -> (TestRegion, String, String) {
    let mut us = TestRegion::new("us-east-1");
    us.proxy = proxy;
    let store = create_store(&mut us).unwrap();
    us.connect(&store).unwrap();
    us.pass(1000);
    let key = create_key(&mut us, &store, "external").unwrap();
    (us, store, key.key_id.unwrap())
}

#[test]
fn a_key_shows_its_external_key_and_no_material() {
    let (mut us, store, key) = us_with_key();
    let shown = us.describe(&key);
    assert_eq!(shown.origin.as_deref(), Some("EXTERNAL_KEY_STORE"));
    assert_eq!(shown.custom_key_store_id, Some(store));
    assert_eq!(shown.cloud_hsm_cluster_id, None);
    assert_eq!(shown.current_key_material_id, None);
    let external = shown.xks_key_configuration.unwrap();
    assert_eq!(external.id.as_deref(), Some("external"));
}

#[test]
fn the_configuration_is_shown_without_its_secret() {
    let (mut us, _, _) = us_with_key();
    let entry = us.key_stores().remove(0);
    let proxy = entry.xks_proxy_configuration.unwrap();
    assert_eq!(proxy.connectivity.as_deref(), Some("PUBLIC_ENDPOINT"));
    let access_key_id = proxy.access_key_id.as_deref();
    assert_eq!(access_key_id, Some("ABCDEFGHIJKLMNOPQRST"));
    let stored = String::from_utf8(us.region.encode()).unwrap();
    assert!(!stored.contains("secretsecret"));
}

#[test]
fn both_layers_are_needed() {
    let (mut us, _, key) = us_with_key();
    let blob = us.encrypt(&key, "hello").unwrap();
    assert_eq!(us.decrypt_any(&blob).unwrap(), ("hello".into(), None));
    let sealed = Proxied::parse(&blob).unwrap();
    assert_eq!(sealed.key_id.to_string(), key);
    let ciphertext = sealed.ciphertext.iter();
    let inner: Vec<u8> = ciphertext.map(|byte| byte.wrapping_sub(SHIFT)).collect();
    assert_eq!(
        refusal(us.decrypt_any(&inner)),
        "InvalidCiphertextException",
        "what the proxy sees is not enough"
    );
    let other = us.create();
    let foreign = Proxied {
        key_id: other.parse().unwrap(),
        ..sealed
    };
    let answer = refusal(us.decrypt_any(&foreign.encode()));
    assert_eq!(answer, "InvalidCiphertextException");
}

#[test]
fn both_copies_of_a_data_key_are_the_same() {
    let (mut us, _, key) = us_with_key();
    let made = us
        .call(GenerateDataKeyRequest {
            key_id: Some(key),
            key_spec: Some("AES_256".into()),
            ..Default::default()
        })
        .unwrap();
    assert_eq!(made.key_material_id, None);
    let opened = us
        .call(DecryptRequest {
            ciphertext_blob: made.ciphertext_blob,
            ..Default::default()
        })
        .unwrap();
    assert_eq!(opened.plaintext, made.plaintext);
}

#[test]
fn a_ciphertext_moves_between_two_proxies() {
    let (mut us, _, from) = us_with_key();
    let store = create_store(&mut us).unwrap();
    us.connect(&store).unwrap();
    us.pass(1000);
    let to = create_key(&mut us, &store, "external").unwrap().key_id;
    let blob = us.encrypt(&from, "hello").unwrap();
    let moved = us
        .call(ReEncryptRequest {
            ciphertext_blob: Some(blob.into()),
            destination_key_id: to,
            ..Default::default()
        })
        .unwrap();
    assert_eq!(moved.source_key_material_id, None);
    assert_eq!(moved.destination_key_material_id, None);
    let blob = moved.ciphertext_blob.unwrap();
    assert_eq!(us.decrypt(&blob).unwrap(), "hello");
}

#[test]
fn an_external_key_belongs_to_one_key_of_a_key_store() {
    let (mut us, store, _) = us_with_key();
    let again = create_key(&mut us, &store, "external");
    assert_eq!(
        again.unwrap_err().code.name(),
        "XksKeyAlreadyInUseException"
    );
    let unknown = create_key(&mut us, &store, "other");
    assert_eq!(unknown.unwrap_err().code.name(), "XksKeyNotFoundException");
}

#[test]
fn what_a_proxy_says_becomes_an_error_of_the_operation() {
    let says = |answer: fn(&ProxyQuestion) -> ProxyAnswer| {
        let (mut us, store, key) = us_with_key();
        us.proxy = answer;
        let used = us.encrypt(&key, "x").unwrap_err().code.name();
        let created = create_key(&mut us, &store, "new").unwrap_err().code.name();
        let new_store = create_store(&mut us).unwrap_err().code.name();
        us.disconnect(&store).unwrap();
        us.pass(1000);
        us.connect(&store).unwrap();
        us.pass(1000);
        let entry = us.key_stores().remove(0);
        let connection = entry.connection_error_code.unwrap();
        [used, created, new_store, &*connection.leak()]
    };
    let used = "KMSInvalidStateException";
    let store = "CustomKeyStoreInvalidStateException";
    assert_eq!(
        says(|_| ProxyAnswer::Unreachable),
        [
            used,
            store,
            "XksProxyUriUnreachableException",
            "XKS_PROXY_NOT_REACHABLE"
        ]
    );
    assert_eq!(
        says(|_| ProxyAnswer::TimedOut),
        [
            used,
            store,
            "XksProxyUriUnreachableException",
            "XKS_PROXY_TIMED_OUT"
        ]
    );
    assert_eq!(
        says(|_| responded(401, &json!({"errorName": "AuthenticationFailedException"}))),
        [
            used,
            store,
            "XksProxyIncorrectAuthenticationCredentialException",
            "XKS_PROXY_ACCESS_DENIED"
        ]
    );
    assert_eq!(
        says(|_| responded(404, &json!({"errorName": "InvalidUriPathException"}))),
        [
            used,
            store,
            "XksProxyInvalidConfigurationException",
            "XKS_PROXY_INVALID_CONFIGURATION"
        ]
    );
    for rubbish in [
        |_: &ProxyQuestion| responded(200, &json!([])),
        |_: &ProxyQuestion| responded(500, &json!({})),
        |_: &ProxyQuestion| ProxyAnswer::Responded {
            status: 200,
            body: b"<html>".to_vec(),
        },
    ] {
        assert_eq!(
            says(rubbish),
            [
                used,
                store,
                "XksProxyInvalidResponseException",
                "XKS_PROXY_INVALID_RESPONSE"
            ]
        );
    }
}

#[test]
fn an_answer_that_does_not_fit_its_question_is_none() {
    let (mut us, _, key) = us_with_key();
    us.proxy = |question| {
        let ProxyAnswer::Responded { status, body } = proxy(question) else {
            panic!("it answers");
        };
        let mut json: Value = serde_json::from_slice(&body).unwrap();
        json["initializationVector"] = json!(STANDARD.encode([3; 12]));
        responded(status, &json)
    };
    assert_eq!(
        refusal(us.encrypt(&key, "x")),
        "KMSInvalidStateException: AWS KMS cannot interpret the response from the external key \
         store proxy. If you see this error repeatedly, report it to your external key store \
         proxy administrator."
    );
}

#[test]
fn a_proxy_is_asked_only_by_those_who_may_use_the_key() {
    let (mut us, _, key) = us_with_key();
    us.disable(&key).unwrap();
    us.proxy = |_| panic!("nobody is asked");
    let answer = refusal(us.encrypt(&key, "x"));
    assert!(answer.starts_with("DisabledException"), "{answer}");
}
