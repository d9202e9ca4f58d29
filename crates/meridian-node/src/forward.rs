//! A client's call, handed to another node: by a follower to its leader, or by
//! a front door to a node of the region that the call names.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use meridian_api::{CallError, Kms};
use meridian_kms::{Caller, ErrorCode, KmsError, Operation, RegionName, Request, Response};
use meridian_proto::v1::{
    ForwardError, ForwardRequest, ForwardResponse, KeySetState, WatchKeySetRequest,
    forward_response,
};
use meridian_raft::NodeId;
use prost::Message as _;

use crate::active_faults::Lost;
use crate::core::Core;
use crate::directory::Directory;
use crate::kms::Attempt;

/// The name under which a watched key set is forwarded.
pub const WATCH_KEY_SET: &str = "WatchKeySet";

/// How long another node may take; it gives up earlier by itself.
const FORWARD_TIMEOUT: Duration = Duration::from_secs(20);

/// Hands a write to the leader of this node's region.
pub async fn to_leader(core: &Core, leader: NodeId, caller: &Caller, request: &Request) -> Attempt {
    let Some(address) = core.directory.address(&core.region, leader) else {
        return Attempt::NotLeader;
    };
    let operation = request.operation();
    let message = message(
        &core.region,
        caller,
        operation.name(),
        request.encode_proto(),
        true,
    );
    let (directory, address) = (core.directory.clone(), address.to_owned());
    let asked = core.ask_node(leader, FORWARD_TIMEOUT, move || {
        let (directory, address) = (directory.clone(), address.clone());
        let message = message.clone();
        Box::pin(async move { send(&directory, &address, message).await })
    });
    let answer = asked.await.map_err(|lost| match lost {
        Lost::Failed(error) => error,
        Lost::OnTheWay => CallError::Timeout { definite: false },
    });
    match answer {
        Ok(answer) => match answer.result {
            Some(forward_response::Result::Error(error)) if error.not_leader => Attempt::NotLeader,
            result => Attempt::Answered(answer.applied_index, decode(operation, result)),
        },
        Err(error) if error.is_definite() => Attempt::NotLeader,
        Err(error) => Attempt::Answered(0, Err(error)),
    }
}

/// The KMS API of a region that is served by other processes.
pub struct RemoteKms {
    /// The region.
    pub region: RegionName,
    /// Where its nodes are.
    pub directory: Arc<Directory>,
}

impl Kms for RemoteKms {
    fn call(&self, caller: Caller, request: Request) -> BoxFuture<'_, Result<Response, CallError>> {
        async move {
            let operation = request.operation();
            let encoded = request.encode_proto();
            let mut last = CallError::NoLeader;
            for place in self.directory.nodes(&self.region) {
                let message = message(
                    &self.region,
                    &caller,
                    operation.name(),
                    encoded.clone(),
                    false,
                );
                match send(&self.directory, &place.peer_address, message).await {
                    Ok(answer) => return decode(operation, answer.result),
                    // A node that cannot be reached has done nothing: ask the next.
                    Err(error) if error.is_definite() => last = error,
                    Err(error) => return Err(error),
                }
            }
            Err(last)
        }
        .boxed()
    }

    fn watch_key_set(
        &self,
        caller: Caller,
        key_id: String,
    ) -> BoxStream<'static, Result<KeySetState, CallError>> {
        let (directory, region) = (self.directory.clone(), self.region.clone());
        let opened = async move {
            let request = WatchKeySetRequest {
                key_id: Some(key_id),
            }
            .encode_to_vec();
            let message = message(&region, &caller, WATCH_KEY_SET, request, false);
            for place in directory.nodes(&region) {
                let Ok(mut client) = directory.client(&place.peer_address) else {
                    continue;
                };
                if let Ok(stream) = client.forward_watch(message.clone()).await {
                    return stream.into_inner().map(decode_watched).boxed();
                }
            }
            futures::stream::once(async { Err(CallError::NoLeader) }).boxed()
        };
        futures::stream::once(opened).flatten().boxed()
    }
}

fn decode_watched(
    message: Result<ForwardResponse, tonic::Status>,
) -> Result<KeySetState, CallError> {
    let lost = |why: String| CallError::Unavailable {
        definite: true,
        message: why,
    };
    match message
        .map_err(|status| lost(status.message().to_owned()))?
        .result
    {
        Some(forward_response::Result::Response(bytes)) => {
            KeySetState::decode(bytes).map_err(|error| lost(error.to_string()))
        }
        Some(forward_response::Result::Error(error)) => Err(decode_error(error)),
        None => Err(lost("an empty message".into())),
    }
}

fn message(
    region: &RegionName,
    caller: &Caller,
    operation: &str,
    request: Vec<u8>,
    to_leader: bool,
) -> ForwardRequest {
    ForwardRequest {
        region: region.to_string(),
        operation: operation.to_owned(),
        request: request.into(),
        account: caller.account.to_string(),
        principal: caller.principal.clone(),
        request_id: caller.request_id.clone(),
        to_leader,
    }
}

async fn send(
    directory: &Directory,
    address: &str,
    message: ForwardRequest,
) -> Result<ForwardResponse, CallError> {
    let unavailable = |status: &tonic::Status| CallError::Unavailable {
        definite: never_connected(status),
        message: format!("{address}: {}", status.message()),
    };
    let mut client = directory
        .client(address)
        .map_err(|status| unavailable(&status))?;
    let Ok(answer) = tokio::time::timeout(FORWARD_TIMEOUT, client.forward(message)).await else {
        return Err(CallError::Timeout { definite: false });
    };
    answer
        .map(tonic::Response::into_inner)
        .map_err(|status| unavailable(&status))
}

/// True when the connection was refused, so that the request never left.
pub fn never_connected(status: &tonic::Status) -> bool {
    let mut source = std::error::Error::source(status);
    while let Some(error) = source {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return io.kind() == std::io::ErrorKind::ConnectionRefused;
        }
        source = error.source();
    }
    false
}

fn decode(
    operation: Operation,
    result: Option<forward_response::Result>,
) -> Result<Response, CallError> {
    let damaged = |why: String| CallError::Unavailable {
        definite: false,
        message: why,
    };
    match result {
        Some(forward_response::Result::Response(bytes)) => {
            Response::decode_proto(operation, bytes).map_err(|error| damaged(error.to_string()))
        }
        Some(forward_response::Result::Error(error)) => Err(decode_error(error)),
        None => Err(damaged("an empty answer".into())),
    }
}

fn decode_error(error: ForwardError) -> CallError {
    match ErrorCode::from_name(&error.code) {
        Some(code) => CallError::Kms(KmsError {
            code,
            message: error.message,
        }),
        None => CallError::Unavailable {
            definite: error.definite,
            message: error.message.unwrap_or(error.code),
        },
    }
}

/// The answer that goes back over the wire between nodes.
pub fn encode(answer: Result<Bytes, CallError>, applied_index: u64) -> ForwardResponse {
    let result = match answer {
        Ok(bytes) => forward_response::Result::Response(bytes),
        Err(CallError::Kms(error)) => forward_response::Result::Error(ForwardError {
            code: error.code.name().to_owned(),
            message: error.message,
            definite: true,
            ..Default::default()
        }),
        Err(error) => forward_response::Result::Error(ForwardError {
            // Not an AWS code: the receiving node turns it back into its own.
            code: String::new(),
            message: error.message().map(std::borrow::Cow::into_owned),
            definite: error.is_definite(),
            ..Default::default()
        }),
    };
    ForwardResponse {
        result: Some(result),
        applied_index,
    }
}

/// The answer of a node that was taken for the leader.
pub fn not_leader() -> ForwardResponse {
    let error = ForwardError {
        definite: true,
        not_leader: true,
        ..Default::default()
    };
    ForwardResponse {
        result: Some(forward_response::Result::Error(error)),
        applied_index: 0,
    }
}
