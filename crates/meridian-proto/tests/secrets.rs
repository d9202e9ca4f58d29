//! Debug shows how many bytes a message holds and never which.

use bytes::Bytes;
use meridian_proto::AwsJson;
use meridian_proto::v1::*;

const SECRET: &[u8] = b"correct horse";

fn assert_hidden(shown: &str) {
    assert!(shown.contains("<13 bytes>"), "{shown}");
    // Bytes print as text or as numbers.
    for trace in ["correct", "99, 111", "636f72", "Y29ycm"] {
        assert!(!shown.contains(trace), "{shown}");
    }
}

#[test]
fn plaintext_and_wrapped_material_are_not_shown() {
    let secret = || Some(Bytes::from_static(SECRET));
    let encrypt = EncryptRequest {
        key_id: Some("alias/orders".into()),
        plaintext: secret(),
        ..Default::default()
    };
    let shown = format!("{encrypt:?}");
    assert_hidden(&shown);
    assert!(shown.contains("alias/orders"), "{shown}");

    let decrypt = DecryptResponse {
        plaintext: secret(),
        ..Default::default()
    };
    assert_hidden(&format!("{decrypt:#?}"));
    let data_key = GenerateDataKeyResponse {
        plaintext: secret(),
        ..Default::default()
    };
    assert_hidden(&format!("{data_key:?}"));
    let random = GenerateRandomResponse {
        plaintext: secret(),
        ..Default::default()
    };
    assert_hidden(&format!("{random:?}"));
    let import = ImportKeyMaterialRequest {
        encrypted_key_material: secret(),
        ..Default::default()
    };
    assert_hidden(&format!("{import:?}"));
}

#[test]
fn forwarded_calls_and_facts_are_not_shown() {
    let forward = ForwardRequest {
        request: Bytes::from_static(SECRET),
        ..Default::default()
    };
    assert_hidden(&format!("{forward:?}"));
    let answer = ForwardResponse {
        result: Some(forward_response::Result::Response(Bytes::from_static(
            SECRET,
        ))),
        applied_index: 7,
    };
    let shown = format!("{answer:?}");
    assert_hidden(&shown);
    assert!(shown.contains("applied_index: 7"), "{shown}");
    let facts = FactBatch {
        facts: vec![Bytes::from_static(SECRET)],
        ..Default::default()
    };
    assert_hidden(&format!("{facts:?}"));
}

#[test]
fn passwords_and_credentials_are_not_shown() {
    let store = CreateCustomKeyStoreRequest {
        custom_key_store_name: Some("mine".into()),
        key_store_password: Some("correct horse".into()),
        xks_proxy_authentication_credential: Some(XksProxyAuthenticationCredential {
            access_key_id: Some("correct".into()),
            raw_secret_access_key: Some("horse".into()),
        }),
        ..Default::default()
    };
    let shown = format!("{store:?}");
    assert!(shown.contains("mine"), "{shown}");
    assert!(
        !shown.contains("correct") && !shown.contains("horse"),
        "{shown}"
    );
}

#[test]
fn an_audit_log_shows_names_and_contexts_and_no_secret() {
    let secret = || Some(Bytes::from_static(SECRET));
    let encrypt = EncryptRequest {
        key_id: Some("alias/orders".into()),
        plaintext: secret(),
        encryption_context: [("tenant".to_owned(), "blue".to_owned())].into(),
        grant_tokens: vec!["horse".into()],
        ..Default::default()
    };
    assert_eq!(
        encrypt.to_logged_json(),
        r#"{"keyId":"alias/orders","encryptionContext":{"tenant":"blue"}}"#
    );
    let store = CreateCustomKeyStoreRequest {
        custom_key_store_name: Some("vault".into()),
        key_store_password: Some("horse".into()),
        xks_proxy_authentication_credential: Some(XksProxyAuthenticationCredential {
            raw_secret_access_key: Some("horse".into()),
            ..Default::default()
        }),
        ..Default::default()
    };
    assert_eq!(
        store.to_logged_json(),
        r#"{"customKeyStoreName":"vault","xksProxyAuthenticationCredential":{}}"#
    );
    let data_key = GenerateDataKeyResponse {
        plaintext: secret(),
        ..Default::default()
    };
    assert_eq!(data_key.to_logged_json(), "{}");
}
