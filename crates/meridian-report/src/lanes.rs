//! Lanes: what each region had of a key set over time.

use std::collections::BTreeMap;

use meridian_crypto::MaterialId;
use meridian_judge::history::Seen;
use meridian_judge::sighting::Sighting;
use meridian_kms::{KeyRef, KeyState};

use crate::run::Run;
use crate::spans::{Span, Spans};

/// One key set in all regions.
pub(crate) struct KeySet {
    pub(crate) key: KeyRef,
    /// Its materials in the order in which they were first seen.
    pub(crate) materials: Vec<MaterialId>,
    /// One for each region, in their order.
    pub(crate) lanes: Vec<Lane>,
    /// How much was seen of it.
    pub(crate) sightings: usize,
}

/// One key set in one region.
pub(crate) struct Lane {
    pub(crate) states: Vec<Span<KeyState>>,
    /// The current material, by its place in the set's list.
    pub(crate) current: Vec<Span<usize>>,
    /// The material that a rotation under way leads to, likewise.
    pub(crate) rotation: Vec<Span<usize>>,
    /// Whether it was the primary.
    pub(crate) primary: Vec<Span<()>>,
}

#[derive(Default)]
struct Growing {
    materials: Vec<MaterialId>,
    lanes: BTreeMap<usize, GrowingLane>,
    sightings: usize,
}

#[derive(Default)]
struct GrowingLane {
    states: Spans<KeyState>,
    current: Spans<usize>,
    rotation: Spans<usize>,
    primary: Spans<()>,
}

/// All key sets; first the one that a violation is about, then those of which
/// most was seen.
pub(crate) fn key_sets(run: &Run<'_>) -> Vec<KeySet> {
    let mut growing: BTreeMap<KeyRef, Growing> = BTreeMap::new();
    for seen in &run.history.seen {
        match seen {
            Seen::Saw { at_ms, region, key } => {
                growing
                    .entry(key.key)
                    .or_default()
                    .saw(*at_ms, *region, key);
            }
            Seen::Gone { at_ms, region, key } => {
                if let Some(lane) = growing.get_mut(key).and_then(|it| it.lanes.get_mut(region)) {
                    lane.states.becomes(*at_ms, None);
                    lane.current.becomes(*at_ms, None);
                    lane.rotation.becomes(*at_ms, None);
                    lane.primary.becomes(*at_ms, None);
                }
            }
            _ => {}
        }
    }
    let (regions, end_ms) = (run.history.regions.len(), run.end_ms());
    let ended = growing
        .into_iter()
        .map(|(key, it)| it.end(key, regions, end_ms));
    let mut sets: Vec<KeySet> = ended.collect();
    let violated = run.verdict.violation.as_ref().and_then(|it| it.key);
    sets.sort_by_key(|set| (Some(set.key) != violated, usize::MAX - set.sightings));
    sets
}

impl Growing {
    fn saw(&mut self, at_ms: i64, region: usize, key: &Sighting) {
        self.sightings += 1;
        for material in &key.materials {
            if !self.materials.contains(&material.id) {
                self.materials.push(material.id);
            }
        }
        let place = |id: &MaterialId| self.materials.iter().position(|it| it == id);
        let current = key.current().and_then(|it| place(&it.id));
        let rotation = key.rotation.as_ref().and_then(|(id, _)| place(id));
        let lane = self.lanes.entry(region).or_default();
        lane.states.becomes(at_ms, Some(key.state));
        lane.current.becomes(at_ms, current);
        lane.rotation.becomes(at_ms, rotation);
        lane.primary.becomes(at_ms, key.is_primary().then_some(()));
    }

    fn end(mut self, key: KeyRef, regions: usize, end_ms: i64) -> KeySet {
        let lanes = (0..regions).map(|region| {
            let lane = self.lanes.remove(&region).unwrap_or_default();
            Lane {
                states: lane.states.until(end_ms),
                current: lane.current.until(end_ms),
                rotation: lane.rotation.until(end_ms),
                primary: lane.primary.until(end_ms),
            }
        });
        KeySet {
            key,
            lanes: lanes.collect(),
            materials: self.materials,
            sightings: self.sightings,
        }
    }
}
