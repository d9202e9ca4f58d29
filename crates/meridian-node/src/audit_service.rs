//! The gRPC service AuditLog: the audit log while it is written.

use std::sync::Arc;

use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use meridian_proto::v1::{AuditEntry, WatchAuditRequest, audit_log_server};
use tokio_stream::wrappers::BroadcastStream;
use tonic::{Request, Response, Status};

use crate::audit_log::AuditLog;

/// The service of one port.
pub struct AuditService {
    /// The log of the process, if it keeps one.
    pub log: Option<Arc<AuditLog>>,
    /// Callers have to prove who they are, and there is no policy about this log.
    pub is_closed: bool,
}

#[tonic::async_trait]
impl audit_log_server::AuditLog for AuditService {
    type WatchStream = BoxStream<'static, Result<AuditEntry, Status>>;

    async fn watch(
        &self,
        request: Request<WatchAuditRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        if self.is_closed {
            return Err(Status::permission_denied(
                "Where callers have to prove who they are, the audit log is in its files only.",
            ));
        }
        let Some(log) = &self.log else {
            return Err(Status::failed_precondition(
                "This cluster keeps no audit log. Start it with `meridian up --audit FILE`.",
            ));
        };
        let wanted = request.into_inner().region;
        let entries = BroadcastStream::new(log.follow())
            .map_err(|lost| Status::data_loss(lost.to_string()))
            .try_filter_map(move |(region, entry)| {
                let of_region = wanted.as_ref().is_none_or(|wanted| *wanted == region);
                futures::future::ready(Ok(of_region.then_some(entry)))
            });
        Ok(Response::new(entries.boxed()))
    }
}
