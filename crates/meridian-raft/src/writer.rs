//! The one thread that writes: whatever has queued up becomes one batch, one sync, and then all
//! who waited are told. That is group commit, and it is the only place that waits for the disk.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use openraft::storage::IOFlushed;
use tokio::sync::{mpsc, oneshot};

use crate::engine::{Change, Engine};
use crate::runtime::watch;
use crate::types::Types;

/// Tasks waiting at most; who brings more waits to be let in.
const QUEUE_TASKS: usize = 4096;

/// Who is to be told once a change is durable.
pub(crate) enum Told {
    Nobody,
    Caller(oneshot::Sender<io::Result<()>>),
    Raft(IOFlushed<Types>),
}

impl Told {
    fn tell(self, result: io::Result<()>) {
        match self {
            Told::Nobody => {}
            // A caller that has gone no longer wants to know.
            Told::Caller(caller) => drop(caller.send(result)),
            Told::Raft(flushed) => flushed.io_completed(result),
        }
    }
}

enum Task {
    Write(Change, Told),
    Stop,
}

/// The way to the writer thread. Changes are written in the order they are given.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Task>,
    syncs: Arc<AtomicU64>,
    /// Why nothing can be written any more.
    failure: watch::Receiver<Option<String>>,
}

impl Writer {
    /// Starts the thread; it owns the engine until [`stop`](Writer::stop).
    pub(crate) fn start(name: &str, engine: Box<dyn Engine>) -> io::Result<(Self, JoinHandle<()>)> {
        let (writer, desk, tasks) = Self::with_desk(engine);
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || desk.run(tasks))?;
        Ok((writer, thread))
    }

    /// Starts a task in the thread's place. The disk takes its time between a write and its sync.
    #[cfg(test)]
    pub(crate) fn simulated(engine: Box<dyn Engine>) -> (Self, tokio::task::JoinHandle<()>) {
        let (writer, mut desk, mut tasks) = Self::with_desk(engine);
        let task = crate::runtime::spawn(async move {
            while let Some(first) = tasks.recv().await {
                let batch = desk.gather(first, &mut tasks);
                let stop = batch.stop;
                let written = desk.write(&batch);
                let synced = crate::runtime::blocking(|| Ok(())).await;
                let result = written.and(synced).and_then(|()| desk.sync(&batch));
                batch.tell(&result);
                if stop {
                    break;
                }
            }
        });
        (writer, task)
    }

    fn with_desk(engine: Box<dyn Engine>) -> (Self, Desk, mpsc::Receiver<Task>) {
        let (queue, tasks) = mpsc::channel(QUEUE_TASKS);
        let syncs = Arc::new(AtomicU64::new(0));
        let (failed, failure) = watch::channel(None);
        let desk = Desk {
            engine,
            syncs: Arc::clone(&syncs),
            committed: None,
            failure: None,
            failed,
        };
        let writer = Self {
            queue,
            syncs,
            failure,
        };
        (writer, desk, tasks)
    }

    /// Queues a change.
    pub(crate) async fn write(&self, change: Change, told: Told) -> io::Result<()> {
        let task = Task::Write(change, told);
        self.queue.send(task).await.map_err(|_| stopped())
    }

    /// Queues a change and waits until it is durable.
    pub(crate) async fn write_durably(&self, change: Change) -> io::Result<()> {
        let (caller, told) = oneshot::channel();
        self.write(change, Told::Caller(caller)).await?;
        told.await.map_err(|_| stopped())?
    }

    /// Lets the thread finish what is queued and end.
    pub(crate) async fn stop(&self) {
        // A closed queue means the thread has ended already.
        drop(self.queue.send(Task::Stop).await);
    }

    /// Waits until nothing can be written any more; for ever, if the thread ends before.
    pub(crate) async fn failed(&self) {
        let mut failure = self.failure.clone();
        if failure.wait_for(Option::is_some).await.is_err() {
            std::future::pending().await
        }
    }

    /// Why nothing can be written any more.
    pub(crate) fn failure(&self) -> Option<String> {
        self.failure.borrow().clone()
    }

    /// How often the log was made durable.
    pub(crate) fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }
}

fn stopped() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the log has been closed")
}

/// What is written and synced at once.
#[derive(Default)]
struct Batch {
    changes: Vec<Change>,
    /// Who waits for the sync.
    waiting: Vec<Told>,
    /// Whether the writer ends after this one.
    stop: bool,
}

impl Batch {
    fn purges(&self) -> bool {
        let mut changes = self.changes.iter();
        changes.any(|change| matches!(change, Change::Purge(_)))
    }

    fn tell(self, result: &io::Result<()>) {
        for told in self.waiting {
            told.tell(result.as_ref().copied().map_err(clone_error));
        }
    }
}

/// What the thread works with.
struct Desk {
    engine: Box<dyn Engine>,
    syncs: Arc<AtomicU64>,
    /// The newest commit mark not yet written. It is a hint, worth no sync of its own: it goes
    /// with the next batch.
    committed: Option<Change>,
    /// After a failed write or sync nothing is known of the disk any more, so nothing is tried
    /// again: a second `fdatasync` may succeed without having written what the first one lost.
    failure: Option<(io::ErrorKind, String)>,
    /// Tells the node: nobody waits for a purge or a truncation.
    failed: watch::Sender<Option<String>>,
}

impl Desk {
    fn run(mut self, mut tasks: mpsc::Receiver<Task>) {
        let mut untidy = true;
        loop {
            let first = match tasks.try_recv() {
                Ok(task) => task,
                Err(_) if untidy => {
                    untidy = self.tidy();
                    continue;
                }
                Err(_) => match tasks.blocking_recv() {
                    Some(task) => task,
                    None => break,
                },
            };
            let batch = self.gather(first, &mut tasks);
            untidy |= batch.purges();
            let stop = batch.stop;
            let written = self.write(&batch);
            let result = written.and_then(|()| self.sync(&batch));
            batch.tell(&result);
            if stop {
                break;
            }
        }
        if let Err(error) = self.engine.close() {
            tracing::warn!(%error, "closing the log");
        }
    }

    /// A task and all that have queued up behind it.
    fn gather(&mut self, first: Task, tasks: &mut mpsc::Receiver<Task>) -> Batch {
        let mut batch = Batch::default();
        let mut next = Some(first);
        while let Some(task) = next {
            match task {
                Task::Stop => batch.stop = true,
                Task::Write(change @ Change::Committed(_), told) => {
                    self.committed = Some(change);
                    told.tell(Ok(()));
                }
                Task::Write(change, told) => {
                    batch.changes.push(change);
                    batch.waiting.push(told);
                }
            }
            let full = batch.changes.len() >= QUEUE_TASKS;
            next = if batch.stop || full {
                None
            } else {
                tasks.try_recv().ok()
            };
        }
        if batch.stop || !batch.changes.is_empty() {
            batch.changes.extend(self.committed.take());
        }
        batch
    }

    fn write(&mut self, batch: &Batch) -> io::Result<()> {
        if let Some((kind, reason)) = &self.failure {
            return Err(io::Error::new(*kind, reason.clone()));
        }
        if batch.changes.is_empty() {
            return Ok(());
        }
        let result = self.engine.write(&batch.changes);
        self.note(result)
    }

    fn sync(&mut self, batch: &Batch) -> io::Result<()> {
        if batch.changes.is_empty() {
            return Ok(());
        }
        let result = self.engine.sync();
        if result.is_ok() {
            self.syncs.fetch_add(1, Ordering::Relaxed);
        }
        self.note(result)
    }

    fn note(&mut self, result: io::Result<()>) -> io::Result<()> {
        if let Err(error) = &result {
            tracing::error!(%error, "the log cannot be written any more");
            self.failure = Some((error.kind(), error.to_string()));
            self.failed.send_replace(Some(error.to_string()));
        }
        result
    }

    fn tidy(&mut self) -> bool {
        if self.failure.is_some() {
            return false;
        }
        self.engine.tidy().unwrap_or_else(|error| {
            tracing::warn!(%error, "removing purged entries");
            false
        })
    }
}

fn clone_error(error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), error.to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc as channel;

    use openraft::type_config::TypeConfigExt;

    use super::*;
    use crate::engine::Stored;
    use crate::record::tests::{data, id};

    /// Notes what is done to it; every sync waits for a permit.
    struct Observed {
        seen: Arc<Mutex<Vec<String>>>,
        permits: channel::Receiver<io::Result<()>>,
        entered: channel::Sender<()>,
    }

    impl Engine for Observed {
        fn load(&mut self) -> io::Result<Stored> {
            Ok(Stored::default())
        }
        fn write(&mut self, changes: &[Change]) -> io::Result<()> {
            let batch = format!("write {}", changes.len());
            self.seen.lock().unwrap().push(batch);
            Ok(())
        }
        fn sync(&mut self) -> io::Result<()> {
            self.entered.send(()).unwrap();
            self.permits.recv().unwrap()?;
            self.seen.lock().unwrap().push("synced".to_owned());
            Ok(())
        }
        fn tidy(&mut self) -> io::Result<bool> {
            Ok(false)
        }
        fn close(self: Box<Self>) -> io::Result<()> {
            Ok(())
        }
    }

    struct Bench {
        writer: Writer,
        thread: JoinHandle<()>,
        seen: Arc<Mutex<Vec<String>>>,
        permit: channel::Sender<io::Result<()>>,
        entered: channel::Receiver<()>,
    }

    fn bench() -> Bench {
        let seen = Arc::default();
        let (permit, permits) = channel::channel();
        let (entering, entered) = channel::channel();
        let engine = Observed {
            seen: Arc::clone(&seen),
            permits,
            entered: entering,
        };
        let (writer, thread) = Writer::start("writer", Box::new(engine)).unwrap();
        Bench {
            writer,
            thread,
            seen,
            permit,
            entered,
        }
    }

    async fn append(writer: &Writer, index: u64) -> oneshot::Receiver<Result<(), io::Error>> {
        let (tell, told) = Types::oneshot();
        let change = Change::Append(vec![data(index, "entry")]);
        let flushed = IOFlushed::signal(tell);
        writer.write(change, Told::Raft(flushed)).await.unwrap();
        told
    }

    #[tokio::test]
    async fn an_append_completes_only_after_its_sync() {
        let bench = bench();
        let mut first = append(&bench.writer, 1).await;
        bench.entered.recv().unwrap();
        // Queued while the first sync is under way: they share the next one.
        let mut second = append(&bench.writer, 2).await;
        let mut third = append(&bench.writer, 3).await;
        assert!(first.try_recv().is_err());

        bench.permit.send(Ok(())).unwrap();
        bench.entered.recv().unwrap();
        first.await.unwrap().unwrap();
        assert!(second.try_recv().is_err());
        assert!(third.try_recv().is_err());
        assert_eq!(bench.writer.syncs(), 1);

        bench.permit.send(Ok(())).unwrap();
        second.await.unwrap().unwrap();
        third.await.unwrap().unwrap();
        assert_eq!(bench.writer.syncs(), 2);
        bench.writer.stop().await;
        bench.thread.join().unwrap();
        let seen = bench.seen.lock().unwrap().clone();
        assert_eq!(seen, ["write 1", "synced", "write 2", "synced"]);
    }

    #[tokio::test]
    async fn after_a_failed_sync_nothing_is_acknowledged_again() {
        let bench = bench();
        let first = append(&bench.writer, 1).await;
        bench
            .permit
            .send(Err(io::Error::other("no space")))
            .unwrap();
        assert!(first.await.unwrap().is_err());
        let second = append(&bench.writer, 2).await;
        let error = second.await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), "no space");
        assert_eq!(bench.writer.syncs(), 0);
        bench.writer.stop().await;
        bench.thread.join().unwrap();
    }

    #[tokio::test]
    async fn a_commit_mark_costs_no_sync_but_is_written_at_the_end() {
        let bench = bench();
        for index in 1..4 {
            let mark = Change::Committed(Some(id(1, 1, index)));
            bench.writer.write_durably(mark).await.unwrap();
        }
        assert!(bench.seen.lock().unwrap().is_empty());
        bench.permit.send(Ok(())).unwrap();
        bench.writer.stop().await;
        bench.thread.join().unwrap();
        assert_eq!(*bench.seen.lock().unwrap(), ["write 1", "synced"]);
    }
}
