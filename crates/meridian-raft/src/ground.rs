//! What a node stands on: its stores, opened, and the writer at work on them.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use futures::future::BoxFuture;

use crate::GroupConfig;
use crate::disk_faults::FaultyEngine;
use crate::engine::Stored;
use crate::runtime::blocking;
use crate::snapshot::SnapshotStore;
use crate::stores::Stores;
use crate::writer::Writer;

/// See the module.
pub(crate) struct Ground {
    pub(crate) stored: Stored,
    pub(crate) snapshots: Arc<SnapshotStore>,
    pub(crate) writer: Writer,
    /// Done when the writer has ended.
    pub(crate) ended: BoxFuture<'static, ()>,
}

impl Ground {
    /// Opens a node's stores and starts the writer's thread.
    pub(crate) async fn open(config: GroupConfig) -> anyhow::Result<Self> {
        let faults = config.disk_faults.clone();
        let mut stores = tokio::task::spawn_blocking(move || Stores::open(&config)).await??;
        if let Some(faults) = faults {
            let engine = stores.engine;
            stores.engine = Box::new(FaultyEngine { engine, faults });
        }
        let (writer, thread) = Writer::start("raft-log", stores.engine)?;
        Ok(Self {
            stored: stores.stored,
            snapshots: stores.snapshots,
            writer,
            ended: Box::pin(join(thread)),
        })
    }

    /// Stands on stores without a thread: the writer is a task.
    #[cfg(test)]
    pub(crate) fn simulated(stores: Stores) -> Self {
        let (writer, task) = Writer::simulated(stores.engine);
        Self {
            stored: stores.stored,
            snapshots: stores.snapshots,
            writer,
            ended: Box::pin(async { drop(task.await) }),
        }
    }
}

async fn join(thread: JoinHandle<()>) {
    let joined = blocking(move || thread.join().map_err(|_| io::Error::other("panicked"))).await;
    if let Err(error) = joined {
        tracing::error!(%error, "the log's writer thread");
    }
}
