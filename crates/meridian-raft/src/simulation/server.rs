//! How a node serves a client: it answers as leader, or asks the leader, once; a strong read
//! waits until this node has applied what the leader confirms.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::{Instant, sleep, timeout};

use super::Bug;
use super::cluster::Running;
use super::machine::entry;
use super::network::{self, Lost, Serve};
use crate::{NodeId, ProposeError};

/// How long a node works on one call.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long it waits before it looks for a leader again.
const PAUSE: Duration = Duration::from_millis(20);

/// What a client asks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ask {
    Append {
        key: u8,
        number: u64,
        ballast: usize,
    },
    Read {
        key: u8,
    },
}

/// What it is told.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// The write is committed at this index.
    Appended(u64),
    /// The whole list.
    List(Vec<u64>),
    /// Nothing happened.
    Refused,
    /// It may have happened.
    Unknown,
}

/// Serves one call.
pub(super) fn serve(running: Running, ask: Ask, may_forward: bool) -> BoxFuture<'static, Answer> {
    Box::pin(async move {
        match ask {
            Ask::Append {
                key,
                number,
                ballast,
            } => {
                let entry = entry(key, number, ballast);
                match timeout(PATIENCE, running.group.propose(entry)).await {
                    Ok(Ok((index, ()))) => Answer::Appended(index),
                    Ok(Err(ProposeError::NotLeader {
                        leader: Some(leader),
                    })) if may_forward && leader != running.node => {
                        forward(&running, leader, ask).await
                    }
                    Ok(Err(ProposeError::NotLeader { .. } | ProposeError::Stopped)) => {
                        Answer::Refused
                    }
                    Ok(Err(ProposeError::Unknown(_))) | Err(_) => Answer::Unknown,
                }
            }
            Ask::Read { key } => match read_barrier(&running).await {
                true => {
                    let lists = running.lists.lock().expect("held briefly");
                    Answer::List(lists.lists.get(&key).cloned().unwrap_or_default())
                }
                false => Answer::Refused,
            },
        }
    })
}

async fn forward(running: &Running, leader: NodeId, ask: Ask) -> Answer {
    let there: Serve<Answer> = Arc::new(move |there| serve(there, ask, false));
    let patience = PATIENCE + PAUSE;
    match network::call(
        &running.cluster,
        running.node,
        leader,
        patience,
        true,
        there,
    )
    .await
    {
        Ok(answer) => answer,
        Err(Lost::Refused) => Answer::Refused,
        Err(Lost::Silent) => Answer::Unknown,
    }
}

/// Makes what this node shows no older than any write answered before this call.
async fn read_barrier(running: &Running) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let confirmed = match running.group.status().leader {
            Some(leader) if leader == running.node => read_index(running).await,
            Some(leader) => {
                let there: Serve<_> =
                    Arc::new(|there: Running| Box::pin(async move { read_index(&there).await }));
                let (cluster, node) = (&running.cluster, running.node);
                let asked = network::call(cluster, node, leader, PATIENCE / 4, true, there).await;
                asked.unwrap_or(None)
            }
            None => None,
        };
        if let Some(index) = confirmed {
            let left = deadline.saturating_duration_since(Instant::now());
            return running.group.wait_applied(index, left).await;
        }
        sleep(PAUSE).await;
    }
    false
}

async fn read_index(running: &Running) -> Option<u64> {
    if running.cluster.bug == Some(Bug::UnconfirmedRead) {
        let status = running.group.status();
        return status.is_leader().then_some(status.committed);
    }
    running.group.read_index().await.ok()
}
