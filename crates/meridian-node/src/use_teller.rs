//! Telling the region which keys this node has used: now and then, and before
//! this node is asked for it.
//!
//! One task tells, so that nobody sees the region without what another is about
//! to tell it, and so that nothing is lost when who has asked hangs up.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use meridian_kms::{Change, Entry, Timestamp};
use meridian_proto::v1::NodeNoteUsesRequest;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::core::{Core, LEADER_TIMEOUT};
use crate::key_uses::{KeyUses, USES_PER_ENTRY_MAX};

/// How far GetKeyLastUsage may be behind uses at other nodes of the region.
const EVERY: Duration = Duration::from_secs(10);

/// How long the leader may take to commit them.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Calls that wait for the task, at most; the next ones wait to be let in.
const WAITING_MAX: usize = 64;

/// The way to the task.
pub struct UseTeller(mpsc::Sender<oneshot::Sender<()>>);

/// The task's end of it.
pub type Waiting = mpsc::Receiver<oneshot::Sender<()>>;

impl UseTeller {
    /// Both ends.
    pub fn new() -> (UseTeller, Waiting) {
        let (sender, waiting) = mpsc::channel(WAITING_MAX);
        (UseTeller(sender), waiting)
    }

    /// Has the region told of every use that was noted before this call.
    /// Returns when it was told, or cannot be for the moment.
    pub async fn tell(&self) {
        let (done, told) = oneshot::channel();
        let asked = async {
            if self.0.send(done).await.is_ok() {
                // It goes unanswered when the node stops.
                let _ = told.await;
            }
        };
        // What the region does not know by then is told later.
        let _ = tokio::time::timeout(LEADER_TIMEOUT, asked).await;
    }
}

/// Runs until the node stops.
pub async fn run(core: Arc<Core>, waiting: Waiting) {
    let commit = |change| {
        let core = core.clone();
        async move { commit(&core, change).await }.boxed()
    };
    serve(&core.uses, waiting, commit).await;
}

async fn serve(
    uses: &KeyUses,
    mut waiting: Waiting,
    commit: impl Fn(Change) -> BoxFuture<'static, bool>,
) {
    loop {
        let first = match tokio::time::timeout(EVERY, waiting.recv()).await {
            Ok(None) => return,
            Ok(first) => first,
            Err(_) => None,
        };
        let mut answered: Vec<_> = first.into_iter().collect();
        while let Ok(next) = waiting.try_recv() {
            answered.push(next);
        }
        tell(uses, &commit).await;
        for done in answered {
            // Who has asked may have hung up.
            let _ = done.send(());
        }
    }
}

/// Tells what is not told yet, up to the first part that the region does not
/// commit; the rest is kept for the next time.
async fn tell(uses: &KeyUses, commit: &impl Fn(Change) -> BoxFuture<'static, bool>) {
    let taken = uses.take();
    let mut told = 0;
    for part in taken.chunks(USES_PER_ENTRY_MAX) {
        let uses = part.to_vec();
        if !commit(Change::KeysUsed { uses }).await {
            break;
        }
        told += part.len();
    }
    uses.put_back(taken.into_iter().skip(told).collect());
}

async fn commit(core: &Core, change: Change) -> bool {
    let Some(leader) = core.leader(Instant::now() + LEADER_TIMEOUT).await else {
        return false;
    };
    if leader == core.node_id {
        return core.propose(change).await.is_ok();
    }
    let Some(address) = core.directory.address(&core.region, leader) else {
        return false;
    };
    let Ok(client) = core.directory.client(address) else {
        return false;
    };
    let entry = Entry {
        at: Timestamp::default(),
        change,
    };
    let message = NodeNoteUsesRequest {
        uses: entry.encode().into(),
    };
    let asked = core.ask_node(leader, TIMEOUT, move || {
        let (mut client, message) = (client.clone(), message.clone());
        Box::pin(async move { client.note_uses(message).await })
    });
    asked.await.is_ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use meridian_kms::{KeyRef, Operation};
    use tokio::sync::Notify;

    use super::*;

    const REQUEST: &str = "2077c3bf-a538-41e6-b6fb-794e83344f84";

    fn used(keys: usize) -> KeyUses {
        let uses = KeyUses::default();
        for number in 0..keys {
            let key = KeyRef {
                account: "111122223333".parse().unwrap(),
                id: format!("1234abcd-12ab-34cd-56ef-{number:012x}")
                    .parse()
                    .unwrap(),
            };
            uses.note(key, Operation::Encrypt, Timestamp(1), REQUEST);
        }
        uses
    }

    #[tokio::test]
    async fn nothing_is_told_after_what_failed_and_all_of_it_is_kept() {
        let uses = used(2 * USES_PER_ENTRY_MAX + 1);
        let told = Arc::new(Mutex::new(Vec::new()));
        let commit = |change| {
            let Change::KeysUsed { uses } = change else {
                panic!("it tells nothing else");
            };
            let mut told = told.lock().unwrap();
            told.push(uses.len());
            let first = told.len() == 1;
            async move { first }.boxed()
        };
        tell(&uses, &commit).await;
        assert_eq!(*told.lock().unwrap(), [USES_PER_ENTRY_MAX; 2]);
        assert_eq!(uses.take().len(), USES_PER_ENTRY_MAX + 1);
    }

    #[tokio::test]
    async fn who_hangs_up_loses_nothing_and_who_comes_meanwhile_waits() {
        let uses = used(1);
        let (teller, waiting) = UseTeller::new();
        let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let told = Arc::new(Mutex::new(0));
        let commit = |_| {
            let (begun, go_on, told) = (begun.clone(), go_on.clone(), told.clone());
            async move {
                begun.notify_one();
                go_on.notified().await;
                *told.lock().unwrap() += 1;
                true
            }
            .boxed()
        };
        let readers = async {
            tokio::select! {
                () = teller.tell() => panic!("it is not told yet"),
                () = begun.notified() => {}
            }
            assert!(uses.take().is_empty(), "it is being told");
            let second = teller.tell();
            tokio::pin!(second);
            assert!(second.as_mut().now_or_never().is_none());
            go_on.notify_one();
            second.await;
            assert_eq!(*told.lock().unwrap(), 1);
        };
        tokio::select! {
            () = serve(&uses, waiting, commit) => panic!("it serves on"),
            () = readers => {}
        }
    }
}
