//! R7, in time: where nothing is wrong, every member of a set has what its
//! author has agreed on within a bounded time.

use std::collections::BTreeMap;

use meridian_kms::KeyRef;
use meridian_kms::key_set::Version;

use crate::history::Seen;
use crate::sighting::Sighting;
use crate::verdict::{Bench, Kept, Objection, Promise};

/// The longest that a fact takes where nothing is wrong, in milliseconds: an
/// election, and twice a push that was lost and is noticed after five seconds.
pub(crate) const CALM_MAX_MS: i64 = 20_000;

/// How often bounds are looked at, in milliseconds.
const LOOK_EVERY_MS: i64 = 1_000;

/// Says when it is time to look at bounds. A history that tells of no fault
/// says nothing about what was wrong, and has no bounds.
#[derive(Default)]
pub(crate) struct Clock {
    tells_of_faults: bool,
    next_ms: i64,
}

impl Clock {
    pub(crate) fn is_time_to_look(&mut self, seen: &Seen, now_ms: i64) -> bool {
        self.tells_of_faults |= matches!(seen, Seen::FaultBegan { .. });
        if !self.tells_of_faults || now_ms < self.next_ms {
            return false;
        }
        self.next_ms = now_ms + LOOK_EVERY_MS;
        true
    }
}

/// One change on its way from its author to the members of the set.
struct Change {
    version: Version,
    author: usize,
    began_ms: i64,
    /// Members that do not have it.
    behind: Vec<usize>,
}

/// What each region has, and what is on its way to it.
#[derive(Default)]
pub struct BoundedTime {
    versions: BTreeMap<(KeyRef, usize), Version>,
    under_way: BTreeMap<KeyRef, Vec<Change>>,
    clock: Clock,
}

const NAME: &str = "R7 convergence in bounded time";

impl Promise for BoundedTime {
    fn name(&self) -> &'static str {
        NAME
    }

    fn see(&mut self, seen: &Seen, _: Option<&Sighting>, bench: &mut Bench<'_>) -> Kept {
        match seen {
            Seen::Saw { region, key, .. } => self.saw(*region, key, bench),
            Seen::Gone { region, key, .. } => {
                self.versions.remove(&(*key, *region));
                self.arrived(*key, *region, None, bench);
            }
            _ => {}
        }
        if self.clock.is_time_to_look(seen, bench.now_ms) {
            return self.bounded(bench);
        }
        Ok(())
    }
}

impl BoundedTime {
    fn saw(&mut self, region: usize, key: &Sighting, bench: &mut Bench<'_>) {
        let before = self.versions.insert((key.key, region), key.version);
        if before == Some(key.version) {
            return;
        }
        self.arrived(key.key, region, Some(key.version), bench);
        if !key.author {
            return;
        }
        let members = key.replicas.iter().filter_map(|(name, joined)| {
            let member = bench.place(name)?;
            let has = self.versions.get(&(key.key, member));
            // A replica that has joined by this change is still to be made.
            let behind = has.map_or(*joined == key.version, |has| *has < key.version);
            behind.then_some(member)
        });
        let behind: Vec<usize> = members.filter(|member| *member != region).collect();
        if !behind.is_empty() {
            self.under_way.entry(key.key).or_default().push(Change {
                version: key.version,
                author: region,
                began_ms: bench.now_ms,
                behind,
            });
        }
    }

    /// A region has a version of a key, or has the key no more.
    fn arrived(
        &mut self,
        key: KeyRef,
        region: usize,
        version: Option<Version>,
        bench: &mut Bench<'_>,
    ) {
        let Some(changes) = self.under_way.get_mut(&key) else {
            return;
        };
        let (now_ms, healed_ms) = (bench.now_ms, bench.disturbances.healed_ms());
        for change in changes.iter_mut() {
            let reached = version.is_none_or(|version| version >= change.version);
            if !reached || !change.behind.contains(&region) {
                continue;
            }
            change.behind.retain(|it| *it != region);
            if !change.behind.is_empty() || version.is_none() {
                continue;
            }
            bench.looked(NAME);
            bench.timings.convergence.took(now_ms - change.began_ms);
            if let Some(healed_ms) = healed_ms.filter(|healed| *healed > change.began_ms) {
                let after = &mut bench.timings.convergence_after_healing;
                after.took(now_ms - healed_ms);
            }
        }
        changes.retain(|change| !change.behind.is_empty());
    }

    fn bounded(&self, bench: &mut Bench<'_>) -> Kept {
        for (key, changes) in &self.under_way {
            for change in changes {
                for region in &change.behind {
                    let calm = bench.disturbances.calm_since_ms(change.author, *region);
                    let Some(calm_ms) = calm else { continue };
                    let waits_ms = bench.now_ms - calm_ms.max(change.began_ms);
                    if waits_ms > CALM_MAX_MS {
                        let what = format!(
                            "{} lacks a change of {key} that {} made {waits_ms} ms ago, and \
                             nothing is wrong between them",
                            bench.name(*region),
                            bench.name(change.author)
                        );
                        let regions = [change.author, *region];
                        return Err(Objection::from(what).about(*key, regions));
                    }
                }
            }
        }
        Ok(())
    }
}
