//! Opens what a node keeps: its log and its snapshot.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use crate::engine::disk::DiskEngine;
use crate::engine::{Change, Engine, Stored};
use crate::record::corrupt;
use crate::snapshot::SnapshotStore;
use crate::{GroupConfig, Memory};

/// The log's folder within a node's directory.
const LOG: &str = "log";

/// A node's opened stores.
pub(crate) struct Stores {
    pub(crate) engine: Box<dyn Engine>,
    pub(crate) stored: Stored,
    pub(crate) snapshots: Arc<SnapshotStore>,
}

impl Stores {
    /// Opens or creates them; blocks on the disk.
    ///
    /// Damaged stores of a node with peers are moved aside and the node starts empty, marked as
    /// catching up, so that it cannot vote before the peers have given back what it had. A lone
    /// node has nobody to ask and is refused.
    pub(crate) fn open(config: &GroupConfig) -> anyhow::Result<Self> {
        let Some(directory) = &config.directory else {
            let Memory { disk, snapshots } = &config.memory;
            return Ok(read(Box::new(disk.engine()), Arc::clone(snapshots))?);
        };
        let opening = || format!("opening the node's store at {}", directory.display());
        let error = match open(config, directory) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => error,
            opened => return opened.with_context(opening),
        };
        if config.members.len() < 2 {
            return Err(error)
                .context("the store is damaged and a group of one has no other copy")
                .with_context(opening);
        }
        let aside = free_name(directory);
        tracing::error!(
            %error,
            aside = %aside.display(),
            "the store is damaged: moved aside, to be filled again by the other nodes"
        );
        std::fs::rename(directory, &aside).with_context(opening)?;
        let mut stores = open(config, directory).with_context(opening)?;
        stores.engine.write(&[Change::CatchingUp(true)])?;
        stores.engine.sync()?;
        stores.stored.catching_up = true;
        Ok(stores)
    }
}

fn open(config: &GroupConfig, directory: &Path) -> io::Result<Stores> {
    std::fs::create_dir_all(directory)?;
    let snapshots = SnapshotStore::open(directory)?;
    let engine = DiskEngine::open(&directory.join(LOG), config.node_id, config.fsync)?;
    read(Box::new(engine), snapshots.into())
}

/// Reads a log and sees that it and the snapshot are of one piece.
pub(crate) fn read(
    mut engine: Box<dyn Engine>,
    snapshots: Arc<SnapshotStore>,
) -> io::Result<Stores> {
    let stored = engine.load()?;
    let covered = snapshots.newest().and_then(|(meta, _)| meta.last_log_id);
    if stored.purged.map(|id| id.index) > covered.map(|id| id.index) {
        return Err(corrupt(
            "the log begins after the snapshot ends: entries are missing",
        ));
    }
    Ok(Stores {
        engine,
        stored,
        snapshots,
    })
}

/// `<directory>.damaged-<n>`, with the first `n` that is free.
fn free_name(directory: &Path) -> PathBuf {
    let named = |n: u32| {
        let mut name = directory.as_os_str().to_owned();
        name.push(format!(".damaged-{n}"));
        PathBuf::from(name)
    };
    (1..)
        .map(named)
        .find(|path| !path.exists())
        .expect("the numbers do not run out")
}
