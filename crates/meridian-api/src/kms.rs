//! `Kms`: what a wire needs of a region, wherever the region is.

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use meridian_kms::{Caller, Request, Response};
use meridian_proto::v1::KeySetState;

use crate::audit::Seen;
use crate::error::CallError;

/// One region, ready to be called.
pub trait Kms: Send + Sync + 'static {
    /// Carries one request out. Its constraints have been checked already.
    ///
    /// Dropping the future leaves the outcome unknown to the caller; it does
    /// not take the call back.
    ///
    /// # Errors
    /// AWS's answer, or what only a cluster can suffer; see [`CallError`].
    fn call(&self, caller: Caller, request: Request) -> BoxFuture<'_, Result<Response, CallError>>;

    /// What the audit log is told of a request besides what the request says;
    /// asked before the call.
    fn seen(&self, _caller: &Caller, _request: &Request) -> Seen {
        Seen::default()
    }

    /// The state of a key set as this region sees it: at once, and again after
    /// every change. An empty `key_id` means every key of the region. The
    /// stream ends after an error, or when the watched key is gone.
    fn watch_key_set(
        &self,
        caller: Caller,
        key_id: String,
    ) -> BoxStream<'static, Result<KeySetState, CallError>>;
}
