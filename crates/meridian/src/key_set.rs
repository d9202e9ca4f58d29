//! A key set as its regions see it, each for itself, and what can be read from that.

use std::collections::BTreeMap;

use meridian_proto::v1::{KeySetMaterial, KeySetState};

/// State of a material that encrypts.
pub const CURRENT: &str = "CURRENT";
/// State of a material that encrypted once.
pub const NON_CURRENT: &str = "NON_CURRENT";
/// State of a material that every region holds and that can be rotated to.
pub const PENDING_ROTATION: &str = "PENDING_ROTATION";
/// State of a material that some region has yet to import.
pub const PENDING_IMPORT_AND_ROTATION: &str = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION";
/// Import state of a material whose bytes a region holds.
pub const IMPORTED: &str = "IMPORTED";

/// The last known state of one key, by region. A region that was not heard of
/// or that lacks the key has none.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    states: BTreeMap<String, KeySetState>,
}

impl KeySet {
    /// Takes the newer state of a region and gives what became different, in words.
    pub fn learn(&mut self, region: &str, state: KeySetState) -> Vec<String> {
        let before = self.states.get(region);
        let differences = differences(before, &state);
        if state.deleted {
            self.states.remove(region);
        } else {
            self.states.insert(region.to_owned(), state);
        }
        differences
    }

    /// What the region said last.
    pub fn at(&self, region: &str) -> Option<&KeySetState> {
        self.states.get(region)
    }

    /// The material as the region knows it.
    pub fn material(&self, region: &str, id: &str) -> Option<&KeySetMaterial> {
        self.at(region).and_then(|state| material(state, id))
    }

    /// Whether the region can import the material's bytes: it has heard of it.
    pub fn knows(&self, region: &str, id: &str) -> bool {
        self.material(region, id).is_some()
    }

    /// Whether the material has this state in all of the regions.
    pub fn all_show(&self, regions: &[String], id: &str, material_state: &str) -> bool {
        regions.iter().all(|region| {
            self.material(region, id)
                .is_some_and(|material| material.key_material_state == material_state)
        })
    }

    /// Whether all of the regions have a current material and agree on it, and
    /// none knows of a running rotation.
    pub fn settled_material(&self, regions: &[String]) -> Option<String> {
        let mut settled: Option<&String> = None;
        for region in regions {
            let state = self.at(region).filter(|state| state.rotation.is_none())?;
            let current = state.current_key_material_id.as_ref()?;
            if settled.is_some_and(|other| other != current) {
                return None;
            }
            settled = Some(current);
        }
        settled.cloned()
    }

    /// The ids of all materials that any region knows, oldest first.
    pub fn material_ids(&self, regions: &[String]) -> Vec<String> {
        let mut ids: Vec<String> = Vec::new();
        let states = regions.iter().filter_map(|region| self.at(region));
        for material in states.flat_map(|state| &state.materials) {
            if !ids.contains(&material.key_material_id) {
                ids.push(material.key_material_id.clone());
            }
        }
        ids
    }
}

/// The material with this id.
pub fn material<'a>(state: &'a KeySetState, id: &str) -> Option<&'a KeySetMaterial> {
    let mut materials = state.materials.iter();
    materials.find(|material| material.key_material_id == id)
}

/// The beginning of a material id: enough to tell the materials of a key apart.
pub fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// What became different from one state of a region to the next, a line each.
/// Nothing for the first state: that is no change.
fn differences(before: Option<&KeySetState>, after: &KeySetState) -> Vec<String> {
    let mut out = Vec::new();
    if after.deleted {
        out.push("the key is gone".to_owned());
        return out;
    }
    let Some(before) = before else { return out };
    if before.key_state != after.key_state {
        out.push(format!(
            "key state {} → {}",
            before.key_state, after.key_state
        ));
    }
    if before.primary_region != after.primary_region {
        out.push(format!(
            "primary {} → {}",
            before.primary_region, after.primary_region
        ));
    }
    let waiting = |state: &KeySetState| {
        let rotation = state.rotation.as_ref();
        rotation.map(|rotation| rotation.waiting_for_regions.clone())
    };
    match (&before.rotation, &after.rotation) {
        (None, Some(rotation)) => out.push(format!(
            "rotation to {} has begun",
            short(&rotation.key_material_id)
        )),
        (Some(_), Some(_)) if waiting(before) != waiting(after) => out.push(format!(
            "rotation waits for {}",
            waiting(after).unwrap_or_default().join(", ")
        )),
        _ => {}
    }
    for material in &after.materials {
        out.extend(material_difference(before, material));
    }
    for gone in &before.materials {
        if self::material(after, &gone.key_material_id).is_none() {
            out.push(format!("material {} is gone", short(&gone.key_material_id)));
        }
    }
    out
}

fn material_difference(before: &KeySetState, after: &KeySetMaterial) -> Option<String> {
    let id = short(&after.key_material_id);
    let held = |material: &KeySetMaterial| match material.import_state.as_deref() {
        None => String::new(),
        Some(IMPORTED) => ", imported".to_owned(),
        Some(_) => ", not imported".to_owned(),
    };
    let Some(before) = material(before, &after.key_material_id) else {
        return Some(format!(
            "material {id}: new, {}{}",
            after.key_material_state,
            held(after)
        ));
    };
    if before.key_material_state != after.key_material_state {
        return Some(format!(
            "material {id}: {} → {}{}",
            before.key_material_state,
            after.key_material_state,
            held(after)
        ));
    }
    (before.import_state != after.import_state).then(|| {
        let done = if after.import_state.as_deref() == Some(IMPORTED) {
            "imported"
        } else {
            "bytes gone"
        };
        format!("material {id}: {done}")
    })
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use meridian_proto::v1::KeySetRotation;

    /// A key in one region with materials `(id, state, imported)`.
    pub fn state(materials: &[(&str, &str, bool)]) -> KeySetState {
        let current = materials.iter().find(|(_, state, _)| *state == CURRENT);
        KeySetState {
            key_state: "Enabled".into(),
            role: "REPLICA".into(),
            primary_region: "us-east-1".into(),
            current_key_material_id: current.map(|(id, _, _)| (*id).to_owned()),
            materials: materials
                .iter()
                .map(|(id, state, imported)| KeySetMaterial {
                    key_material_id: (*id).into(),
                    key_material_state: (*state).into(),
                    import_state: Some(
                        if *imported {
                            IMPORTED
                        } else {
                            "PENDING_IMPORT"
                        }
                        .into(),
                    ),
                    ..Default::default()
                })
                .collect(),
            ..Default::default()
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn a_state_is_reached_when_every_region_shows_it() {
        let mut set = KeySet::default();
        let regions = names(&["eu", "us"]);
        assert!(!set.all_show(&regions, "m2", PENDING_ROTATION));
        set.learn("us", state(&[("m2", PENDING_ROTATION, true)]));
        assert!(!set.all_show(&regions, "m2", PENDING_ROTATION));
        set.learn("eu", state(&[("m2", PENDING_IMPORT_AND_ROTATION, true)]));
        assert!(!set.all_show(&regions, "m2", PENDING_ROTATION));
        set.learn("eu", state(&[("m2", PENDING_ROTATION, true)]));
        assert!(set.all_show(&regions, "m2", PENDING_ROTATION));
    }

    #[test]
    fn regions_are_settled_when_they_agree_and_nothing_runs() {
        let regions = names(&["eu", "us"]);
        let mut set = KeySet::default();
        set.learn("us", state(&[("m1", CURRENT, true)]));
        assert_eq!(set.settled_material(&regions), None);
        set.learn("eu", state(&[("m2", CURRENT, true)]));
        assert_eq!(set.settled_material(&regions), None);
        let mut rotating = state(&[("m1", CURRENT, true)]);
        rotating.rotation = Some(KeySetRotation::default());
        set.learn("eu", rotating);
        assert_eq!(set.settled_material(&regions), None);
        set.learn("eu", state(&[("m1", CURRENT, true)]));
        assert_eq!(set.settled_material(&regions).as_deref(), Some("m1"));
    }

    #[test]
    fn a_first_look_is_no_change() {
        assert!(
            KeySet::default()
                .learn("eu", state(&[("m1", CURRENT, true)]))
                .is_empty()
        );
    }

    #[test]
    fn every_change_of_a_material_is_told_once() {
        let mut set = KeySet::default();
        set.learn("eu", state(&[("m1", CURRENT, true)]));
        let heard = state(&[
            ("m1", CURRENT, true),
            ("m2", PENDING_IMPORT_AND_ROTATION, false),
        ]);
        assert_eq!(
            set.learn("eu", heard.clone()),
            ["material m2: new, PENDING_MULTI_REGION_IMPORT_AND_ROTATION, not imported"]
        );
        assert!(set.learn("eu", heard).is_empty());
        let imported = state(&[
            ("m1", CURRENT, true),
            ("m2", PENDING_IMPORT_AND_ROTATION, true),
        ]);
        assert_eq!(set.learn("eu", imported), ["material m2: imported"]);
        let switched = state(&[("m1", "NON_CURRENT", true), ("m2", CURRENT, true)]);
        assert_eq!(
            set.learn("eu", switched),
            [
                "material m1: CURRENT → NON_CURRENT, imported",
                "material m2: PENDING_MULTI_REGION_IMPORT_AND_ROTATION → CURRENT, imported",
            ]
        );
        let replaced = state(&[("m2", CURRENT, true)]);
        assert_eq!(set.learn("eu", replaced), ["material m1 is gone"]);
    }

    #[test]
    fn a_rotation_tells_when_it_begins_and_for_whom_it_waits() {
        let mut set = KeySet::default();
        let mut rotating = state(&[("m1", CURRENT, true)]);
        set.learn("us", rotating.clone());
        let waiting = |regions: &[&str]| {
            Some(KeySetRotation {
                key_material_id: "m2".into(),
                started: None,
                waiting_for_regions: names(regions),
            })
        };
        rotating.rotation = waiting(&["ap", "eu"]);
        assert_eq!(
            set.learn("us", rotating.clone()),
            ["rotation to m2 has begun"]
        );
        rotating.rotation = waiting(&["ap"]);
        assert_eq!(set.learn("us", rotating), ["rotation waits for ap"]);
    }

    #[test]
    fn a_deleted_key_is_forgotten() {
        let mut set = KeySet::default();
        set.learn("eu", state(&[("m1", CURRENT, true)]));
        let gone = KeySetState {
            deleted: true,
            ..Default::default()
        };
        assert_eq!(set.learn("eu", gone), ["the key is gone"]);
        assert!(set.at("eu").is_none());
    }
}
