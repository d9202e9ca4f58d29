//! Raft messages between the nodes of a region, over gRPC.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use meridian_kms::RegionName;
use meridian_proto::v1::RaftMessage;
use meridian_raft::{NodeId, Transport, TransportError};

use crate::directory::Directory;

/// Sends to peers of one region.
pub struct GrpcTransport {
    /// Whose peers.
    pub region: RegionName,
    /// Where they are.
    pub directory: Arc<Directory>,
}

impl Transport for GrpcTransport {
    fn call(
        &self,
        target: NodeId,
        kind: u32,
        payload: Bytes,
        timeout: Duration,
    ) -> BoxFuture<'_, Result<Bytes, TransportError>> {
        Box::pin(async move {
            let unreachable = |why: &dyn ToString| TransportError::Unreachable(why.to_string());
            let address = self.directory.address(&self.region, target);
            let address = address.ok_or_else(|| unreachable(&"not in the configuration"))?;
            let mut client = self
                .directory
                .client(address)
                .map_err(|error| unreachable(&error))?;
            let message = RaftMessage { kind, payload };
            match tokio::time::timeout(timeout, client.raft(message)).await {
                Err(_) => Err(TransportError::Timeout),
                Ok(Ok(answer)) => Ok(answer.into_inner().payload),
                Ok(Err(status)) => match status.code() {
                    tonic::Code::InvalidArgument | tonic::Code::FailedPrecondition => {
                        Err(TransportError::Refused(status.message().to_owned()))
                    }
                    _ => Err(unreachable(&status.message())),
                },
            }
        })
    }
}
