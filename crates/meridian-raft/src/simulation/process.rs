//! A simulated process: the tasks of one incarnation of a node, which can be killed or paused at
//! any moment.
//!
//! A task belongs to the process whose task started it. Killing drops them all at once, wherever
//! they wait; a paused process takes no step until it is resumed, while time goes on.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::task::{AbortHandle, JoinHandle};

use super::dice;
use crate::NodeId;

thread_local! {
    static CURRENT: RefCell<Option<Process>> = const { RefCell::new(None) };
}

/// See the module. Clones name the same process.
#[derive(Clone)]
pub(super) struct Process {
    node: NodeId,
    life: Arc<Mutex<Life>>,
}

#[derive(Default)]
struct Life {
    dead: bool,
    paused: bool,
    /// Who is to be polled again once the process is resumed.
    asleep: Vec<Waker>,
    tasks: Vec<AbortHandle>,
    /// Tasks at which finished ones are cleared away.
    full: usize,
    /// What the disk may take for one step, milliseconds.
    disk_ms: (u64, u64),
}

impl Process {
    pub(super) fn new(node: NodeId) -> Self {
        let process = Self {
            node,
            life: Arc::default(),
        };
        process.lock().disk_ms = (1, 2);
        process
    }

    /// The process whose task is being polled.
    pub(super) fn current() -> Option<Self> {
        CURRENT.with_borrow(Clone::clone)
    }

    pub(super) fn is_dead(&self) -> bool {
        self.lock().dead
    }

    pub(super) fn is_paused(&self) -> bool {
        self.lock().paused
    }

    /// Starts a task of this process.
    pub(super) fn spawn<T>(&self, task: T) -> JoinHandle<T::Output>
    where
        T: Future + Send + 'static,
        T::Output: Send + 'static,
    {
        let handle = tokio::spawn(Hosted {
            process: self.clone(),
            task: Box::pin(task),
        });
        let mut life = self.lock();
        if life.tasks.len() > life.full {
            life.tasks.retain(|task| !task.is_finished());
            life.full = 64 + 2 * life.tasks.len();
        }
        life.tasks.push(handle.abort_handle());
        if life.dead {
            handle.abort();
        }
        handle
    }

    /// Ends every task where it stands.
    pub(super) fn kill(&self) {
        let tasks = {
            let mut life = self.lock();
            life.dead = true;
            life.asleep.clear();
            std::mem::take(&mut life.tasks)
        };
        for task in tasks {
            task.abort();
        }
    }

    pub(super) fn pause(&self) {
        self.lock().paused = true;
    }

    pub(super) fn resume(&self) {
        let asleep = {
            let mut life = self.lock();
            life.paused = false;
            std::mem::take(&mut life.asleep)
        };
        for waker in asleep {
            waker.wake();
        }
    }

    /// Sets what one step of the disk takes, from and to.
    pub(super) fn set_disk_ms(&self, from: u64, to: u64) {
        self.lock().disk_ms = (from, to);
    }

    fn lock(&self) -> MutexGuard<'_, Life> {
        self.life.lock().expect("no holder of this lock panics")
    }
}

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process of node {}", self.node)
    }
}

/// Does what may block in the time that the process's disk takes for it; at once outside a
/// process.
pub(crate) async fn on_disk<T>(work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    if let Some(process) = Process::current() {
        let (from, to) = process.lock().disk_ms;
        let delay_ms = dice::between(from, to);
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
    }
    work()
}

/// A task of a process.
struct Hosted<T> {
    process: Process,
    task: Pin<Box<T>>,
}

impl<T: Future> Future for Hosted<T> {
    type Output = T::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T::Output> {
        {
            let mut life = self.process.lock();
            if life.dead {
                return Poll::Pending;
            }
            if life.paused {
                life.asleep.push(context.waker().clone());
                return Poll::Pending;
            }
        }
        let before = CURRENT.replace(Some(self.process.clone()));
        let polled = self.task.as_mut().poll(context);
        CURRENT.set(before);
        polled
    }
}
