//! Callers who have to prove who they are, on both wires.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use http::Request;
use meridian_api::Authentication;
use meridian_iam::signature::{Signature, SignedRequest, amz_date};
use meridian_iam::{AccessKey, Directory, Identity, Principal, Session};
use meridian_proto::v1;
use meridian_proto::v1::key_management_client::KeyManagementClient;
use prost::Message as _;
use tonic::transport::Endpoint;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tower::ServiceExt as _;
use zeroize::Zeroizing;

use crate::cluster::{FakeCluster, answer, cluster};
use crate::ports;

const ANN: &str = "arn:aws:iam::111122223333:user/ann";
const NOW_MS: i64 = 1_790_000_000_000;
const PATH: &str = "/meridian.v1.KeyManagement/Encrypt";
const SIGNED_HEADERS: &str = "host;x-amz-date;x-amz-target";

fn add(directory: &mut Directory, id: &str, session: Option<Session>) {
    let principal = Principal::parse(ANN).unwrap();
    let identity = directory.add(Identity {
        principal,
        policies: Vec::new(),
    });
    let secret = Zeroizing::new(format!("secret of {id}"));
    let key = AccessKey::new(identity, secret, session);
    assert!(directory.add_access_key(id, key));
}

/// `AKIDANN` lasts; `ASIAANN` has a token; `ASIAOLD` is over.
fn enforced() -> (Arc<FakeCluster>, meridian_api::Port) {
    let mut directory = Directory::new();
    let session = |expires_ms| {
        Some(Session {
            token: Zeroizing::new("token".into()),
            expires_ms,
        })
    };
    add(&mut directory, "AKIDANN", None);
    add(&mut directory, "ASIAANN", session(None));
    add(&mut directory, "ASIAOLD", session(Some(NOW_MS)));
    let cluster = cluster(&["eu-west-1", "us-east-1"], answer);
    let port = cluster.front_for(Authentication::Enforced {
        directory: Arc::new(directory),
        now_ms: || NOW_MS,
    });
    (cluster, port)
}

/// What a client puts into an Authorization header.
struct Client<'a> {
    access_key_id: &'a str,
    secret: &'a str,
    region: &'a str,
    at_ms: i64,
}

const RIGHT: Client<'static> = Client {
    access_key_id: "AKIDANN",
    secret: "secret of AKIDANN",
    region: "eu-west-1",
    at_ms: NOW_MS,
};

impl Client<'_> {
    fn authorization(&self, signed_headers: &str, request: &SignedRequest<'_>) -> String {
        let date = amz_date(self.at_ms);
        let (day, region) = (&date[..8], self.region);
        let unsigned = Signature {
            date: day,
            region,
            service: "kms",
            signed_headers,
            signature: "",
        };
        unsigned.authorization(request, (self.access_key_id, self.secret.as_bytes()))
    }

    /// An Encrypt in AWS JSON.
    fn post(&self, token: Option<&str>) -> Request<Body> {
        let body = r#"{"KeyId":"alias/a","Plaintext":"aGVsbG8="}"#;
        let date = amz_date(self.at_ms);
        let mut headers: Vec<(&str, &[u8])> = vec![
            ("host", b"kms.example"),
            ("x-amz-date", date.as_bytes()),
            ("x-amz-target", b"TrentService.Encrypt"),
        ];
        let mut signed = SIGNED_HEADERS.to_owned();
        if let Some(token) = token {
            headers.push(("x-amz-security-token", token.as_bytes()));
            signed = "host;x-amz-date;x-amz-security-token;x-amz-target".into();
        }
        let signing = SignedRequest {
            method: "POST",
            path: "/",
            query: "",
            headers: &headers,
            body: body.as_bytes(),
        };
        let mut request = Request::post("/").header("content-type", "application/x-amz-json-1.1");
        for (name, value) in &headers {
            request = request.header(*name, *value);
        }
        let authorization = self.authorization(&signed, &signing);
        request
            .header("authorization", authorization)
            .body(body.into())
            .unwrap()
    }
}

async fn refused(request: Request<Body>) -> String {
    let (cluster, port) = enforced();
    let answer = port.oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 400);
    let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    assert!(cluster.calls("eu-west-1").is_empty());
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn a_signed_request_is_its_signers() {
    let (cluster, port) = enforced();
    let answer = port.oneshot(RIGHT.post(None)).await.unwrap();
    assert_eq!(answer.status(), 200);
    let (caller, operation) = cluster.calls("eu-west-1").remove(0);
    assert_eq!(operation, "Encrypt");
    assert_eq!(caller.principal, ANN);
    assert_eq!(caller.account.to_string(), "111122223333");
}

#[tokio::test]
async fn a_request_of_nobody_is_refused() {
    let stranger = Client {
        access_key_id: "AKIDNOBODY",
        ..RIGHT
    };
    assert_eq!(
        refused(stranger.post(None)).await,
        r#"{"__type":"UnrecognizedClientException","message":"The security token included in the request is invalid."}"#
    );
    let mut unsigned = RIGHT.post(None);
    unsigned.headers_mut().remove("authorization");
    assert_eq!(
        refused(unsigned).await,
        r#"{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}"#
    );
}

#[tokio::test]
async fn another_secret_or_a_changed_request_is_refused() {
    let mismatch = r#"{"__type":"InvalidSignatureException","message":"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}"#;
    let guess = Client {
        secret: "guess",
        ..RIGHT
    };
    assert_eq!(refused(guess.post(None)).await, mismatch);
    let mut changed = RIGHT.post(None);
    let target = "TrentService.Decrypt".parse().unwrap();
    changed.headers_mut().insert("x-amz-target", target);
    assert_eq!(refused(changed).await, mismatch);
    let (head, _) = RIGHT.post(None).into_parts();
    let changed = Request::from_parts(head, r#"{"KeyId":"alias/b"}"#.into());
    assert_eq!(refused(changed).await, mismatch);
}

#[tokio::test]
async fn an_old_signature_is_refused() {
    let old = Client {
        at_ms: NOW_MS - 6 * 60_000,
        ..RIGHT
    };
    let answer = refused(old.post(None)).await;
    let begin = r#"{"__type":"InvalidSignatureException","message":"Signature expired: 2026"#;
    assert!(answer.starts_with(begin), "{answer}");
}

#[tokio::test]
async fn a_temporary_credential_comes_with_its_token() {
    let temporary = Client {
        access_key_id: "ASIAANN",
        secret: "secret of ASIAANN",
        ..RIGHT
    };
    let (_, port) = enforced();
    let answer = port.oneshot(temporary.post(Some("token"))).await.unwrap();
    assert_eq!(answer.status(), 200);
    for token in [None, Some("another")] {
        let answer = refused(temporary.post(token)).await;
        assert!(answer.contains("UnrecognizedClientException"), "{answer}");
    }
    let over = Client {
        access_key_id: "ASIAOLD",
        secret: "secret of ASIAOLD",
        ..RIGHT
    };
    assert_eq!(
        refused(over.post(Some("token"))).await,
        r#"{"__type":"ExpiredTokenException","message":"The security token included in the request is expired"}"#
    );
}

/// An Encrypt over gRPC, of which other bytes may have been signed.
async fn encrypt(
    port: meridian_api::Port,
    client: &Client<'_>,
    signed: &v1::EncryptRequest,
    entries: &[(&'static str, &str)],
) -> Result<(), Status> {
    let address = ports::serve_on(port).await;
    let endpoint = Endpoint::try_from(format!("http://{address}")).unwrap();
    let mut grpc = KeyManagementClient::new(endpoint.connect().await.unwrap());
    let (date, host) = (amz_date(client.at_ms), address.to_string());
    let authorization = client.authorization(
        "host;x-amz-date",
        &SignedRequest {
            method: "POST",
            path: PATH,
            query: "",
            headers: &[("host", host.as_bytes()), ("x-amz-date", date.as_bytes())],
            body: &signed.encode_to_vec(),
        },
    );
    let mut request = tonic::Request::new(message("alias/a"));
    let own = [
        ("authorization", authorization.as_str()),
        ("x-amz-date", &date),
    ];
    for (name, value) in own.iter().chain(entries) {
        request.metadata_mut().insert(*name, value.parse().unwrap());
    }
    grpc.encrypt(request).await.map(|_| ())
}

fn message(key_id: &str) -> v1::EncryptRequest {
    v1::EncryptRequest {
        key_id: Some(key_id.into()),
        plaintext: Some("hello".into()),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_signed_call_is_its_signers_in_the_region_of_the_signature() {
    let (cluster, port) = enforced();
    encrypt(port, &RIGHT, &message("alias/a"), &[])
        .await
        .unwrap();
    let (caller, _) = cluster.calls("eu-west-1").remove(0);
    assert_eq!(caller.principal, ANN);
}

#[tokio::test]
async fn a_call_that_was_signed_otherwise_is_refused() {
    let reason = |status: &Status| status.get_details_error_info().unwrap().reason;
    let (cluster, port) = enforced();
    let status = encrypt(port, &RIGHT, &message("alias/b"), &[])
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(reason(&status), "InvalidSignatureException");
    assert_eq!(
        cluster.log.entries(),
        [(String::new(), "Encrypt", "InvalidSignatureException")]
    );
    let elsewhere = [("x-meridian-region", "us-east-1")];
    let (cluster, port) = enforced();
    let status = encrypt(port, &RIGHT, &message("alias/a"), &elsewhere).await;
    assert_eq!(reason(&status.unwrap_err()), "ValidationException");
    assert!(cluster.calls("us-east-1").is_empty());
}

#[tokio::test]
async fn an_account_in_the_metadata_is_nobodys_proof() {
    let (_, port) = enforced();
    let address = ports::serve_on(port).await;
    let endpoint = Endpoint::try_from(format!("http://{address}")).unwrap();
    let mut grpc = KeyManagementClient::new(endpoint.connect().await.unwrap());
    let mut request = tonic::Request::new(message("alias/a"));
    let account = "111122223333".parse().unwrap();
    request.metadata_mut().insert("x-meridian-account", account);
    let status = grpc.encrypt(request).await.unwrap_err();
    assert_eq!(status.message(), "Missing Authentication Token");
}

#[tokio::test]
async fn no_content_type_leads_past_the_signature() {
    let paths = [PATH, "/meridian.v1.KeySets/WatchKeySet"];
    for content_type in [
        "application/grpc",
        "application/json",
        "",
        "Application/gRPC",
    ] {
        for path in paths {
            let frame = [&[0, 0, 0, 0, 2][..], b"\n\0"].concat();
            let request = Request::post(path)
                .header("content-type", content_type)
                .header("x-meridian-region", "eu-west-1")
                .header("x-meridian-account", "111122223333")
                .body(Body::from(frame))
                .unwrap();
            let (cluster, port) = enforced();
            let answer = port.oneshot(request).await.unwrap();
            let status = Status::from_header_map(answer.headers()).unwrap();
            assert_eq!(
                status.code(),
                Code::Unauthenticated,
                "{content_type} {path}"
            );
            assert!(cluster.calls("eu-west-1").is_empty());
        }
    }
}

#[tokio::test]
async fn a_refused_call_is_recorded_under_the_id_that_it_was_answered_with() {
    let (cluster, port) = enforced();
    let status = encrypt(port, &RIGHT, &message("alias/b"), &[])
        .await
        .unwrap_err();
    let records = cluster.records();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["errorCode"], "InvalidSignatureException");
    assert_eq!(records[0]["eventName"], "Encrypt");
    let id = status.metadata().get("x-amzn-requestid").unwrap();
    assert_eq!(records[0]["requestID"], id.to_str().unwrap());
}

#[tokio::test]
async fn framing_that_is_not_that_of_the_signed_message_is_refused() {
    for (framing, why) in [
        ([1, 0, 0, 0, 2], "compressed"),
        ([0, 0, 0, 0, 1], "shorter"),
        ([0, 0, 0, 0, 3], "longer"),
    ] {
        let request = Request::post(PATH)
            .header("content-type", "application/grpc")
            .body(Body::from([&framing[..], b"\n\0"].concat()))
            .unwrap();
        let (_, port) = enforced();
        let answer = port.oneshot(request).await.unwrap();
        let status = Status::from_header_map(answer.headers()).unwrap();
        assert_eq!(
            status.message(),
            "The body must be one gRPC message, not compressed.",
            "{why}"
        );
    }
}
