//! Mixed window: the time in which regions encrypt under different materials
//! of one set. It begins with the first region that switches and ends with the
//! last; where nothing is wrong it is no longer than facts take to be told.

use std::collections::BTreeMap;

use meridian_crypto::MaterialId;
use meridian_kms::KeyRef;
use meridian_kms::key_set::Version;

use crate::bounded_time::{CALM_MAX_MS, Clock};
use crate::history::Seen;
use crate::sighting::Sighting;
use crate::verdict::{Bench, Kept, Objection, Promise};

/// A material by the moment at which it entered the set, and its ID.
type Current = (Version, MaterialId);

/// One rotation on its way through the regions.
struct Window {
    key: KeyRef,
    to: Current,
    /// The region that switched first.
    first: usize,
    began_ms: i64,
    /// Regions that still encrypt under an older material.
    behind: Vec<usize>,
}

/// What is current where, and the windows that are open.
#[derive(Default)]
pub struct MixedWindow {
    current: BTreeMap<(KeyRef, usize), Current>,
    open: Vec<Window>,
    clock: Clock,
}

impl Promise for MixedWindow {
    fn name(&self) -> &'static str {
        "mixed window"
    }

    fn see(&mut self, seen: &Seen, _: Option<&Sighting>, bench: &mut Bench<'_>) -> Kept {
        match seen {
            Seen::Saw { region, key, .. } => {
                let current = key.current().map(|it| (it.registered, it.id));
                if let Some(current) = current {
                    self.switched(*region, key.key, current, bench);
                }
            }
            Seen::Gone { region, key, .. } => {
                self.current.remove(&(*key, *region));
                self.leave(*key, *region, None, bench);
            }
            _ => {}
        }
        if self.clock.is_time_to_look(seen, bench.now_ms) {
            return self.bounded(bench);
        }
        Ok(())
    }
}

impl MixedWindow {
    fn switched(&mut self, region: usize, key: KeyRef, to: Current, bench: &mut Bench<'_>) {
        let before = self.current.insert((key, region), to);
        if before.is_none_or(|before| before >= to) {
            return;
        }
        self.leave(key, region, Some(to), bench);
        if self.open.iter().any(|it| it.key == key && it.to == to) {
            return;
        }
        let here = self.current.range((key, 0)..=(key, usize::MAX));
        let behind: Vec<usize> = here
            .filter(|(_, current)| **current < to)
            .map(|((_, other), _)| *other)
            .collect();
        let anywhere = self.current.range((key, 0)..=(key, usize::MAX));
        if behind.len() + 1 < anywhere.count() || behind.is_empty() {
            // Others were first, and all have followed; or there is no other.
            return;
        }
        self.open.push(Window {
            key,
            to,
            first: region,
            began_ms: bench.now_ms,
            behind,
        });
    }

    /// A region has caught up with these windows of a key; with all of them
    /// when it has the key no more.
    fn leave(&mut self, key: KeyRef, region: usize, to: Option<Current>, bench: &mut Bench<'_>) {
        let now_ms = bench.now_ms;
        for window in &mut self.open {
            let caught_up = to.is_none_or(|to| to >= window.to);
            if window.key != key || !caught_up || !window.behind.contains(&region) {
                continue;
            }
            window.behind.retain(|it| *it != region);
            if to.is_none() {
                continue;
            }
            bench.looked("mixed window");
            let took_ms = now_ms - window.began_ms;
            let pair = format!("{} → {}", bench.name(window.first), bench.name(region));
            let pairs = &mut bench.timings.mixed_window_by_pair;
            pairs.entry(pair).or_default().took(took_ms);
            if window.behind.is_empty() {
                bench.timings.mixed_window.took(took_ms);
            }
        }
        self.open.retain(|window| !window.behind.is_empty());
    }

    fn bounded(&self, bench: &mut Bench<'_>) -> Kept {
        for window in &self.open {
            for region in &window.behind {
                let calm = bench.disturbances.calm_since_ms(window.first, *region);
                let Some(calm_ms) = calm else { continue };
                let waits_ms = bench.now_ms - calm_ms.max(window.began_ms);
                if waits_ms > CALM_MAX_MS {
                    let (here, first) = (bench.name(*region), bench.name(window.first));
                    let what = format!(
                        "{here} has not followed {first} to {} for {waits_ms} ms, and nothing is \
                         wrong between them",
                        window.to.1
                    );
                    let regions = [window.first, *region];
                    return Err(Objection::from(what).about(window.key, regions));
                }
            }
        }
        Ok(())
    }
}
