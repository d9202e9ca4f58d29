//! Predicates: what must hold of a key, in some regions or in all that have it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::view::{KeyView, View};

/// Something about a key; all of it must hold, in each of the regions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The key.
    pub key: String,
    /// Regions that all must have the key; when left out, those that have it,
    /// of which there must be one.
    #[serde(default, rename = "in")]
    pub regions: Vec<String>,
    /// The key's state: `Enabled`, `PendingImport`, …
    #[serde(default)]
    pub key_state: Option<String>,
    /// The region of the primary.
    #[serde(default)]
    pub primary: Option<String>,
    /// The number of the current material.
    #[serde(default)]
    pub current_material: Option<u64>,
    /// The number of a material that the region knows of.
    #[serde(default)]
    pub material: Option<u64>,
    /// The state of that material: `PENDING_ROTATION`, …
    #[serde(default)]
    pub material_state: Option<String>,
    /// Whether the region holds the bytes of that material.
    #[serde(default)]
    pub imported: Option<bool>,
    /// Whether the regions agree on everything, and nothing is under way.
    #[serde(default)]
    pub converged: Option<bool>,
    /// The key is in none of the regions of `in`.
    #[serde(default)]
    pub absent: bool,
}

impl Condition {
    /// Of this key, in these regions: that it is there.
    pub(crate) fn of(key: &str, regions: &[String]) -> Condition {
        Condition {
            key: key.into(),
            regions: regions.to_vec(),
            ..Condition::default()
        }
    }

    /// Does it hold?
    pub fn holds(&self, view: &View) -> bool {
        let nowhere = BTreeMap::new();
        let everywhere = view.keys.get(&self.key).unwrap_or(&nowhere);
        if self.absent {
            return !self.regions.iter().any(|it| everywhere.contains_key(it));
        }
        let here: Option<Vec<&KeyView>> = match self.regions.as_slice() {
            [] => Some(everywhere.values().collect()),
            some => some.iter().map(|it| everywhere.get(it)).collect(),
        };
        let Some(here) = here.filter(|here| !here.is_empty()) else {
            return false;
        };
        let converged = self.converged.is_none_or(|it| it == agree(&here));
        converged && here.iter().all(|key| self.holds_of(key))
    }

    fn holds_of(&self, key: &KeyView) -> bool {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == found)
        };
        let material = self.material.is_none_or(|number| {
            key.material(number).is_some_and(|it| {
                let imported = self.imported.is_none_or(|wanted| wanted == it.imported);
                imported && is(&self.material_state, &it.state)
            })
        });
        let current = self.current_material;
        material
            && is(&self.key_state, &key.key_state)
            && is(&self.primary, &key.primary)
            && (current.is_none() || current == key.current)
    }

    /// For people: `orders in eu-west-1: key_state Enabled`.
    pub fn words(&self) -> String {
        let mut parts = Vec::new();
        let mut add = |name: &str, value: Option<String>| {
            parts.extend(value.map(|value| format!("{name} {value}")));
        };
        add("key_state", self.key_state.clone());
        add("primary", self.primary.clone());
        add(
            "current_material",
            self.current_material.map(|it| it.to_string()),
        );
        add("material", self.material.map(|it| it.to_string()));
        add("material_state", self.material_state.clone());
        add("imported", self.imported.map(|it| it.to_string()));
        add("converged", self.converged.map(|it| it.to_string()));
        add("absent", self.absent.then(|| "true".to_owned()));
        let place = match self.regions.as_slice() {
            [] => String::new(),
            regions => format!(" in {}", regions.join(" and ")),
        };
        format!("{}{place}: {}", self.key, parts.join(", "))
    }
}

/// Do all regions see the same, and is nothing under way?
fn agree(here: &[&KeyView]) -> bool {
    let first = here[0];
    here.iter().all(|it| {
        let settled = !it.in_motion && it.key_state != "Creating" && it.key_state != "Updating";
        settled
            && it.version == first.version
            && it.primary == first.primary
            && it.current == first.current
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::MaterialView;

    fn view(states: &[(&str, &str, bool)]) -> View {
        let key = |state: &str, imported| KeyView {
            key_state: state.into(),
            version: (1, 4),
            current: Some(1),
            materials: vec![MaterialView {
                number: 2,
                state: "PENDING_ROTATION".into(),
                imported,
            }],
            ..KeyView::default()
        };
        let regions = states
            .iter()
            .map(|(region, state, imported)| ((*region).to_owned(), key(state, *imported)));
        View {
            keys: BTreeMap::from([("orders".to_owned(), regions.collect())]),
        }
    }

    fn condition(text: &str) -> Condition {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_named_region_must_have_the_key_and_others_need_not() {
        let view = view(&[("us-east-1", "Enabled", true)]);
        let somewhere = condition(r#"{"key": "orders", "key_state": "Enabled"}"#);
        assert!(somewhere.holds(&view));
        let there = condition(r#"{"key": "orders", "in": ["eu-west-1"]}"#);
        assert!(!there.holds(&view));
        let absent = condition(r#"{"key": "orders", "in": ["eu-west-1"], "absent": true}"#);
        assert!(absent.holds(&view));
        assert!(
            !somewhere.holds(&View::default()),
            "of no key, nothing holds"
        );
    }

    #[test]
    fn a_material_is_looked_at_in_every_region() {
        let imported = condition(r#"{"key": "orders", "material": 2, "imported": true}"#);
        let both = |one, other| view(&[("a", "Enabled", one), ("b", "Enabled", other)]);
        assert!(imported.holds(&both(true, true)));
        assert!(!imported.holds(&both(true, false)));
        let unknown = condition(r#"{"key": "orders", "material": 3}"#);
        assert!(!unknown.holds(&both(true, true)));
    }

    #[test]
    fn regions_have_converged_when_they_agree_and_nothing_is_under_way() {
        let converged = condition(r#"{"key": "orders", "converged": true}"#);
        let mut view = view(&[("a", "Enabled", true), ("b", "Enabled", false)]);
        assert!(converged.holds(&view));
        let key = view.keys.get_mut("orders").unwrap().get_mut("b").unwrap();
        key.version = (1, 3);
        assert!(!converged.holds(&view));
        assert!(condition(r#"{"key": "orders", "converged": false}"#).holds(&view));
    }
}
