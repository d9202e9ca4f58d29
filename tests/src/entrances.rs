//! `Entrances`: all ports through which one region can be reached.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::failure::Failure;

/// Pause before the next entrance is tried.
const PAUSE: Duration = Duration::from_millis(20);

/// The ways into one region: the front doors, and the ports of its nodes.
pub struct Entrances {
    clients: Vec<Client>,
    next: AtomicUsize,
}

/// A call that has not succeeded for too long.
#[derive(Debug)]
pub struct Stuck {
    what: String,
    last: Failure,
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} does not succeed: {}", self.what, self.last)
    }
}

impl Entrances {
    pub(crate) fn new(clients: Vec<Client>) -> Entrances {
        Entrances {
            clients,
            next: AtomicUsize::new(0),
        }
    }

    /// The next one, round and round.
    pub fn next(&self) -> Client {
        let at = self.next.fetch_add(1, Ordering::Relaxed) % self.clients.len();
        self.clients[at].clone()
    }

    /// Calls through one entrance after the other until it succeeds. The call
    /// may have its effect more than once.
    ///
    /// # Errors
    /// [`Stuck`] if it has not succeeded within the time.
    pub async fn insist<T>(
        &self,
        what: &str,
        within: Duration,
        call: impl AsyncFn(Client) -> Result<T, Failure>,
    ) -> Result<T, Stuck> {
        let deadline = Instant::now() + within;
        loop {
            match call(self.next()).await {
                Ok(answer) => return Ok(answer),
                Err(last) if Instant::now() >= deadline => {
                    let what = what.to_owned();
                    return Err(Stuck { what, last });
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
}
