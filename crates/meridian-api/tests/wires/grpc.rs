//! gRPC, over real connections.

use futures::TryStreamExt;
use meridian_api::CallError;
use meridian_kms::{ErrorCode, KmsError};
use meridian_proto::v1;
use meridian_proto::v1::key_management_client::KeyManagementClient;
use meridian_proto::v1::key_sets_client::KeySetsClient;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_types::{ErrorInfo, StatusExt};

use crate::cluster::{answer, cluster};
use crate::ports;

pub async fn channel(port: meridian_api::Port) -> Channel {
    let address = ports::serve_on(port).await;
    let endpoint = Endpoint::try_from(format!("http://{address}")).unwrap();
    endpoint.connect().await.unwrap()
}

pub async fn client(port: meridian_api::Port) -> KeyManagementClient<Channel> {
    KeyManagementClient::new(channel(port).await)
}

fn with<T>(message: T, entries: &[(&'static str, &str)]) -> Request<T> {
    let mut request = Request::new(message);
    for (name, value) in entries {
        request.metadata_mut().insert(*name, value.parse().unwrap());
    }
    request
}

fn info(status: &Status) -> ErrorInfo {
    status
        .get_details_error_info()
        .expect("every error has an ErrorInfo")
}

#[tokio::test]
async fn the_only_region_needs_no_name() {
    let cluster = cluster(&["eu-west-1"], answer);
    let mut client = client(cluster.front()).await;
    let request = v1::EncryptRequest {
        key_id: Some("alias/a".into()),
        plaintext: Some("hello".into()),
        ..Default::default()
    };
    let response = client.encrypt(request).await.unwrap();
    let request_id = response
        .metadata()
        .get("x-amzn-requestid")
        .unwrap()
        .to_str()
        .unwrap();
    let (caller, operation) = cluster.calls("eu-west-1").remove(0);
    assert_eq!(operation, "Encrypt");
    assert_eq!(caller.request_id, request_id);
    assert_eq!(caller.principal, "arn:aws:iam::000000000000:root");
    assert_eq!(response.into_inner().ciphertext_blob.unwrap(), "hello");
    assert_eq!(
        cluster.log.entries(),
        [("eu-west-1".to_owned(), "Encrypt", "ok")]
    );
}

#[tokio::test]
async fn the_metadata_names_the_region_and_the_account() {
    let cluster = cluster(&["cn-north-1", "us-east-1"], answer);
    let mut client = client(cluster.front()).await;
    let entries = [
        ("x-meridian-region", "cn-north-1"),
        ("x-meridian-account", "111122223333"),
    ];
    client
        .list_keys(with(v1::ListKeysRequest::default(), &entries))
        .await
        .unwrap();
    let (caller, _) = cluster.calls("cn-north-1").remove(0);
    assert_eq!(caller.account.to_string(), "111122223333");
    assert_eq!(caller.principal, "arn:aws-cn:iam::111122223333:root");
    assert!(cluster.calls("us-east-1").is_empty());
}

#[tokio::test]
async fn a_call_that_means_no_region_of_the_port_is_told_which_there_are() {
    let cluster = cluster(&["eu-west-1", "us-east-1"], answer);
    let mut whole = client(cluster.front()).await;
    let mut own = client(cluster.front_of("eu-west-1")).await;
    let elsewhere = || {
        with(
            v1::ListKeysRequest::default(),
            &[("x-meridian-region", "us-west-2")],
        )
    };
    let neighbour = with(
        v1::ListKeysRequest::default(),
        &[("x-meridian-region", "us-east-1")],
    );
    let text = "The metadata entry x-meridian-region must name a region that is served here: ";
    for (result, names) in [
        (
            whole.list_keys(v1::ListKeysRequest::default()).await,
            "eu-west-1, us-east-1.",
        ),
        (whole.list_keys(elsewhere()).await, "eu-west-1, us-east-1."),
        (own.list_keys(neighbour).await, "eu-west-1."),
    ] {
        let status = result.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.message(), format!("{text}{names}"));
        assert_eq!(info(&status).reason, "ValidationException");
    }
    own.list_keys(v1::ListKeysRequest::default()).await.unwrap();
    assert_eq!(cluster.calls("eu-west-1").len(), 1);
}

#[tokio::test]
async fn an_account_is_twelve_digits() {
    let mut client = client(cluster(&["eu-west-1"], answer).front()).await;
    let request = with(
        v1::ListKeysRequest::default(),
        &[("x-meridian-account", "12")],
    );
    let status = client.list_keys(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(
        status.message(),
        "The metadata entry x-meridian-account must be 12 digits."
    );
}

#[tokio::test]
async fn the_constraints_are_those_of_aws_json() {
    let cluster = cluster(&["eu-west-1"], answer);
    let mut client = client(cluster.front()).await;
    let status = client
        .describe_key(v1::DescribeKeyRequest::default())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(
        status.message(),
        "1 validation error detected: Value null at 'keyId' failed to satisfy constraint: \
         Member must not be null"
    );
    assert!(cluster.calls("eu-west-1").is_empty());
}

#[tokio::test]
async fn an_error_of_the_region_keeps_its_code_and_text() {
    let denied = cluster(&["eu-west-1"], |_| {
        Err(KmsError::new(ErrorCode::DisabledException, "arn is disabled.").into())
    });
    let status = client(denied.front())
        .await
        .list_keys(v1::ListKeysRequest::default())
        .await;
    let status = status.unwrap_err();
    assert_eq!(
        (status.code(), status.message()),
        (Code::FailedPrecondition, "arn is disabled.")
    );
    let details = info(&status);
    assert_eq!(
        (&*details.reason, &*details.domain),
        ("DisabledException", "kms.amazonaws.com")
    );
    assert_eq!(details.metadata["definite"], "true");
    assert!(status.metadata().contains_key("x-amzn-requestid"));
}

#[tokio::test]
async fn an_unknown_outcome_is_told_as_such() {
    let late = cluster(&["eu-west-1"], |_| {
        Err(CallError::Timeout { definite: false })
    });
    let status = client(late.front())
        .await
        .list_keys(v1::ListKeysRequest::default())
        .await;
    let status = status.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(info(&status).metadata["definite"], "false");
}

#[tokio::test]
async fn an_answer_to_another_operation_is_an_internal_error() {
    let confused = cluster(&["eu-west-1"], |_| {
        Ok(meridian_kms::Response::EnableKey(v1::EnableKeyResponse {}))
    });
    let status = client(confused.front())
        .await
        .list_keys(v1::ListKeysRequest::default())
        .await;
    assert_eq!(status.unwrap_err().code(), Code::Internal);
}

#[tokio::test]
async fn a_watched_key_set_is_told_until_an_error_ends_it() {
    let cluster = cluster(&["eu-west-1", "us-east-1"], answer);
    let mut client = KeySetsClient::new(channel(cluster.front()).await);
    let message = v1::WatchKeySetRequest {
        key_id: Some("mrk-1".into()),
    };
    let request = with(message, &[("x-meridian-region", "us-east-1")]);
    let mut states = client.watch_key_set(request).await.unwrap().into_inner();
    for version in [1, 2] {
        let state = states.try_next().await.unwrap().unwrap();
        assert_eq!((&*state.region, &*state.key_id), ("us-east-1", "mrk-1"));
        assert_eq!(state.version, version);
    }
    let status = states.try_next().await.unwrap_err();
    assert_eq!(info(&status).reason, "ServiceUnavailable");
}

#[tokio::test]
async fn what_to_watch_is_checked_like_any_request() {
    let mut client = KeySetsClient::new(channel(cluster(&["eu-west-1"], answer).front()).await);
    let message = v1::WatchKeySetRequest {
        key_id: Some(String::new()),
    };
    let status = client.watch_key_set(message).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(info(&status).reason, "ValidationException");
}

#[tokio::test]
async fn health_says_serving() {
    let channel = channel(cluster(&["eu-west-1"], answer).front()).await;
    for service in ["", "meridian.v1.KeyManagement", "meridian.v1.KeySets"] {
        let request = HealthCheckRequest {
            service: service.into(),
        };
        let health = HealthClient::new(channel.clone())
            .check(request)
            .await
            .unwrap();
        assert_eq!(
            health.into_inner().status(),
            ServingStatus::Serving,
            "{service}"
        );
    }
}

#[tokio::test]
async fn reflection_lists_the_services_and_knows_their_messages() {
    let channel = channel(cluster(&["eu-west-1"], answer).front()).await;
    let MessageResponse::ListServicesResponse(list) =
        reflect(channel.clone(), MessageRequest::ListServices(String::new())).await
    else {
        panic!("expected a list of services");
    };
    let names: Vec<String> = list
        .service
        .into_iter()
        .map(|service| service.name)
        .collect();
    for name in [
        "meridian.v1.KeyManagement",
        "meridian.v1.KeySets",
        "grpc.health.v1.Health",
    ] {
        assert!(
            names.iter().any(|listed| listed == name),
            "{name} in {names:?}"
        );
    }
    let symbol = MessageRequest::FileContainingSymbol("meridian.v1.EncryptRequest".into());
    let found = reflect(channel, symbol).await;
    assert!(
        matches!(found, MessageResponse::FileDescriptorResponse(_)),
        "{found:?}"
    );
}

async fn reflect(channel: Channel, request: MessageRequest) -> MessageResponse {
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(request),
    };
    let requests = tokio_stream::once(request);
    let mut client = ServerReflectionClient::new(channel);
    let answers = client
        .server_reflection_info(requests)
        .await
        .unwrap()
        .into_inner();
    let answers: Vec<_> = answers.try_collect().await.unwrap();
    answers
        .into_iter()
        .next()
        .unwrap()
        .message_response
        .unwrap()
}

#[tokio::test]
async fn an_unknown_service_is_unimplemented() {
    let channel = channel(cluster(&["eu-west-1"], answer).front()).await;
    let mut client = v1::chaos_client::ChaosClient::new(channel);
    let status = client
        .list_faults(v1::ListFaultsRequest::default())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
}
