//! A signed request, as far as its signature is concerned: lines of the target,
//! of each header, an empty one, and the body. The front door verifies it with
//! the one access key that it knows.
//!
//! Whatever the lines say, the answer is one of AWS's. A request that passes
//! does not pass with another body, and any request passes once it is signed
//! with the right secret.

use std::cell::RefCell;
use std::io;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use futures::executor::block_on;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt as _};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri};
use meridian_api::{
    Auditor, Authentication, CallError, Cluster, Front, Kms, Observer, Port, Scope,
};
use meridian_iam::signature::{Signature, SignedRequest, amz_date};
use meridian_iam::{AccessKey, Directory, Identity, Principal};
use meridian_kms::{Caller, RegionName, Response};
use meridian_proto::v1::KeySetState;
use tower::Service as _;
use zeroize::Zeroizing;

const REGION: &str = "us-east-1";
const ACCESS_KEY_ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "a secret that is none";
/// 2026-01-01.
const NOW_MS: i64 = 1_767_225_600_000;
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// What a wrong or missing signature is answered with.
const UNAUTHENTICATED: [&str; 5] = [
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "UnrecognizedClientException",
];

/// A region that answers everything with nothing.
struct Silent;

impl Kms for Silent {
    fn call(
        &self,
        _: Caller,
        request: meridian_kms::Request,
    ) -> BoxFuture<'_, Result<Response, CallError>> {
        let response = Response::decode_proto(request.operation(), Bytes::new());
        let response = response.expect("no bytes are a message without members");
        Box::pin(std::future::ready(Ok(response)))
    }

    fn watch_key_set(
        &self,
        _: Caller,
        _: String,
    ) -> BoxStream<'static, Result<KeySetState, CallError>> {
        futures::stream::empty().boxed()
    }
}

impl Cluster for Silent {
    fn region(&self, name: &str) -> Option<(RegionName, Arc<dyn Kms>)> {
        (name == REGION).then(|| (name.parse().expect("it is one"), Arc::new(Silent) as _))
    }

    fn regions(&self) -> Vec<String> {
        vec![REGION.into()]
    }
}

impl Observer for Silent {
    fn finished(&self, _: &str, _: &'static str, _: &'static str, _: Duration) {}
}

impl Auditor for Silent {
    fn ready(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, _: &str, record: &serde_json::Value) -> io::Result<()> {
        assert!(record["eventName"].is_string(), "{record}");
        SIGNATURE.with_borrow(|signature| {
            let shown = signature
                .as_ref()
                .is_some_and(|it| record.to_string().contains(it));
            assert!(!shown, "{record}");
        });
        Ok(())
    }
}

thread_local! {
    /// The right signature of the request under way, which no text that a fuzzer
    /// writes can contain by chance.
    static SIGNATURE: RefCell<Option<String>> = const { RefCell::new(None) };
}

static FRONT: LazyLock<Port> = LazyLock::new(|| {
    let mut directory = Directory::new();
    let arn = "arn:aws:iam::111122223333:user/ann";
    let identity = directory.add(Identity {
        principal: Principal::parse(arn).expect("a user's ARN"),
        policies: Vec::new(),
    });
    let key = AccessKey::new(identity, Zeroizing::new(SECRET.into()), None);
    directory.add_access_key(ACCESS_KEY_ID, key);
    let front = Front {
        cluster: Arc::new(Silent),
        scope: Scope::Cluster,
        authentication: Authentication::Enforced {
            directory: Arc::new(directory),
            now_ms: || NOW_MS,
        },
        throttle: None,
        observer: Arc::new(Silent),
        auditor: Some(Arc::new(Silent)),
    };
    front.port(Router::new())
});

/// A request as it was written down.
#[derive(Clone)]
struct Written {
    uri: Uri,
    headers: HeaderMap,
    body: Vec<u8>,
}

pub(crate) fn run(bytes: &[u8]) -> Option<()> {
    let mut written = Written::read(bytes)?;
    let passed = written.passes();
    if passed {
        let mut altered = written.clone();
        altered.body.push(b' ');
        assert!(!altered.passes(), "the body is signed");
    }
    SIGNATURE.set(Some(written.sign()));
    assert!(written.passes(), "whoever knows the secret can sign");
    SIGNATURE.set(None);
    passed.then_some(())
}

impl Written {
    fn read(bytes: &[u8]) -> Option<Written> {
        let (target, mut rest) = line(bytes)?;
        let mut headers = HeaderMap::new();
        loop {
            let (header, after) = line(rest)?;
            rest = after;
            if header.is_empty() {
                break;
            }
            let at = header.iter().position(|byte| *byte == b':')?;
            let name = HeaderName::from_bytes(&header[..at]).ok()?;
            let value = HeaderValue::from_bytes(header[at + 1..].trim_ascii()).ok()?;
            headers.try_append(name, value).ok()?;
        }
        // How long the body is, is for the HTTP stack to say.
        headers.remove(CONTENT_LENGTH);
        Some(Written {
            uri: Uri::try_from(target).ok()?,
            headers,
            body: rest.to_vec(),
        })
    }

    /// Sends it; whether its signature was in order.
    fn passes(&self) -> bool {
        let mut request = Request::post(self.uri.clone())
            .body(Body::from(self.body.clone()))
            .expect("its parts are in order");
        *request.headers_mut() = self.headers.clone();
        let answer = block_on(FRONT.clone().call(request)).expect("a router does not fail");
        let status = answer.status();
        assert!(!status.is_server_error(), "{status}");
        let body = block_on(to_bytes(answer.into_body(), usize::MAX)).expect("it ends");
        if self.uri.path() != "/" {
            // gRPC, which a corpus cannot be signed for: its body is framed.
            return false;
        }
        if status == StatusCode::OK {
            return true;
        }
        let answer: serde_json::Value = serde_json::from_slice(&body).expect("an error is JSON");
        let code = answer["__type"].as_str().expect("an error has a code");
        // Who asks for nothing that exists is not asked who it is.
        !UNAUTHENTICATED.contains(&code) && code != "UnknownOperationException"
    }

    /// Makes it an AWS JSON request with the signature that it should have; all
    /// that it says besides stays, and is signed. Gives the signature.
    fn sign(&mut self) -> String {
        let query = self.uri.query().unwrap_or_default().to_owned();
        self.uri = Uri::try_from(format!("/?{query}")).expect("it was a query before");
        let date = amz_date(NOW_MS);
        for (name, value) in [
            (CONTENT_TYPE, "application/x-amz-json-1.1"),
            (TARGET, "TrentService.GenerateRandom"),
            (HOST, "kms.us-east-1.amazonaws.com"),
            (DATE, &date),
        ] {
            let value = HeaderValue::from_str(value).expect("it is ASCII");
            self.headers.insert(name, value);
        }
        self.headers.remove(AUTHORIZATION);
        self.headers.remove(TOKEN);
        let mut names: Vec<&str> = self.headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        let signed_headers = names.join(";");
        let headers: Vec<(&str, &[u8])> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        let request = SignedRequest {
            method: "POST",
            path: "/",
            query: &query,
            headers: &headers,
            body: &self.body,
        };
        let unsigned = Signature {
            date: &date[..8],
            region: REGION,
            service: "kms",
            signed_headers: &signed_headers,
            signature: "",
        };
        let value = unsigned.authorization(&request, (ACCESS_KEY_ID, SECRET.as_bytes()));
        let (_, signature) = value.rsplit_once('=').expect("it ends in the signature");
        let signature = signature.to_owned();
        let value = HeaderValue::from_str(&value).expect("names and digits are ASCII");
        self.headers.insert(AUTHORIZATION, value);
        signature
    }

    /// What [`Written::read`] reads.
    #[cfg(test)]
    fn write(&self) -> Vec<u8> {
        let mut out = format!("{}\n", self.uri).into_bytes();
        for (name, value) in &self.headers {
            out.extend_from_slice(name.as_str().as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value.as_bytes());
            out.push(b'\n');
        }
        out.push(b'\n');
        out.extend_from_slice(&self.body);
        out
    }
}

fn line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((&bytes[..at], &bytes[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(text: &str) -> Vec<u8> {
        let mut written = Written::read(text.as_bytes()).unwrap();
        written.sign();
        written.write()
    }

    #[test]
    fn the_corpus_has_signed_requests() {
        let plain = signed("/\n\n{\"NumberOfBytes\":32}");
        let strange = signed("/?b=%20x&a=1&a\nx-amz-meta: a  b\nx-amz-meta: c\n\n{}");
        let text = String::from_utf8(plain.clone()).unwrap();
        let grpc = text.replacen('/', "/meridian.v1.KeyManagement/GenerateRandom", 1);
        let grpc = grpc.replace("application/x-amz-json-1.1", "application/grpc");
        let late = text.replace("20260101T000000Z", "20260101T001000Z");
        let unsigned = text.replace("host;", "");
        crate::corpus::holds(
            "authorization",
            &[
                ("plain", plain),
                ("strange", strange),
                ("refused_grpc", grpc.into()),
                ("refused_late", late.into()),
                ("refused_unsigned_host", unsigned.into()),
            ],
        );
    }
}
