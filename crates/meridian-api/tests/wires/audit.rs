//! The audit log: one CloudTrail record for each request, on both wires.

use meridian_api::CallError;
use meridian_kms::KmsError;
use meridian_proto::v1;
use serde_json::{Value, json};
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt as _;

use crate::aws_json::{send, signed};
use crate::cluster::{answer, audited_until, cluster};
use crate::grpc;

const ARN: &str = "arn:aws:kms:eu-west-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// The record of one request over AWS JSON, and the ID it was answered with.
async fn recorded(operation: &str, body: Value) -> (Value, String) {
    let cluster = cluster(&["eu-west-1"], answer);
    let mut request = signed("eu-west-1", operation, body.to_string());
    let headers = request.headers_mut();
    headers.insert("user-agent", "Boto3/1".parse().unwrap());
    let answer = send(cluster.front(), request).await;
    let [record] = <[Value; 1]>::try_from(cluster.records()).unwrap();
    let request_id = answer.headers["x-amzn-requestid"].to_str().unwrap();
    (record, request_id.to_owned())
}

#[tokio::test]
async fn a_request_is_recorded_with_its_caller_and_context_and_without_its_plaintext() {
    let body = json!({
        "KeyId": ARN,
        "Plaintext": "aGVsbG8=",
        "EncryptionContext": { "tenant": "blue" },
    });
    let (record, request_id) = recorded("Encrypt", body).await;
    assert_eq!(
        record["userIdentity"],
        json!({
            "type": "IAMUser",
            "principalId": "AKIDEXAMPLE",
            "arn": "arn:aws:iam::000000000000:user/AKIDEXAMPLE",
            "accountId": "000000000000",
            "accessKeyId": "AKIDEXAMPLE",
            "userName": "AKIDEXAMPLE",
        })
    );
    let parameters = json!({ "keyId": ARN, "encryptionContext": { "tenant": "blue" } });
    assert_eq!(record["requestParameters"], parameters);
    assert_eq!(record["responseElements"], Value::Null);
    assert_eq!(record["requestID"], request_id);
    assert_ne!(record["eventID"], record["requestID"]);
    assert_eq!(
        record["resources"],
        json!([{ "accountId": "000000000000", "type": "AWS::KMS::Key", "ARN": ARN }])
    );
    for (name, value) in [
        ("eventVersion", json!("1.11")),
        ("eventSource", json!("kms.amazonaws.com")),
        ("eventName", json!("Encrypt")),
        ("eventType", json!("AwsApiCall")),
        ("userAgent", json!("Boto3/1")),
        ("readOnly", json!(true)),
        ("managementEvent", json!(true)),
        ("recipientAccountId", json!("000000000000")),
    ] {
        assert_eq!(record[name], value, "{name}");
    }
    assert_eq!(record.get("errorCode"), None);
    let text = record.to_string();
    assert!(
        !text.contains("hello") && !text.contains("aGVsbG8"),
        "{text}"
    );
}

#[tokio::test]
async fn a_refused_request_is_recorded_with_the_error() {
    let (record, _) = recorded("GenerateRandom", json!({ "NumberOfBytes": 0 })).await;
    assert_eq!(record["errorCode"], "ValidationException");
    let message = record["errorMessage"].as_str().unwrap();
    assert!(message.contains("'numberOfBytes'"), "{message}");
    assert_eq!(record["requestParameters"], json!({ "numberOfBytes": 0 }));

    let (record, _) = recorded("Nonsense", json!({})).await;
    assert_eq!(record["errorCode"], "UnknownOperationException");
    assert_eq!(record["eventName"], "Unknown");
    assert_eq!(record["userIdentity"]["type"], "Unknown");
}

#[tokio::test]
async fn the_other_wire_is_recorded_alike_and_with_the_client_s_address() {
    let refuse = |_: &_| Err(CallError::from(KmsError::not_found("no such key")));
    let cluster = cluster(&["eu-west-1"], refuse);
    let mut client = grpc::client(cluster.front()).await;
    let request = v1::DescribeKeyRequest {
        key_id: Some("alias/a".into()),
        ..Default::default()
    };
    client.describe_key(request).await.unwrap_err();
    let [record] = <[Value; 1]>::try_from(cluster.records()).unwrap();
    assert_eq!(record["eventName"], "DescribeKey");
    assert_eq!(record["errorCode"], "NotFoundException");
    assert_eq!(record["errorMessage"], "no such key");
    assert_eq!(record["sourceIPAddress"], "127.0.0.1");
    assert_eq!(record["userIdentity"]["type"], "Root");
    assert_eq!(record["requestParameters"], json!({ "keyId": "alias/a" }));
}

#[tokio::test]
async fn a_request_whose_record_cannot_be_written_may_have_had_its_effect() {
    let cluster = audited_until(cluster(&["eu-west-1"], answer), 0);
    let asked = || signed("eu-west-1", "CreateKey", "{}");
    let first = send(cluster.front(), asked()).await;
    assert_eq!(first.status, 500);
    assert_eq!(first.headers["x-meridian-definite"], "false");
    assert!(
        first
            .body
            .starts_with(r#"{"__type":"KMSInternalException","message":"The audit log cannot"#),
        "{}",
        first.body
    );
    let [record] = <[Value; 1]>::try_from(cluster.records()).unwrap();
    assert_eq!(
        first.headers["x-amzn-requestid"].to_str().unwrap(),
        record["requestID"]
    );
    assert_eq!(cluster.calls("eu-west-1").len(), 1);

    let second = send(cluster.front(), asked()).await;
    assert_eq!(second.status, 500);
    assert_eq!(second.headers["x-meridian-definite"], "true");
    assert_eq!(
        cluster.calls("eu-west-1").len(),
        1,
        "it was not carried out"
    );
    assert_eq!(cluster.records().len(), 1);
}

#[tokio::test]
async fn the_other_wire_is_refused_alike_and_its_health_is_not() {
    let cluster = audited_until(cluster(&["eu-west-1"], answer), 0);
    let mut client = grpc::client(cluster.front()).await;
    for (definite, code) in [("false", Code::Internal), ("true", Code::Unavailable)] {
        let refused = client.list_keys(v1::ListKeysRequest::default()).await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.code(), code);
        let info = refused.get_details_error_info().unwrap();
        assert_eq!(info.reason, "KMSInternalException");
        assert_eq!(info.metadata["definite"], definite);
    }
    assert_eq!(cluster.calls("eu-west-1").len(), 1);
    let mut health = HealthClient::new(grpc::channel(cluster.front()).await);
    let request = HealthCheckRequest::default();
    health.check(request).await.unwrap();
}
