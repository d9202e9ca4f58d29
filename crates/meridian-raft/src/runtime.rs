//! What the crate runs on: tokio; under test the simulation's stand-ins, which do everything in
//! one order.

use std::io;

use openraft::AsyncRuntime as _;
use tokio::task::JoinHandle;

#[cfg(test)]
pub(crate) use crate::simulation::{runtime::Runtime, watch};
#[cfg(not(test))]
pub(crate) use openraft_rt_tokio::TokioRuntime as Runtime;
#[cfg(not(test))]
pub(crate) use tokio::sync::watch;

/// Starts a task.
pub(crate) fn spawn<T>(task: T) -> JoinHandle<T::Output>
where
    T: Future + Send + 'static,
    T::Output: Send + 'static,
{
    Runtime::spawn(task)
}

/// Runs what may block on a disk or take long off the async workers.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    #[cfg(test)]
    return crate::simulation::process::on_disk(work).await;
    #[cfg(not(test))]
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| io::Error::other(error.to_string()))?
}
