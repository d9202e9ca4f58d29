//! What is killed, and when: after some more acknowledgements, never by the
//! clock alone, so that there is always load to interrupt.

use std::collections::BTreeSet;
use std::time::Duration;

use meridian_tests::{Gauges, LocalCluster, Place, eventually};
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::ledger::Ledger;

/// However much was killed, the clients get on again within this time.
const GETS_ON_WITHIN: Duration = Duration::from_secs(60);

/// How long the struck stay away if nothing is acknowledged without them.
const AWAY_MAX: Duration = Duration::from_millis(1500);

const COMPACTED_WITHIN: Duration = Duration::from_secs(120);
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(60);

/// Entries that a node may have taken in between the look at its log and its
/// end.
const SLACK: u64 = 200;

/// What one strike hits.
#[derive(Clone, Copy, Debug)]
enum Strike {
    Node(Place),
    /// All nodes of a region but one.
    Majority(Place),
    Region(&'static str),
    Everything,
}

/// Strikes so many times, with everything running again at the end; how many
/// processes were killed.
pub async fn run(cluster: &LocalCluster, ledger: &Ledger, count: usize, seed: u64) -> usize {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let strikes = plan(count, &mut rng);
    // One node misses the middle of the story.
    let (leaves, returns) = (count / 4, count / 2);
    let mut absent: Option<Absent> = None;
    let mut killed = 0;
    for (number, strike) in strikes.into_iter().enumerate() {
        if number == leaves {
            absent = Some(Absent::take(cluster, any_place(&mut rng)).await);
            killed += 1;
        }
        if number == returns
            && let Some(absent) = absent.take()
        {
            absent.bring_back(cluster).await;
        }
        let more = rng.random_range(1..40);
        let got_on = ledger.grows_by(more, GETS_ON_WITHIN).await;
        assert!(
            got_on,
            "no {more} acknowledgements in {GETS_ON_WITHIN:?} before strike {number}"
        );
        let mut struck: BTreeSet<Place> = strike.places().collect();
        if let Some(absent) = &absent {
            struck.remove(&absent.place);
        }
        strike.kill(cluster).await;
        killed += struck.len();
        ledger.grows_by(rng.random_range(0..15), AWAY_MAX).await;
        let starts = struck.iter().map(|place| cluster.start_node(*place));
        futures::future::join_all(starts).await;
    }
    if let Some(absent) = absent {
        absent.bring_back(cluster).await;
    }
    cluster.wait_until_healthy().await;
    killed
}

/// Half of the strikes hit a node, the rest all that can be hit.
fn plan(count: usize, rng: &mut ChaCha8Rng) -> Vec<Strike> {
    let mut strikes = Vec::new();
    for number in 0..count {
        strikes.push(match number % 10 {
            0 => Strike::Everything,
            1..=3 => Strike::Region(any_place(rng).region),
            4 => Strike::Majority(any_place(rng)),
            _ => Strike::Node(any_place(rng)),
        });
    }
    strikes.shuffle(rng);
    strikes
}

fn any_place(rng: &mut ChaCha8Rng) -> Place {
    let places: Vec<Place> = Place::all().collect();
    *places.choose(rng).expect("there are places")
}

impl Strike {
    fn places(self) -> impl Iterator<Item = Place> {
        Place::all().filter(move |place| match self {
            Strike::Node(one) => *place == one,
            Strike::Majority(spared) => place.region == spared.region && *place != spared,
            Strike::Region(region) => place.region == region,
            Strike::Everything => true,
        })
    }

    async fn kill(self, cluster: &LocalCluster) {
        match self {
            Strike::Region(region) => drop(cluster.script(&["kill", region]).await),
            Strike::Everything => drop(cluster.script(&["kill"]).await),
            Strike::Node(_) | Strike::Majority(_) => {
                let kills = self.places().map(|place| cluster.kill_node(place));
                futures::future::join_all(kills).await;
            }
        }
    }
}

/// A node that is kept away until its peers can no longer send it the entries
/// it lacks.
struct Absent {
    place: Place,
    last_log: u64,
}

impl Absent {
    async fn take(cluster: &LocalCluster, place: Place) -> Absent {
        let look = async || cluster.gauges(place).await;
        let gauges = eventually("the node answers", GETS_ON_WITHIN, look, Option::is_some).await;
        let last_log = gauges.expect("it was accepted").last_log();
        cluster.kill_node(place).await;
        Absent { place, last_log }
    }

    async fn bring_back(self, cluster: &LocalCluster) {
        let Absent { place, last_log } = self;
        let purged = async || {
            let mut purged = Vec::new();
            for peer in Place::of(place.region).filter(|peer| *peer != place) {
                purged.push(
                    cluster
                        .gauges(peer)
                        .await
                        .map_or(0, |gauges| gauges.purged()),
                );
            }
            purged
        };
        let beyond = |purged: &Vec<u64>| purged.iter().all(|purged| *purged > last_log + SLACK);
        let what = format!("the peers of {place} forget what follows entry {last_log}");
        let purged = eventually(&what, COMPACTED_WITHIN, purged, beyond).await;
        cluster.start_node(place).await;
        let least = purged.into_iter().min().unwrap_or_default();
        let look = async || cluster.gauges(place).await;
        let caught_up = |gauges: &Option<_>| is_beyond(gauges, least);
        let what = format!("{place} has a snapshot beyond entry {least}");
        let gauges = eventually(&what, CAUGHT_UP_WITHIN, look, caught_up).await;
        let snapshot = gauges.map_or(0, |gauges| gauges.snapshot());
        println!("{place} was away after entry {last_log}; a snapshot took it to {snapshot}");
    }
}

fn is_beyond(gauges: &Option<Gauges>, index: u64) -> bool {
    let beyond = |gauges: &Gauges| gauges.snapshot() >= index && gauges.applied() >= index;
    gauges.as_ref().is_some_and(beyond)
}
