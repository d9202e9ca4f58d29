//! Stage: what a scenario calls things, and what its regions show of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use meridian_proto::v1::KeySetState;
use meridian_scenario::View;
use meridian_scenario::call::KeyName;
use meridian_scenario::view::KeyView;
use tokio::sync::watch;

/// Shared by everything that a performance has begun.
#[derive(Clone)]
pub struct Stage {
    things: Arc<Mutex<Things>>,
    changes: watch::Sender<u64>,
}

/// What there is by now.
#[derive(Default)]
struct Things {
    keys: BTreeMap<String, KeyId>,
    /// Numbers of materials, by ID.
    materials: BTreeMap<String, u64>,
    ciphertexts: BTreeMap<String, Bytes>,
    /// Tokens of grants.
    tokens: BTreeMap<String, String>,
    /// What a region said last of a key.
    states: BTreeMap<(String, String), KeySetState>,
}

/// How a key is named in calls.
#[derive(Clone)]
pub struct KeyId {
    /// Its key ID.
    pub id: String,
    /// Its ARN where it was created.
    pub arn: String,
}

impl Stage {
    /// An empty one.
    pub fn new() -> Stage {
        Stage {
            things: Arc::default(),
            changes: watch::Sender::new(0),
        }
    }

    fn things(&self) -> MutexGuard<'_, Things> {
        self.things.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Told whenever the view may have changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// A key has been created.
    pub fn add_key(&self, name: &str, key: KeyId) {
        self.things().keys.insert(name.to_owned(), key);
    }

    /// All keys, each with its ID.
    pub fn keys(&self) -> Vec<(String, String)> {
        let things = self.things();
        let keys = things.keys.iter();
        keys.map(|(name, key)| (name.clone(), key.id.clone()))
            .collect()
    }

    /// A material has been imported.
    pub fn add_material(&self, id: &str, number: u64) {
        self.things().materials.insert(id.to_owned(), number);
        self.changes.send_modify(|count| *count += 1);
    }

    /// The number of a material.
    pub fn number_of(&self, id: &str) -> Option<u64> {
        self.things().materials.get(id).copied()
    }

    /// The ID of a material.
    pub fn material_id(&self, wanted: u64) -> Option<String> {
        let things = self.things();
        let mut all = things.materials.iter();
        all.find(|(_, number)| **number == wanted)
            .map(|(id, _)| id.clone())
    }

    /// A ciphertext has been made.
    pub fn add_ciphertext(&self, name: &str, blob: Bytes) {
        self.things().ciphertexts.insert(name.to_owned(), blob);
    }

    /// A ciphertext.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn ciphertext(&self, name: &str) -> Result<Bytes, String> {
        let found = self.things().ciphertexts.get(name).cloned();
        found.ok_or_else(|| format!("ciphertext {name} has not been made"))
    }

    /// A grant has been made.
    pub fn add_token(&self, grant: &str, token: String) {
        self.things().tokens.insert(grant.to_owned(), token);
    }

    /// The token of a grant.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn token(&self, grant: &str) -> Result<String, String> {
        let found = self.things().tokens.get(grant).cloned();
        found.ok_or_else(|| format!("grant {grant} has not been made"))
    }

    /// What is sent for the name of a key.
    ///
    /// # Errors
    /// It has not been created.
    pub fn key_id(&self, name: &str) -> Result<String, String> {
        let known = |key: &str| {
            let found = self.things().keys.get(key).cloned();
            found.ok_or_else(|| format!("key {key} has not been created"))
        };
        Ok(match KeyName::of(name) {
            KeyName::Alias(alias) => alias.to_owned(),
            KeyName::Id(key) => known(key)?.id,
            KeyName::Arn { key, region } => {
                let mut fields: Vec<String> =
                    known(key)?.arn.split(':').map(str::to_owned).collect();
                if let Some(field) = fields.get_mut(3) {
                    *field = region.to_owned();
                }
                fields.join(":")
            }
        })
    }

    /// A region tells of a key; nothing if it does not have it.
    pub fn seen(&self, key: &str, region: &str, state: Option<KeySetState>) {
        let place = (key.to_owned(), region.to_owned());
        let mut things = self.things();
        let changed = match state {
            Some(state) => things.states.insert(place, state.clone()) != Some(state),
            None => things.states.remove(&place).is_some(),
        };
        drop(things);
        if changed {
            self.changes.send_modify(|count| *count += 1);
        }
    }

    /// What predicates look at.
    pub fn view(&self) -> View {
        let things = self.things();
        let mut view = View::default();
        for ((key, region), state) in &things.states {
            let number = |id: &str| things.materials.get(id).copied();
            if let Some(seen) = KeyView::of(state, number) {
                let regions = view.keys.entry(key.clone()).or_default();
                regions.insert(region.clone(), seen);
            }
        }
        view
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_the_region_that_the_scenario_says() {
        let stage = Stage::new();
        stage.add_key(
            "orders",
            KeyId {
                id: "mrk-1".into(),
                arn: "arn:aws:kms:us-east-1:000000000000:key/mrk-1".into(),
            },
        );
        assert_eq!(stage.key_id("orders").unwrap(), "mrk-1");
        assert_eq!(
            stage.key_id("orders@eu-west-1").unwrap(),
            "arn:aws:kms:eu-west-1:000000000000:key/mrk-1"
        );
        assert_eq!(stage.key_id("alias/orders").unwrap(), "alias/orders");
        assert!(stage.key_id("others").is_err());
    }

    #[test]
    fn only_what_is_new_is_told() {
        let stage = Stage::new();
        let mut changes = stage.changes();
        let state = KeySetState {
            key_state: "Enabled".into(),
            ..KeySetState::default()
        };
        stage.seen("orders", "us-east-1", Some(state.clone()));
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();
        stage.seen("orders", "us-east-1", Some(state));
        assert!(!changes.has_changed().unwrap());
        assert_eq!(
            stage.view().keys["orders"]["us-east-1"].key_state,
            "Enabled"
        );
        stage.seen("orders", "us-east-1", None);
        assert!(stage.view().keys.is_empty());
    }
}
