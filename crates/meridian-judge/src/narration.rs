//! Narration: what was seen, in words that a person reads.

use std::collections::BTreeMap;

use meridian_crypto::MaterialId;
use meridian_kms::{KeyRef, RegionName};

use crate::history::{Invoked, Returned, Seen};
use crate::sighting::Sighting;

/// Words for the events of one history.
pub struct Narration<'a> {
    names: &'a [RegionName],
    seen: &'a [Seen],
    /// For each sighting the one before it, of the same key in the same region.
    before: BTreeMap<usize, &'a Sighting>,
    calls: BTreeMap<u64, &'a Invoked>,
}

impl<'a> Narration<'a> {
    /// Of these events in these regions.
    pub fn new(names: &'a [RegionName], seen: &'a [Seen]) -> Narration<'a> {
        let mut last: BTreeMap<(usize, KeyRef), &Sighting> = BTreeMap::new();
        let mut before = BTreeMap::new();
        let mut calls = BTreeMap::new();
        for (index, it) in seen.iter().enumerate() {
            match it {
                Seen::Saw { region, key, .. } => {
                    if let Some(old) = last.insert((*region, key.key), key) {
                        before.insert(index, old);
                    }
                }
                Seen::Gone { region, key, .. } => {
                    last.remove(&(*region, *key));
                }
                Seen::Invoke(invoked) => {
                    calls.insert(invoked.call, invoked);
                }
                _ => {}
            }
        }
        Narration {
            names,
            seen,
            before,
            calls,
        }
    }

    /// One event, by its place in the history.
    pub fn words(&self, index: usize) -> String {
        match &self.seen[index] {
            Seen::Invoke(invoked) => self.invoked(invoked),
            Seen::Ok(returned) => {
                format!("{} succeeds{}", self.call(returned.call), rest(returned))
            }
            Seen::Fail { call, code, .. } => format!("{} is refused: {code}", self.call(*call)),
            Seen::Unknown { call, .. } => format!("{} ends unknown", self.call(*call)),
            Seen::Applied { call, effect, .. } => match effect {
                true => format!("{} is committed", self.call(*call)),
                false => format!("{} is committed and refused", self.call(*call)),
            },
            Seen::Saw { region, key, .. } => {
                let name = self.name(*region);
                match self.before.get(&index) {
                    Some(before) => format!("{name}: {}", difference(before, key)),
                    None => format!("{name} has the key: {}", whole(key)),
                }
            }
            Seen::Gone { region, .. } => format!("{} has deleted the key", self.name(*region)),
            Seen::Told { from, to, .. } => {
                format!("{} hears from {}", self.name(*to), self.name(*from))
            }
            Seen::Healed { .. } => "all faults have ended, and there was time to agree".into(),
            Seen::Restarted { region, node } => {
                format!("node {} of {} starts again", node + 1, self.name(*region))
            }
            Seen::FaultBegan { kind, fault, .. } => format!("{kind} begins: {}", flat(fault)),
            Seen::FaultEnded { id, .. } => format!("fault {id} ends"),
        }
    }

    fn name(&self, region: usize) -> &str {
        self.names.get(region).map_or("?", RegionName::as_str)
    }

    fn call(&self, call: u64) -> String {
        match self.calls.get(&call) {
            Some(invoked) => format!("call {call} of {}", invoked.operation.name()),
            None => format!("call {call}"),
        }
    }

    fn invoked(&self, invoked: &Invoked) -> String {
        let mut words = format!(
            "client {} calls {} at node {} of {}, call {}",
            invoked.client,
            invoked.operation.name(),
            invoked.node + 1,
            self.name(invoked.region),
            invoked.call
        );
        if let Some(to) = invoked.to {
            words += &format!(", naming {}", self.name(to));
        }
        if let Some(bytes) = invoked.bytes {
            words += &format!(", with material {bytes}");
        }
        if let Some((text, material)) = &invoked.ciphertext {
            words += &format!(", of {text:?} under {}", short(material));
        }
        words
    }
}

fn rest(returned: &Returned) -> String {
    let mut words = String::new();
    if let Some(state) = &returned.state {
        words += &format!(", {state}");
    }
    if let Some(description) = &returned.description {
        words += &format!(", {description:?}");
    }
    if let Some(material) = &returned.material {
        words += &format!(", material {}", short(material));
    }
    if let Some(text) = &returned.text {
        words += &format!(", {text:?}");
    }
    words
}

/// The beginning of a material's ID.
pub fn short(id: &MaterialId) -> String {
    id.to_string().chars().take(12).collect()
}

fn whole(key: &Sighting) -> String {
    let role = if key.author { "primary" } else { "replica" };
    let current = key.current().map_or("no".into(), |it| short(&it.id));
    format!(
        "{role}, {}, {current} current, version {}.{}",
        key.state.name(),
        key.version.epoch,
        key.version.number
    )
}

/// What has changed between two sightings of a key.
fn difference(before: &Sighting, after: &Sighting) -> String {
    let mut changes = Vec::new();
    let mut changed = |what: &str, old: String, new: String| {
        if old != new {
            changes.push(format!("{what} {old} → {new}"));
        }
    };
    let version = |it: &Sighting| format!("{}.{}", it.version.epoch, it.version.number);
    let rotation = |it: &Sighting| match &it.rotation {
        Some((material, _)) => short(material),
        None => "none".into(),
    };
    let replicas = |it: &Sighting| {
        let names: Vec<&str> = it.replicas.keys().map(RegionName::as_str).collect();
        format!("[{}]", names.join(" "))
    };
    let role = |it: &Sighting| if it.author { "author" } else { "replica" }.to_owned();
    let over = |it: &Sighting| match &it.handing_over_to {
        Some(region) => region.to_string(),
        None => "nobody".into(),
    };
    let (state, enabled) = (
        |it: &Sighting| it.state.name().to_owned(),
        |it: &Sighting| it.enabled.to_string(),
    );
    changed("role", role(before), role(after));
    changed("state", state(before), state(after));
    changed("enabled", enabled(before), enabled(after));
    changed("version", version(before), version(after));
    changed(
        "primary",
        before.primary.to_string(),
        after.primary.to_string(),
    );
    changed("replicas", replicas(before), replicas(after));
    changed("rotation to", rotation(before), rotation(after));
    changed("handing over to", over(before), over(after));
    changed(
        "rotations on demand",
        before.on_demand_rotations.to_string(),
        after.on_demand_rotations.to_string(),
    );
    for new in &after.materials {
        let as_words = |it: &crate::sighting::SeenMaterial| {
            let held = if it.held { "here" } else { "not here" };
            format!("{} {held}", it.state.name())
        };
        let old = before.material(&new.id).map(as_words);
        let old = old.unwrap_or_else(|| "unknown".into());
        changed(&format!("material {}", short(&new.id)), old, as_words(new));
    }
    for old in &before.materials {
        if after.material(&old.id).is_none() {
            changed(
                &format!("material {}", short(&old.id)),
                "known".into(),
                "gone".into(),
            );
        }
    }
    if !changes.is_empty() {
        return changes.join(", ");
    }
    match before.reported == after.reported {
        true => "the key is as it was".into(),
        false => "knows what its replicas hold".into(),
    }
}

/// JSON as one line without its signs: names and values in order.
pub fn flat(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Object(fields) => {
            let words = fields.iter().map(|(name, value)| match value {
                serde_json::Value::Object(_) => flat(value),
                serde_json::Value::Null => String::new(),
                _ => format!("{} {}", name.replace('_', " "), flat(value)),
            });
            let words: Vec<String> = words.filter(|it| !it.is_empty()).collect();
            words.join(", ")
        }
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
