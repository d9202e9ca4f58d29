//! Waiting for a key set: one stream per region, merged into one view.
//!
//! Nothing is asked twice: a region sends its state whenever it changes. Only a
//! stream that ended, or a region that does not have the key yet, is opened
//! again after a pause.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::client::Region;
use crate::failure::CallFailed;
use crate::key_set::KeySet;
use meridian_proto::v1::KeySetState;

/// Pause before a stream is opened again.
const REOPEN_PAUSE: Duration = Duration::from_millis(250);

/// How long nothing may happen before a waiting user is told why.
const QUIET: Duration = Duration::from_secs(3);

/// What one region has to say.
#[derive(Debug)]
enum News {
    State(Box<KeySetState>),
    /// The stream could not be opened or broke; it is being opened again.
    Lost(CallFailed),
}

/// A change in one region, for showing.
#[derive(Clone, Debug)]
pub struct Change {
    pub region: String,
    /// What became different, in words.
    pub differences: Vec<String>,
}

/// What a waiting command may show.
pub enum Seen<'a> {
    /// A region told something.
    Change(&'a Change),
    /// Nobody told anything for a while; said once in a row.
    Quiet(&'a KeySet),
}

/// The streams of one key in several regions, and what they told so far.
pub struct Watch {
    set: KeySet,
    news: mpsc::Receiver<(String, News)>,
    /// One per region; they end when the watch is dropped.
    _streams: JoinSet<()>,
}

impl Watch {
    /// Opens the streams of a key in all of the regions.
    pub fn open(key_id: &str, regions: &[Region]) -> Self {
        let (sender, news) = mpsc::channel(64);
        let mut streams = JoinSet::new();
        for region in regions {
            streams.spawn(follow(region.clone(), key_id.to_owned(), sender.clone()));
        }
        Self {
            set: KeySet::default(),
            news,
            _streams: streams,
        }
    }

    /// What is known now.
    pub fn set(&self) -> &KeySet {
        &self.set
    }

    /// Waits for the next news and gives what became different. A region that
    /// cannot be reached, or lacks the key, counts as silent.
    ///
    /// # Errors
    /// If a region refuses to tell: the caller may not know, or the request is wrong.
    pub async fn changed(&mut self) -> Result<Change, CallFailed> {
        loop {
            let next = self.news.recv().await;
            match next.expect("a stream ends only after the watch") {
                (region, News::State(state)) => {
                    let differences = self.set.learn(&region, *state);
                    return Ok(Change {
                        region,
                        differences,
                    });
                }
                (_, News::Lost(failed)) if is_silence(&failed) => {}
                (_, News::Lost(failed)) => return Err(failed),
            }
        }
    }

    /// Waits until what is known satisfies `done`, showing what happens.
    ///
    /// # Errors
    /// As [`changed`](Self::changed).
    pub async fn until(
        &mut self,
        done: impl Fn(&KeySet) -> bool,
        mut show: impl FnMut(Seen<'_>),
    ) -> Result<(), CallFailed> {
        while !done(&self.set) {
            let change = match tokio::time::timeout(QUIET, self.changed()).await {
                Ok(change) => change?,
                Err(_) => {
                    show(Seen::Quiet(&self.set));
                    self.changed().await?
                }
            };
            show(Seen::Change(&change));
        }
        Ok(())
    }
}

/// Whether to wait for better times.
fn is_silence(failed: &CallFailed) -> bool {
    failed.is_unanswered() || failed.is("NotFoundException")
}

/// Sends everything that the region tells, for as long as somebody listens.
async fn follow(region: Region, key_id: String, news: mpsc::Sender<(String, News)>) {
    loop {
        let lost = match region.watch_key_set(&key_id).await {
            Err(failed) => Some(failed),
            Ok(mut stream) => loop {
                match stream.message().await {
                    Ok(Some(state)) => {
                        let state = News::State(Box::new(state));
                        if news.send((region.name().to_owned(), state)).await.is_err() {
                            return;
                        }
                    }
                    Ok(None) => break None,
                    Err(status) => {
                        break Some(CallFailed::new("WatchKeySet", region.name(), &status));
                    }
                }
            },
        };
        if let Some(failed) = lost
            && news
                .send((region.name().to_owned(), News::Lost(failed)))
                .await
                .is_err()
        {
            return;
        }
        tokio::time::sleep(REOPEN_PAUSE).await;
    }
}
