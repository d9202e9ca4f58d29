//! AWS JSON 1.1.

use axum::body::{Body, to_bytes};
use http::{HeaderMap, Request, StatusCode};
use meridian_api::CallError;
use meridian_api::Port;
use meridian_kms::{ErrorCode, KmsError, Operation};
use tower::ServiceExt;

use crate::cluster::{FakeCluster, answer, cluster, throttled};

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// A signed request for an operation, in the words of the AWS CLI.
pub fn signed(region: &str, operation: &str, body: impl Into<Body>) -> Request<Body> {
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260405/{region}/kms/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=00ff"
    );
    Request::post("/")
        .header("content-type", CONTENT_TYPE)
        .header("x-amz-target", format!("TrentService.{operation}"))
        .header("authorization", authorization)
        .body(body.into())
        .unwrap()
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

pub async fn send(port: Port, request: Request<Body>) -> Answer {
    let (head, body) = port.oneshot(request).await.unwrap().into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    Answer {
        status: head.status,
        headers: head.headers,
        body,
    }
}

fn one_region() -> std::sync::Arc<FakeCluster> {
    cluster(&["eu-west-1"], answer)
}

async fn refused(request: Request<Body>) -> (u16, String) {
    let cluster = one_region();
    let answer = send(cluster.front(), request).await;
    assert!(
        cluster.calls("eu-west-1").is_empty(),
        "a refused request must not reach the region"
    );
    assert_eq!(answer.headers["content-type"], CONTENT_TYPE);
    assert_eq!(answer.headers["x-meridian-definite"], "true");
    (answer.status.as_u16(), answer.body)
}

fn without(mut request: Request<Body>, header: &str) -> Request<Body> {
    request.headers_mut().remove(header).unwrap();
    request
}

fn with(mut request: Request<Body>, header: &'static str, value: &str) -> Request<Body> {
    request.headers_mut().insert(header, value.parse().unwrap());
    request
}

#[tokio::test]
async fn a_response_with_members_is_a_json_object() {
    let body = r#"{"KeyId":"alias/a","Plaintext":"aGVsbG8=","Unknown":[1]}"#;
    let answer = send(one_region().front(), signed("eu-west-1", "Encrypt", body)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], CONTENT_TYPE);
    let request_id = answer.headers["x-amzn-requestid"].to_str().unwrap();
    assert_eq!(
        uuid::Uuid::parse_str(request_id).unwrap().get_version_num(),
        4
    );
    let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let expected = serde_json::json!({
        "KeyId": "alias/a",
        "CiphertextBlob": "aGVsbG8=",
        "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
    });
    assert_eq!(json, expected);
}

#[tokio::test]
async fn the_operations_without_output_answer_with_an_empty_body() {
    let expected = [
        "CreateAlias",
        "DeleteAlias",
        "DisableKey",
        "DisableKeyRotation",
        "EnableKey",
        "EnableKeyRotation",
        "PutKeyPolicy",
        "RetireGrant",
        "RevokeGrant",
        "TagResource",
        "UntagResource",
        "UpdateAlias",
        "UpdateKeyDescription",
        "UpdatePrimaryRegion",
    ];
    let body = r#"{"KeyId":"k","AliasName":"alias/a","TargetKeyId":"k","Description":"d",
        "PrimaryRegion":"eu-west-1","ReplicaRegion":"eu-west-1","Plaintext":"YQ==",
        "CiphertextBlob":"YQ==","WrappingAlgorithm":"RSAES_OAEP_SHA_256",
        "WrappingKeySpec":"RSA_2048","ImportToken":"YQ==","EncryptedKeyMaterial":"YQ==",
        "DestinationKeyId":"k","Message":"YQ==","SigningAlgorithm":"ECDSA_SHA_256",
        "Signature":"YQ==","MacAlgorithm":"HMAC_SHA_256","Mac":"YQ==",
        "KeyAgreementAlgorithm":"ECDH","PublicKey":"YQ==","KeyPairSpec":"RSA_2048",
        "EncapsulationAlgorithm":"ML_KEM","SharedSecretCiphertextBlob":"YQ==",
        "Tags":[{"TagKey":"k","TagValue":"v"}],"TagKeys":["k"],"Policy":"{}",
        "GranteePrincipal":"p","Operations":["Encrypt"],"GrantId":"g",
        "CustomKeyStoreName":"s","CustomKeyStoreId":"cks-1"}"#;
    let mut empty = Vec::new();
    for operation in Operation::ALL {
        let request = signed("eu-west-1", operation.name(), body);
        let answer = send(one_region().front(), request).await;
        assert_eq!(answer.status, 200, "{operation:?}: {}", answer.body);
        if answer.body.is_empty() {
            assert_eq!(answer.headers["content-length"], "0");
            empty.push(operation.name());
        }
    }
    empty.sort();
    assert_eq!(empty, expected);
}

#[tokio::test]
async fn the_region_is_told_who_calls_and_under_which_id() {
    let cluster = one_region();
    let answer = send(cluster.front(), signed("eu-west-1", "ListKeys", "{}")).await;
    let (caller, operation) = cluster.calls("eu-west-1").remove(0);
    assert_eq!(operation, "ListKeys");
    assert_eq!(caller.account.to_string(), "000000000000");
    assert_eq!(
        caller.principal,
        "arn:aws:iam::000000000000:user/AKIDEXAMPLE"
    );
    assert_eq!(
        caller.request_id,
        answer.headers["x-amzn-requestid"].to_str().unwrap()
    );
}

#[tokio::test]
async fn what_is_not_an_operation_is_unknown() {
    let list = || signed("eu-west-1", "ListKeys", "{}");
    let mut get = list();
    *get.method_mut() = http::Method::GET;
    let mut elsewhere = list();
    *elsewhere.uri_mut() = "/keys".parse().unwrap();
    for request in [
        get,
        elsewhere,
        without(list(), "x-amz-target"),
        without(list(), "content-type"),
        with(list(), "content-type", "application/x-amz-json-1.0"),
        with(list(), "x-amz-target", "TrentService.listkeys"),
        with(list(), "x-amz-target", "TrentService.Sing"),
        with(list(), "x-amz-target", "ListKeys"),
    ] {
        let expected = r#"{"__type":"UnknownOperationException"}"#.to_owned();
        assert_eq!(refused(request).await, (400, expected));
    }
}

#[tokio::test]
async fn a_content_type_may_have_parameters() {
    let content_type = "Application/X-Amz-Json-1.1; charset=utf-8";
    let request = with(
        signed("eu-west-1", "ListKeys", "{}"),
        "content-type",
        content_type,
    );
    assert_eq!(send(one_region().front(), request).await.status, 200);
}

#[tokio::test]
async fn a_body_over_one_mebibyte_is_too_large() {
    let expected = (
        413,
        r#"{"__type":"RequestEntityTooLargeException"}"#.to_owned(),
    );
    let body = vec![b' '; (1 << 20) + 1];
    let told = with(
        signed("eu-west-1", "ListKeys", body.clone()),
        "content-length",
        "1048577",
    );
    assert_eq!(refused(told).await, expected);
    assert_eq!(
        refused(signed("eu-west-1", "ListKeys", body)).await,
        expected
    );
}

#[tokio::test]
async fn a_body_of_one_mebibyte_is_read() {
    let mut body = vec![b' '; (1 << 20) - 2];
    body.extend(b"{}");
    let answer = send(one_region().front(), signed("eu-west-1", "ListKeys", body)).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_request_that_nobody_signed_lacks_its_token() {
    let expected = r#"{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}"#;
    let unsigned = || without(signed("eu-west-1", "ListKeys", "{}"), "authorization");
    let mut presigned = unsigned();
    let query = "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00";
    *presigned.uri_mut() = query.parse().unwrap();
    for request in [unsigned(), presigned] {
        assert_eq!(refused(request).await, (400, expected.to_owned()));
    }
}

#[tokio::test]
async fn a_broken_authorization_header_is_told_what_it_lacks() {
    let list = signed("eu-west-1", "ListKeys", "{}");
    let header =
        "AWS4-HMAC-SHA256 Credential=a/20260405/eu-west-1/kms/aws4_request, SignedHeaders=host";
    let expected = r#"{"__type":"IncompleteSignatureException","message":"Authorization header requires 'Signature' parameter."}"#;
    assert_eq!(
        refused(with(list, "authorization", header)).await,
        (400, expected.to_owned())
    );
}

#[tokio::test]
async fn a_credential_for_a_region_that_does_not_exist_is_refused() {
    let expected = r#"{"__type":"InvalidSignatureException","message":"Credential should be scoped to a valid region."}"#;
    let request = signed("us-east-1", "ListKeys", "{}");
    assert_eq!(refused(request).await, (400, expected.to_owned()));
}

#[tokio::test]
async fn each_request_reaches_the_region_of_its_credential() {
    let cluster = cluster(&["eu-west-1", "us-east-1"], answer);
    send(cluster.front(), signed("us-east-1", "ListKeys", "{}")).await;
    assert_eq!(cluster.calls("us-east-1").len(), 1);
    assert!(cluster.calls("eu-west-1").is_empty());
}

#[tokio::test]
async fn the_port_of_a_region_refuses_another_one() {
    let cluster = cluster(&["eu-west-1", "us-east-1"], answer);
    let port = cluster.front_of("eu-west-1");
    let own = send(port.clone(), signed("eu-west-1", "ListKeys", "{}")).await;
    assert_eq!(own.status, 200);
    let other = send(port, signed("us-east-1", "ListKeys", "{}")).await;
    assert!(
        other.body.contains("scoped to a valid region"),
        "{}",
        other.body
    );
    assert!(cluster.calls("us-east-1").is_empty());
}

#[tokio::test]
async fn broken_json_has_no_text_and_a_wrong_type_has_one() {
    let expected = (400, r#"{"__type":"SerializationException"}"#.to_owned());
    for body in [
        "",
        "{",
        "nonsense",
        "{} {}",
        r#""text""#,
        r#"{"KeyId":"\ud800"}"#,
    ] {
        assert_eq!(
            refused(signed("eu-west-1", "DescribeKey", body)).await,
            expected,
            "{body}"
        );
    }
    let deep = "[".repeat(10_000);
    assert_eq!(
        refused(signed("eu-west-1", "DescribeKey", deep)).await,
        expected
    );
    let (status, body) = refused(signed("eu-west-1", "DescribeKey", r#"{"KeyId":7}"#)).await;
    assert_eq!(status, 400);
    let text = "NUMBER_VALUE can not be converted to a String";
    assert_eq!(
        body,
        format!(r#"{{"__type":"SerializationException","message":"{text}"}}"#)
    );
}

#[tokio::test]
async fn all_violations_of_the_model_come_at_once() {
    let body =
        r#"{"KeySpec":"AES_512","RotationPeriodInDays":1,"Tags":[{"TagKey":"","TagValue":"v"}]}"#;
    let (status, body) = refused(signed("eu-west-1", "CreateKey", body)).await;
    assert_eq!(status, 400);
    let json: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(json["__type"], "ValidationException");
    let message = json["message"].as_str().unwrap();
    assert!(message.starts_with("2 validation errors detected: Value 'AES_512' at 'keySpec' failed to satisfy constraint: Member must satisfy enum value set: ["), "{message}");
    assert!(message.ends_with("; Value '' at 'tags.1.member.tagKey' failed to satisfy constraint: Member must have length greater than or equal to 1"), "{message}");

    let expected = r#"{"__type":"ValidationException","message":"1 validation error detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null"}"#;
    let request = signed("eu-west-1", "DescribeKey", "{}");
    assert_eq!(refused(request).await, (400, expected.to_owned()));
}

#[tokio::test]
async fn checks_come_in_the_order_of_transport_authorization_types_constraints() {
    let code = async |request| {
        let (_, body) = refused(request).await;
        let json: serde_json::Value = serde_json::from_str(&body).unwrap();
        json["__type"].as_str().unwrap().to_owned()
    };
    let broken = r#"{"KeyId":7,"GrantTokens":["","",""]}"#;
    let unsigned = || without(signed("eu-west-1", "DescribeKey", broken), "authorization");
    let untargeted = without(unsigned(), "x-amz-target");
    assert_eq!(code(untargeted).await, "UnknownOperationException");
    assert_eq!(
        code(unsigned()).await,
        "MissingAuthenticationTokenException"
    );
    let typed = signed("eu-west-1", "DescribeKey", broken);
    assert_eq!(code(typed).await, "SerializationException");
}

#[tokio::test]
async fn an_error_of_the_region_is_an_error_object() {
    let not_found = cluster(&["eu-west-1"], |_| {
        Err(KmsError::not_found("Alias \"x\" is not found.").into())
    });
    let answer = send(not_found.front(), signed("eu-west-1", "ListKeys", "{}")).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.headers["x-meridian-definite"], "true");
    assert!(answer.headers.contains_key("x-amzn-requestid"));
    let expected = r#"{"__type":"NotFoundException","message":"Alias \"x\" is not found."}"#;
    assert_eq!(answer.body, expected);

    let bare = cluster(&["eu-west-1"], |_| {
        Err(KmsError::bare(ErrorCode::InvalidCiphertextException).into())
    });
    let answer = send(bare.front(), signed("eu-west-1", "ListKeys", "{}")).await;
    assert_eq!(answer.body, r#"{"__type":"InvalidCiphertextException"}"#);
}

#[tokio::test]
async fn a_fault_of_the_cluster_says_whether_it_is_definite() {
    let late = cluster(&["eu-west-1"], |_| {
        Err(CallError::Timeout { definite: false })
    });
    let answer = send(late.front(), signed("eu-west-1", "ListKeys", "{}")).await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.headers["x-meridian-definite"], "false");
    assert!(
        answer
            .body
            .starts_with(r#"{"__type":"DependencyTimeoutException","#)
    );

    let leaderless = cluster(&["eu-west-1"], |_| Err(CallError::NoLeader));
    let answer = send(leaderless.front(), signed("eu-west-1", "ListKeys", "{}")).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.headers["x-meridian-definite"], "true");
}

#[tokio::test]
async fn every_request_is_observed_once_with_its_outcome() {
    let cluster = one_region();
    send(cluster.front(), signed("eu-west-1", "ListKeys", "{}")).await;
    send(cluster.front(), signed("eu-west-1", "DescribeKey", "{}")).await;
    send(cluster.front(), signed("us-east-1", "ListKeys", "{}")).await;
    send(cluster.front(), signed("eu-west-1", "Sing", "{}")).await;
    send(
        cluster.front_of("eu-west-1"),
        signed("eu-west-1", "Sing", "{}"),
    )
    .await;
    let entry = |region: &str, operation, outcome| (region.to_owned(), operation, outcome);
    let expected = [
        entry("eu-west-1", "ListKeys", "ok"),
        entry("eu-west-1", "DescribeKey", "ValidationException"),
        entry("", "ListKeys", "InvalidSignatureException"),
        entry("", "Unknown", "UnknownOperationException"),
        entry("eu-west-1", "Unknown", "UnknownOperationException"),
    ];
    assert_eq!(cluster.log.entries(), expected);
}

#[tokio::test]
async fn too_many_requests_are_refused_before_the_region_is_asked() {
    let cluster = throttled(one_region(), 1e-6);
    let request = || signed("eu-west-1", "CreateKey", "{}");
    assert_eq!(send(cluster.front(), request()).await.status, 200);
    let answer = send(cluster.front(), request()).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.body,
        r#"{"__type":"ThrottlingException","message":"You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls."}"#
    );
    assert_eq!(cluster.calls("eu-west-1").len(), 1);
    let invalid = signed("eu-west-1", "CreateKey", r#"{"Description": 7}"#);
    let answer = send(cluster.front(), invalid).await;
    assert!(
        answer.body.contains("SerializationException"),
        "{}",
        answer.body
    );
}
