//! What the proxy of an external key store answers: a line with the question it
//! answers and the HTTP status, then the body.
//!
//! Whatever it says, KMS is never at fault. A proxy can spoil a ciphertext, but
//! none makes Decrypt answer with another plaintext than what was encrypted.

use std::cell::RefCell;

use bytes::Bytes;
use meridian_crypto::Proxied;
use meridian_kms::{ErrorCode, Inquiry, Plan, ProxyAnswer, ProxyQuestion, Request, Response, Told};
use meridian_proto::v1::*;

use crate::fixture::TestRegion;

const PLAINTEXT: &[u8] = b"hello";

/// A region that asks a proxy.
struct Asking {
    us: TestRegion,
    store: String,
    key: String,
    blob: Bytes,
}

thread_local! {
    static ASKING: RefCell<Asking> = RefCell::new(Asking::new());
}

pub(crate) fn run(bytes: &[u8]) -> Option<()> {
    let at = bytes.iter().position(|byte| *byte == b'\n')?;
    let (what, status) = std::str::from_utf8(&bytes[..at]).ok()?.split_once(' ')?;
    let answer = ProxyAnswer::Responded {
        status: status.parse().ok()?,
        body: bytes[at + 1..].to_vec(),
    };
    ASKING.with_borrow_mut(|asking| {
        let request = asking.request(what)?;
        let question = asking.question(&request);
        asking.check(&request, Told { question, answer })
    })
}

impl Asking {
    fn new() -> Asking {
        let mut us = TestRegion::new("us-east-1");
        let (store, key) = us.create_external_key().expect("a key of a proxy");
        let encrypted = us.call(EncryptRequest {
            key_id: Some(key.clone()),
            plaintext: Some(PLAINTEXT.into()),
            ..Default::default()
        });
        let blob = encrypted.ok().and_then(|it| it.ciphertext_blob);
        Asking {
            us,
            store,
            key,
            blob: blob.expect("the proxy works"),
        }
    }

    /// A request that asks the proxy this.
    fn request(&self, what: &str) -> Option<Request> {
        Some(match what {
            "encrypt" => Request::Encrypt(EncryptRequest {
                key_id: Some(self.key.clone()),
                plaintext: Some(PLAINTEXT.into()),
                ..Default::default()
            }),
            "decrypt" => Request::Decrypt(DecryptRequest {
                ciphertext_blob: Some(self.blob.clone()),
                ..Default::default()
            }),
            "metadata" => Request::CreateKey(CreateKeyRequest {
                origin: Some("EXTERNAL_KEY_STORE".into()),
                custom_key_store_id: Some(self.store.clone()),
                xks_key_id: Some("another".into()),
                ..Default::default()
            }),
            "health" => Request::CreateCustomKeyStore(CreateCustomKeyStoreRequest {
                custom_key_store_name: Some("another".into()),
                custom_key_store_type: Some("EXTERNAL_KEY_STORE".into()),
                xks_proxy_connectivity: Some("PUBLIC_ENDPOINT".into()),
                xks_proxy_uri_endpoint: Some("https://another.example.com".into()),
                xks_proxy_uri_path: Some("/acme/kms/xks/v1".into()),
                xks_proxy_authentication_credential: Some(XksProxyAuthenticationCredential {
                    access_key_id: Some("ABCDEFGHIJKLMNOPQRST".into()),
                    raw_secret_access_key: Some("secret".repeat(8)),
                }),
                ..Default::default()
            }),
            _ => return None,
        })
    }

    fn question(&mut self, request: &Request) -> ProxyQuestion {
        match self.us.plan(request, None) {
            Ok(Plan::Ask(Inquiry::Proxy(question))) => *question,
            Ok(_) | Err(_) => panic!("the proxy is asked first"),
        }
    }

    /// Nothing if the answer was not good enough.
    fn check(&mut self, request: &Request, told: Told) -> Option<()> {
        match self.us.plan_told(request, None, &[told]) {
            Ok(Plan::Reply(Response::Encrypt(answer))) => {
                let blob = answer.ciphertext_blob.expect("it answers with a blob");
                let proxied = Proxied::parse(&blob).expect("its format is read");
                assert_eq!(proxied.key_id.to_string(), self.key);
                assert_eq!(proxied.encode(), blob);
            }
            Ok(Plan::Reply(Response::Decrypt(answer))) => {
                assert_eq!(answer.plaintext.as_deref(), Some(PLAINTEXT));
            }
            Ok(Plan::Commit(_)) => {}
            Ok(_) => panic!("one answer is enough"),
            Err(error) => {
                let ours = ErrorCode::KMSInternalException;
                assert!(error.code != ours, "{error}");
                return None;
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::proxies::shifting;

    #[test]
    fn the_corpus_has_an_answer_to_every_question() {
        let mut asking = Asking::new();
        let mut answered = |what: &str| {
            let request = asking.request(what).unwrap();
            let mut question = asking.question(&request);
            question.path = question.path.replace("/another/", "/external/");
            let ProxyAnswer::Responded { status, body } = shifting(&question) else {
                panic!("it answers");
            };
            [format!("{what} {status}\n").as_bytes(), &body].concat()
        };
        let made = ["encrypt", "decrypt", "metadata", "health"].map(|what| (what, answered(what)));
        crate::corpus::holds("xks_answer", &made);
        let error = |name: &str| format!("encrypt 400\n{{\"errorName\":\"{name}\"}}").into_bytes();
        crate::corpus::holds(
            "xks_answer",
            &[
                ("refused_throttling", error("ThrottlingException")),
                ("refused_not_found", error("KeyNotFoundException")),
                ("refused_page", b"health 200\n<html>".to_vec()),
                ("refused_list", b"health 200\n[]".to_vec()),
            ],
        );
    }
}
