//! One running node: openraft, its stores and its tasks, without the type of the machine's
//! outcome.
//!
//! Tasks: `watch_status` publishes what the node knows and ends a catch-up; `take_snapshots`
//! waits until one is due; `rouse` stands for election until the group has a leader;
//! `end_with_disk` ends the core when nothing can be written any more. The writer is a thread.
//! All end with [`Node::stop`].

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use futures::future::BoxFuture;
use openraft::async_runtime::watch::WatchReceiver;
use openraft::errors::Fatal;
use openraft::{Config, RaftMetrics, SnapshotPolicy};
use tokio::task::JoinHandle;

use crate::catch_up::CatchUp;
use crate::engine::{Change, Stored};
use crate::ground::Ground;
use crate::inbox::Inbox;
use crate::log_store::{Log, LogStore};
use crate::machine::AnyMachine;
use crate::network::Peers;
use crate::recovery::Recovery;
use crate::runtime::{self, watch};
use crate::state_machine::StateMachine;
use crate::types::Types;
use crate::writer::Writer;
use crate::{GroupConfig, Status, Transport};

/// openraft, instantiated.
pub(crate) type Raft = openraft::Raft<Types, StateMachine>;

/// How long one piece of a snapshot may take, the last one with its installation.
const SNAPSHOT_PIECE_TIMEOUT: Duration = Duration::from_secs(20);
/// Entries in one message to a peer, at most; their bytes are limited too.
const MESSAGE_ENTRIES: u64 = 1024;
/// How an unreachable peer is tried again.
const BACKOFF: &str = "20ms 40ms 80ms ...400ms";

/// See the module.
pub(crate) struct Node {
    pub(crate) raft: Raft,
    pub(crate) inbox: Inbox,
    pub(crate) catch_up: Arc<CatchUp>,
    pub(crate) applied: watch::Receiver<u64>,
    pub(crate) status: watch::Receiver<Status>,
    picture: Picture,
    stopping: Arc<AtomicBool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    /// Done when the writer has ended; taken by who stops the node.
    writer_ended: Mutex<Option<BoxFuture<'static, ()>>>,
}

impl Node {
    /// Starts a node on its stores, opened once the configuration is found sound.
    pub(crate) async fn start(
        config: GroupConfig,
        opening: impl Future<Output = anyhow::Result<Ground>>,
        machine: Box<dyn AnyMachine>,
        transport: Arc<dyn Transport>,
    ) -> anyhow::Result<Arc<Self>> {
        anyhow::ensure!(
            config.members.contains(&config.node_id),
            "node {} is not a member of its group",
            config.node_id
        );
        let raft_config = raft_config(&config)?;
        let Ground {
            mut stored,
            snapshots,
            writer,
            ended,
        } = opening.await?;
        stored.forget_unsent_vote(config.node_id);
        let joins = config.joins && stored == Stored::default();
        if joins {
            writer.write_durably(Change::CatchingUp(true)).await?;
        }
        let behind = joins || stored.catching_up;
        let log = Log::new(stored);

        let (applied_sender, applied) = watch::channel(0);
        let (due_sender, due) = watch::channel(false);
        let state_machine = StateMachine::new(
            machine,
            applied_sender,
            Arc::clone(&snapshots),
            config.compaction,
            due_sender,
        );
        let recovery = Recovery {
            node_id: config.node_id,
            transport: Arc::clone(&transport),
            timeout: config.election_timeout_min,
            round: tokio::sync::Mutex::default(),
        };
        let peers = Peers {
            node_id: config.node_id,
            transport,
            append_timeout: config.election_timeout_min,
            uploads: Arc::new(AtomicU64::new(0)),
        };
        let raft_config = Config {
            enable_elect: !behind,
            ..raft_config
        };
        let store = LogStore::new(log.clone(), writer.clone());
        let started = Raft::new(
            config.node_id,
            Arc::new(raft_config),
            peers,
            store,
            state_machine,
        )
        .await;
        let raft = match started {
            Ok(raft) => raft,
            Err(error) => {
                writer.stop().await;
                ended.await;
                return Err(error).context("bringing the machine to where the log ends");
            }
        };

        let catch_up = CatchUp::new(&config, &log, writer.clone(), behind);
        let catch_up = Arc::new(catch_up);
        let picture = Picture {
            log: log.clone(),
            writer,
            applied: applied.clone(),
        };
        let first = picture.of(&raft.metrics().borrow_watched());
        let (status_sender, status) = watch::channel(first);
        let node = Arc::new(Self {
            inbox: Inbox {
                node_id: config.node_id,
                raft: raft.clone(),
                log,
                catch_up: Arc::clone(&catch_up),
                recovery,
                snapshots,
                upload: tokio::sync::Mutex::default(),
            },
            raft: raft.clone(),
            catch_up,
            applied,
            status,
            picture: picture.clone(),
            stopping: Arc::default(),
            tasks: Mutex::default(),
            writer_ended: Mutex::new(Some(ended)),
        });
        node.spawn(end_with_disk(raft.clone(), node.picture.writer.clone()));
        node.found(&config).await?;
        node.spawn(watch_status(
            raft.clone(),
            Arc::clone(&node.catch_up),
            picture,
            status_sender,
        ));
        node.spawn(take_snapshots(raft.clone(), due));
        if config.preferred {
            let status = node.status.clone();
            let catch_up = Arc::clone(&node.catch_up);
            node.spawn(rouse(raft, catch_up, status, config.heartbeat));
        }
        Ok(node)
    }

    /// Founds the group, if that is this node's part and has not been done.
    async fn found(&self, config: &GroupConfig) -> anyhow::Result<()> {
        let is_founder = config.founder() == Some(config.node_id);
        if !is_founder || self.catch_up.is_behind() || self.raft.is_initialized().await? {
            return Ok(());
        }
        if let Err(error) = self.raft.initialize(config.members.clone()).await {
            // The others may have been quicker to tell this node of the group it founded once.
            tracing::debug!(%error, "the group exists already");
        }
        Ok(())
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().expect("no holder of this lock panics");
        tasks.push(runtime::spawn(task));
    }

    /// What the node knows right now.
    pub(crate) fn status(&self) -> Status {
        self.picture.of(&self.raft.metrics().borrow_watched())
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    pub(crate) async fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        let tasks = {
            let mut tasks = self.tasks.lock().expect("no holder of this lock panics");
            std::mem::take(&mut *tasks)
        };
        for task in tasks {
            task.abort();
            // An aborted task has nothing to say.
            drop(task.await);
        }
        // A core that has failed is as stopped as it can be.
        drop(self.raft.shutdown().await);
        self.picture.writer.stop().await;
        let ended = self
            .writer_ended
            .lock()
            .expect("no holder of this lock panics")
            .take();
        if let Some(ended) = ended {
            ended.await;
        }
    }
}

fn raft_config(config: &GroupConfig) -> anyhow::Result<Config> {
    let ms = |duration: Duration| u64::try_from(duration.as_millis());
    let raft_config = Config {
        cluster_name: "meridian".to_owned(),
        heartbeat_interval: ms(config.heartbeat)?,
        election_timeout_min: ms(config.election_timeout_min)?,
        election_timeout_max: ms(config.election_timeout_max)?,
        install_snapshot_timeout: ms(SNAPSHOT_PIECE_TIMEOUT)?,
        max_payload_entries: MESSAGE_ENTRIES,
        max_in_snapshot_log_to_keep: config.compaction.keep_entries,
        // `StateMachine` knows better when a snapshot pays.
        snapshot_policy: SnapshotPolicy::Never,
        backoff: BACKOFF.to_owned(),
        enable_pre_vote: Some(true),
        // A restarted leader knows neither what is committed nor whom the others follow.
        enable_leader_restore: Some(false),
        // A peer may come back without its log; `CatchUp` over there keeps that harmless.
        allow_log_reversion: Some(true),
        ..Config::default()
    };
    Ok(raft_config.validate()?)
}

/// Where the parts of a [`Status`] come from.
#[derive(Clone)]
struct Picture {
    log: Log,
    writer: Writer,
    applied: watch::Receiver<u64>,
}

impl Picture {
    fn of(&self, metrics: &RaftMetrics<Types>) -> Status {
        let running = metrics.running_state.as_ref();
        Status {
            node_id: metrics.id,
            term: metrics.current_term,
            leader: metrics.current_leader,
            last_log: metrics.last_log_index.unwrap_or(0),
            committed: metrics.local_committed.map_or(0, |id| id.index),
            applied: *self.applied.borrow(),
            snapshot: metrics.snapshot.map(|id| id.index),
            purged: metrics.purged.map(|id| id.index),
            log_bytes: self.log.bytes(),
            syncs: self.writer.syncs(),
            fatal: running.err().map(|fatal| match fatal {
                Fatal::Stopped => self.writer.failure().unwrap_or_else(|| fatal.to_string()),
                _ => fatal.to_string(),
            }),
        }
    }
}

async fn watch_status(
    raft: Raft,
    catch_up: Arc<CatchUp>,
    picture: Picture,
    status: watch::Sender<Status>,
) {
    let mut metrics = raft.metrics();
    loop {
        let latest = metrics.borrow_watched().clone();
        status.send_replace(picture.of(&latest));
        if let Err(error) = catch_up.on_metrics(&raft, &latest).await {
            tracing::error!(%error, "cannot write down that this node has caught up");
        }
        if metrics.changed().await.is_err() {
            break;
        }
    }
    // The node's own stop ends this task first: the core has gone without saying why.
    status.send_modify(|status| {
        let unknown = || "the Raft core has ended".to_owned();
        status.fatal.get_or_insert_with(unknown);
    });
    std::future::pending::<()>().await;
}

/// openraft waits for some writes only: until the next of those, a node whose disk has failed would
/// stay, and lead.
async fn end_with_disk(raft: Raft, writer: Writer) {
    writer.failed().await;
    // By itself, so that nobody can abort it: openraft panics in who waits for a core whose end
    // another began to wait for and has not seen. One that has ended already ends again.
    drop(runtime::spawn(async move { raft.shutdown().await }));
}

/// How long a request for a snapshot may go unheeded before it is repeated.
const SNAPSHOT_RETRY: Duration = Duration::from_millis(200);

async fn take_snapshots(raft: Raft, mut due: watch::Receiver<bool>) {
    while due.wait_for(|due| *due).await.is_ok() {
        if raft.trigger().snapshot().await.is_err() {
            return;
        }
        // Dropped if another is being built: asked again until this one is begun.
        let begun = due.wait_for(|due| !*due);
        let _ = tokio::time::timeout(SNAPSHOT_RETRY, begun).await;
    }
}

/// Stands for election, once a heartbeat, until there is a leader: the others may not be up yet.
async fn rouse(
    raft: Raft,
    catch_up: Arc<CatchUp>,
    mut status: watch::Receiver<Status>,
    pause: Duration,
) {
    loop {
        let led = status.wait_for(|status| status.leader.is_some() || status.fatal.is_some());
        if tokio::time::timeout(pause, led).await.is_ok() || catch_up.is_behind() {
            return;
        }
        if raft.trigger().elect(true).await.is_err() {
            return;
        }
    }
}
