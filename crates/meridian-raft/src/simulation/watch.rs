//! A watch channel that wakes those who wait in the order in which they came. tokio's own wakes
//! them in a random order, and then no two runs of a seed are the same.
//!
//! The calls are those of `tokio::sync::watch` that this crate uses, and openraft's.

use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock, RwLockReadGuard};

use openraft::rt::{OptionalSend, OptionalSync, watch};
use tokio::sync::Notify;

/// For openraft's runtime.
pub(crate) struct Watch;

#[derive(Debug)]
struct Shared<T> {
    value: RwLock<Versioned<T>>,
    changed: Notify,
    senders: AtomicUsize,
    receivers: AtomicUsize,
}

#[derive(Debug)]
struct Versioned<T> {
    version: u64,
    value: T,
}

/// A look at the value; nobody can change it meanwhile.
#[derive(Debug)]
pub struct Ref<'a, T>(RwLockReadGuard<'a, Versioned<T>>);

impl<T> Deref for Ref<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

/// No sender is left.
#[derive(Debug, Clone, Copy)]
pub struct Closed;

/// The side that changes the value.
#[derive(Debug)]
pub(crate) struct Sender<T>(Arc<Shared<T>>);

/// The side that waits for changes.
#[derive(Debug)]
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    seen: u64,
}

/// A channel that holds `value`.
pub(crate) fn channel<T>(value: T) -> (Sender<T>, Receiver<T>) {
    let sender = Sender::new(value);
    let receiver = sender.subscribe();
    (sender, receiver)
}

impl<T> Shared<T> {
    fn read(&self) -> Ref<'_, T> {
        Ref(self.value.read().expect("no holder of this lock panics"))
    }
}

impl<T> Sender<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Arc::new(Shared {
            value: RwLock::new(Versioned { version: 0, value }),
            changed: Notify::new(),
            senders: AtomicUsize::new(1),
            receivers: AtomicUsize::new(0),
        }))
    }

    pub(crate) fn send_if_modified(&self, modify: impl FnOnce(&mut T) -> bool) -> bool {
        let mut held = self.0.value.write().expect("no holder of this lock panics");
        let modified = modify(&mut held.value);
        if modified {
            held.version += 1;
            drop(held);
            self.0.changed.notify_waiters();
        }
        modified
    }

    pub(crate) fn send_modify(&self, modify: impl FnOnce(&mut T)) {
        self.send_if_modified(|value| {
            modify(value);
            true
        });
    }

    pub(crate) fn send_replace(&self, value: T) -> T {
        let mut old = value;
        self.send_modify(|held| std::mem::swap(held, &mut old));
        old
    }

    pub(crate) fn subscribe(&self) -> Receiver<T> {
        self.0.receivers.fetch_add(1, Ordering::Relaxed);
        let seen = self.0.read().0.version;
        let shared = Arc::clone(&self.0);
        Receiver { shared, seen }
    }
}

impl<T> Receiver<T> {
    pub(crate) fn borrow(&self) -> Ref<'_, T> {
        self.shared.read()
    }

    pub(crate) fn borrow_and_update(&mut self) -> Ref<'_, T> {
        let held = self.shared.read();
        self.seen = held.0.version;
        held
    }

    pub(crate) async fn changed(&mut self) -> Result<(), Closed> {
        loop {
            // Listens before it looks, or a change in between would go unnoticed.
            let changed = self.shared.changed.notified();
            let version = self.shared.read().0.version;
            if version != self.seen {
                self.seen = version;
                return Ok(());
            }
            if self.shared.senders.load(Ordering::Relaxed) == 0 {
                return Err(Closed);
            }
            changed.await;
        }
    }

    pub(crate) async fn wait_for(
        &mut self,
        mut wanted: impl FnMut(&T) -> bool,
    ) -> Result<Ref<'_, T>, Closed> {
        loop {
            if wanted(&self.borrow_and_update()) {
                return Ok(self.shared.read());
            }
            self.changed().await?;
        }
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.senders.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&self.0))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if self.0.senders.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.changed.notify_waiters();
        }
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.shared.receivers.fetch_add(1, Ordering::Relaxed);
        Self {
            shared: Arc::clone(&self.shared),
            seen: self.seen,
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.shared.receivers.fetch_sub(1, Ordering::Relaxed);
    }
}

impl watch::Watch for Watch {
    type Sender<T: OptionalSend + OptionalSync> = Sender<T>;
    type Receiver<T: OptionalSend + OptionalSync> = Receiver<T>;
    type Ref<'a, T: OptionalSend + 'a> = Ref<'a, T>;

    fn channel<T: OptionalSend + OptionalSync>(init: T) -> (Sender<T>, Receiver<T>) {
        channel(init)
    }
}

impl<T: OptionalSend + OptionalSync> watch::WatchSender<Watch, T> for Sender<T> {
    fn send(&self, value: T) -> Result<(), watch::SendError<T>> {
        if self.0.receivers.load(Ordering::Relaxed) == 0 {
            return Err(watch::SendError(value));
        }
        self.send_replace(value);
        Ok(())
    }

    fn send_if_modified<F: FnOnce(&mut T) -> bool>(&self, modify: F) -> bool {
        Sender::send_if_modified(self, modify)
    }

    fn borrow_watched(&self) -> Ref<'_, T> {
        self.0.read()
    }

    fn subscribe(&self) -> Receiver<T> {
        Sender::subscribe(self)
    }
}

impl<T: OptionalSend + OptionalSync> watch::WatchReceiver<Watch, T> for Receiver<T> {
    async fn changed(&mut self) -> Result<(), watch::RecvError> {
        let changed = Receiver::changed(self).await;
        changed.map_err(|Closed| watch::RecvError(()))
    }

    fn borrow_watched(&self) -> Ref<'_, T> {
        self.borrow()
    }

    fn borrow_and_update(&mut self) -> Ref<'_, T> {
        Receiver::borrow_and_update(self)
    }
}
