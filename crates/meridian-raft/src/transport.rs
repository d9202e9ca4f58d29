//! How bytes reach the other nodes of the group.

use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;

use crate::NodeId;

/// Carries one message of the group to a peer and brings back its answer. The other side hands
/// `kind` and `payload` to [`Group::handle`](crate::Group::handle) and returns what that returns.
///
/// A message may be lost, delayed or delivered twice; it must not be altered. Payloads are about
/// 1 MiB at most, beside single entries larger than that.
pub trait Transport: Send + Sync + 'static {
    /// Sends one message and waits for the answer, `timeout` at most.
    fn call(
        &self,
        target: NodeId,
        kind: u32,
        payload: Bytes,
        timeout: Duration,
    ) -> BoxFuture<'_, Result<Bytes, TransportError>>;
}

/// Why a message got no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The peer cannot be reached: retries back off.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// No answer in time; the peer may or may not have got the message.
    #[error("no answer in time")]
    Timeout,
    /// The peer answered that it failed to handle the message.
    #[error("refused by the peer: {0}")]
    Refused(String),
}
