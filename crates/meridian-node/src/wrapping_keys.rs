//! Wrapping keys made ahead. Generating an RSA key takes up to seconds, and
//! GetParametersForImport answers in milliseconds: one background thread keeps
//! a few of each size ready.
//!
//! When more are asked for than it can make, the newest is handed out again: a
//! wrapping key protects material on its way, and its token is sealed either
//! way.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use meridian_crypto::{WrappingKey, WrappingKeySpec};
use tokio::sync::Notify;

const SPECS: [WrappingKeySpec; 3] = [
    WrappingKeySpec::Rsa2048,
    WrappingKeySpec::Rsa3072,
    WrappingKeySpec::Rsa4096,
];

/// Keys of each size kept ready.
// fidelity: assumed, AWS's wrapping keys are taken to be fresh for each call; here calls
// that come faster than keys can be made share one, also for different KMS keys.
const READY: usize = 2;

/// A pool shared by the nodes of a process.
pub struct WrappingKeys {
    state: Mutex<State>,
    /// Tells the generating thread that a key was taken.
    taken: Condvar,
    /// Tells waiting callers that a key was made.
    made: Notify,
}

#[derive(Default)]
struct State {
    ready: [VecDeque<WrappingKey>; SPECS.len()],
    stopped: bool,
}

impl WrappingKeys {
    /// A pool that fills itself until it is dropped.
    pub fn start() -> std::io::Result<Arc<WrappingKeys>> {
        let keys = Arc::new(WrappingKeys {
            state: Mutex::default(),
            taken: Condvar::new(),
            made: Notify::new(),
        });
        let weak = Arc::downgrade(&keys);
        std::thread::Builder::new()
            .name("wrapping-keys".into())
            .spawn(move || {
                loop {
                    // The pool may go while a key is being generated.
                    let Some(spec) = weak.upgrade().and_then(|keys| keys.next_wanted()) else {
                        return;
                    };
                    let key = WrappingKey::generate(SPECS[spec]);
                    let Some(keys) = weak.upgrade() else { return };
                    keys.put(spec, key);
                }
            })?;
        Ok(keys)
    }

    /// A key of this size, at once if there is one.
    pub async fn take(&self, spec: WrappingKeySpec) -> WrappingKey {
        let at = SPECS
            .iter()
            .position(|it| *it == spec)
            .expect("the pool has every size");
        loop {
            let made = self.made.notified();
            if let Some(key) = self.take_ready(at) {
                return key;
            }
            made.await;
        }
    }

    /// Ends the generating thread.
    pub fn stop(&self) {
        self.lock().stopped = true;
        self.taken.notify_all();
    }

    fn take_ready(&self, spec: usize) -> Option<WrappingKey> {
        let mut state = self.lock();
        let ready = &mut state.ready[spec];
        let key = if ready.len() > 1 {
            ready.pop_front()
        } else {
            let last = ready.front()?;
            WrappingKey::from_private_der(&last.to_private_der()).ok()
        };
        self.taken.notify_one();
        key
    }

    fn put(&self, spec: usize, key: WrappingKey) {
        self.lock().ready[spec].push_back(key);
        self.made.notify_waiters();
    }

    /// Waits until the pool wants a key; one of the size it has fewest of.
    fn next_wanted(&self) -> Option<usize> {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return None;
            }
            let fewest = (0..SPECS.len()).min_by_key(|spec| state.ready[*spec].len());
            if let Some(spec) = fewest.filter(|spec| state.ready[*spec].len() < READY) {
                return Some(spec);
            }
            state = self
                .taken
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn more_callers_than_keys_are_all_served() {
        let keys = WrappingKeys::start().unwrap();
        for _ in 0..READY + 2 {
            let key = keys.take(WrappingKeySpec::Rsa2048).await;
            assert_eq!(key.spec(), WrappingKeySpec::Rsa2048);
        }
        keys.stop();
    }
}
