//! A request as the audit log shows it, after the body that a client sends. The
//! target writes one word into every member that AWS calls sensitive, or that
//! holds bytes or a token, and the log, which is JSON, does not have it.

use meridian_kms::Request;
use serde_json::{Map, Value};

use crate::aws_json::operation_and_body;

/// Text and, since it is base64, a blob at once: the one below.
const WORD: &str = "Z0VIRUlN";
const BLOB: &str = "gEHEIM";

/// Members of a request that are not for everybody's eyes.
const SECRET: [&str; 15] = [
    "AccessKeyId",
    "AttestationDocument",
    "CiphertextBlob",
    "EncryptedKeyMaterial",
    "GrantToken",
    "GrantTokens",
    "ImportToken",
    "KeyStorePassword",
    "Mac",
    "Message",
    "Plaintext",
    "PublicKey",
    "RawSecretAccessKey",
    "SharedSecretCiphertextBlob",
    "Signature",
];

/// Members that have members of their own.
const NESTED: [&str; 2] = ["XksProxyAuthenticationCredential", "Recipient"];

pub(crate) fn run(bytes: &[u8]) -> Option<()> {
    let (operation, body) = operation_and_body(bytes)?;
    let mut json: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let body = Value::from(json.clone()).to_string();
    // A word that the client has by chance would prove nothing.
    if body.contains(WORD) || body.contains(BLOB) {
        return None;
    }
    fill(&mut json);
    let filled = Value::from(json).to_string();
    let borrowed = serde_json::from_str(&filled).ok()?;
    let request = Request::decode_json(operation, &borrowed).ok()?;
    let logged = request.to_logged_json();
    let shown: Value = serde_json::from_str(&logged).expect("it is JSON");
    assert!(shown.is_object(), "{logged}");
    for trace in [WORD, BLOB] {
        assert!(!logged.contains(trace), "{logged}");
    }
    Some(())
}

fn fill(members: &mut Map<String, Value>) {
    for (name, value) in members.iter_mut() {
        match value {
            Value::Object(inside) if NESTED.contains(&name.as_str()) => fill(inside),
            Value::Array(items) if SECRET.contains(&name.as_str()) => {
                items.iter_mut().for_each(|item| *item = WORD.into());
            }
            Value::String(_) if SECRET.contains(&name.as_str()) => *value = WORD.into(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_has_every_secret_member() {
        let input = |operation: &str, body: &str| format!("{operation}\n{body}").into_bytes();
        crate::corpus::holds(
            "logged_json",
            &[
                (
                    "CreateCustomKeyStore",
                    input(
                        "CreateCustomKeyStore",
                        r#"{"CustomKeyStoreName":"a","KeyStorePassword":"password",
                        "XksProxyAuthenticationCredential":{"AccessKeyId":"ABCDEFGHIJKLMNOPQRST",
                        "RawSecretAccessKey":"secret"}}"#,
                    ),
                ),
                (
                    "ReEncrypt",
                    input(
                        "ReEncrypt",
                        r#"{"CiphertextBlob":"AA==","DestinationKeyId":"alias/a",
                        "SourceEncryptionContext":{"a":"b"},"GrantTokens":["token"]}"#,
                    ),
                ),
                (
                    "ImportKeyMaterial",
                    input(
                        "ImportKeyMaterial",
                        r#"{"KeyId":"alias/a","ImportToken":"AA==","EncryptedKeyMaterial":"AA==",
                        "ValidTo":1790000000.5,"ExpirationModel":"KEY_MATERIAL_EXPIRES"}"#,
                    ),
                ),
                (
                    "Verify",
                    input(
                        "Verify",
                        r#"{"KeyId":"alias/a","Message":"AA==","Signature":"AA==",
                        "SigningAlgorithm":"ECDSA_SHA_256"}"#,
                    ),
                ),
                (
                    "GenerateRandom",
                    input(
                        "GenerateRandom",
                        r#"{"NumberOfBytes":8,"Recipient":{"AttestationDocument":"AA==",
                        "KeyEncryptionAlgorithm":"RSAES_OAEP_SHA_256"}}"#,
                    ),
                ),
                (
                    "RetireGrant",
                    input("RetireGrant", r#"{"GrantToken":"token"}"#),
                ),
            ],
        );
    }
}
