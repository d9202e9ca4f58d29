//! Keys of an external key manager, against a proxy that shifts bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use meridian_crypto::Proxied;
use meridian_proto::v1::*;
use serde_json::{Value, json};

use crate::fixture::proxies::{SHIFT, responded, shifting};
use crate::fixture::{TestRegion, refusal};
use crate::key_store::{ProxyAnswer, ProxyQuestion};

/// A region with a key of a proxy that shifts bytes.
fn us_with_key() -> (TestRegion, String, String) {
    let mut us = TestRegion::new("us-east-1");
    let (store, key) = us.create_external_key().unwrap();
    (us, store, key)
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
    let store = us.create_proxy_store().unwrap();
    us.connect(&store).unwrap();
    us.pass(1000);
    let to = us.create_key_of_proxy(&store, "external").unwrap().key_id;
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
    let again = us.create_key_of_proxy(&store, "external");
    assert_eq!(
        again.unwrap_err().code.name(),
        "XksKeyAlreadyInUseException"
    );
    let unknown = us.create_key_of_proxy(&store, "other");
    assert_eq!(unknown.unwrap_err().code.name(), "XksKeyNotFoundException");
}

#[test]
fn what_a_proxy_says_becomes_an_error_of_the_operation() {
    let says = |answer: fn(&ProxyQuestion) -> ProxyAnswer| {
        let (mut us, store, key) = us_with_key();
        us.proxy = answer;
        let used = us.encrypt(&key, "x").unwrap_err().code.name();
        let created = us
            .create_key_of_proxy(&store, "new")
            .unwrap_err()
            .code
            .name();
        let new_store = us.create_proxy_store().unwrap_err().code.name();
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
        let ProxyAnswer::Responded { status, body } = shifting(question) else {
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
