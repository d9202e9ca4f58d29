//! Waiting for a key set: one stream per region, merged into one view.
//!
//! Nothing is asked twice: a region sends its state whenever it changes. Only a
//! stream that ended, or a region that does not have the key yet, is opened
//! again after a pause.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::call_failed::CallFailed;
use crate::client::Region;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Cluster;
    use crate::key_set::CURRENT;
    use crate::key_set::tests::state;
    use futures::StreamExt;
    use futures::stream::{BoxStream, iter, pending};
    use meridian_proto::v1::WatchKeySetRequest;
    use meridian_proto::v1::key_sets_server::{KeySets, KeySetsServer};
    use std::collections::{BTreeMap, HashMap, VecDeque};
    use std::sync::Mutex;
    use tokio_stream::wrappers::TcpListenerStream;
    use tonic::{Request, Response, Status};

    /// What a region answers to one attempt to watch.
    enum Answer {
        /// These states, and then the stream ends.
        Broken(Vec<KeySetState>),
        /// These states, and then silence.
        Open(Vec<KeySetState>),
        Refused(Status),
    }

    /// Regions that answer as they were told to, attempt by attempt.
    #[derive(Default)]
    struct Scripted(Mutex<BTreeMap<String, VecDeque<Answer>>>);

    #[tonic::async_trait]
    impl KeySets for Scripted {
        type WatchKeySetStream = BoxStream<'static, Result<KeySetState, Status>>;

        async fn watch_key_set(
            &self,
            request: Request<WatchKeySetRequest>,
        ) -> Result<Response<Self::WatchKeySetStream>, Status> {
            let region = request.metadata().get("x-meridian-region").unwrap();
            let mut script = self.0.lock().unwrap();
            let answers = script.get_mut(region.to_str().unwrap()).unwrap();
            match answers.pop_front() {
                Some(Answer::Broken(states)) => {
                    Ok(Response::new(iter(states.into_iter().map(Ok)).boxed()))
                }
                Some(Answer::Open(states)) => {
                    let states = iter(states.into_iter().map(Ok));
                    Ok(Response::new(states.chain(pending()).boxed()))
                }
                Some(Answer::Refused(status)) => Err(status),
                None => Ok(Response::new(pending().boxed())),
            }
        }
    }

    async fn watch(script: Vec<(&str, Vec<Answer>)>) -> Watch {
        let names: Vec<String> = script.iter().map(|(name, _)| (*name).to_owned()).collect();
        let script = script
            .into_iter()
            .map(|(name, answers)| (name.to_owned(), answers.into()));
        let service = KeySetsServer::new(Scripted(Mutex::new(script.collect())));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let server = tonic::transport::Server::builder().add_service(service);
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        let cluster = Cluster::connect_to(&endpoint, None).await.unwrap();
        let regions: Vec<Region> = names
            .iter()
            .map(|name| cluster.region(name).unwrap())
            .collect();
        Watch::open("mrk-1", &regions)
    }

    fn sees(material: &str) -> KeySetState {
        state(&[(material, CURRENT, true)])
    }

    fn current(set: &KeySet, region: &str) -> Option<String> {
        set.at(region)
            .and_then(|state| state.current_key_material_id.clone())
    }

    #[tokio::test]
    async fn waiting_ends_when_all_regions_have_told_the_awaited() {
        let mut watch = watch(vec![
            ("us", vec![Answer::Open(vec![sees("m1"), sees("m2")])]),
            ("eu", vec![Answer::Open(vec![sees("m2")])]),
        ])
        .await;
        let mut changes = Vec::new();
        watch
            .until(
                |set| current(set, "us") == current(set, "eu") && set.at("us").is_some(),
                |seen| {
                    if let Seen::Change(change) = seen {
                        changes.extend(change.differences.clone());
                    }
                },
            )
            .await
            .unwrap();
        assert_eq!(
            changes,
            ["material m2: new, CURRENT, imported", "material m1 is gone"]
        );
    }

    #[tokio::test]
    async fn a_stream_that_breaks_is_opened_again() {
        let mut watch = watch(vec![(
            "us",
            vec![
                Answer::Broken(vec![sees("m1")]),
                Answer::Open(vec![sees("m2")]),
            ],
        )])
        .await;
        let done = |set: &KeySet| current(set, "us").as_deref() == Some("m2");
        watch.until(done, |_| {}).await.unwrap();
    }

    #[tokio::test]
    async fn a_region_that_lacks_the_key_or_a_leader_is_waited_for() {
        let lacking = {
            use tonic_types::{ErrorDetails, StatusExt};
            let details = ErrorDetails::with_error_info("NotFoundException", "", HashMap::new());
            Status::with_error_details(tonic::Code::NotFound, "no such key", details)
        };
        let mut watch = watch(vec![(
            "us",
            vec![
                Answer::Refused(Status::unavailable("no leader")),
                Answer::Refused(lacking),
                Answer::Open(vec![sees("m1")]),
            ],
        )])
        .await;
        watch
            .until(|set| set.at("us").is_some(), |_| {})
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_refusal_ends_the_waiting() {
        let refused = Status::permission_denied("not yours");
        let mut watch = watch(vec![("us", vec![Answer::Refused(refused)])]).await;
        let failed = watch.until(|_| false, |_| {}).await.unwrap_err();
        assert!(failed.to_string().contains("not yours"), "{failed}");
    }
}
