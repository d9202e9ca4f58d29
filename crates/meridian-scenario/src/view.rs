//! What predicates look at: every region's own view of every key. A driver
//! makes it from what regions have agreed on, or from the stream of
//! `WatchKeySet`; both tell the same.

use std::collections::BTreeMap;

use meridian_proto::v1::KeySetState;

/// Keys by what the scenario calls them, each by region. A region that has not
/// heard of a key, or has deleted it, is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The keys.
    pub keys: BTreeMap<String, BTreeMap<String, KeyView>>,
}

/// One region's view of one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyView {
    /// The key's state: `Enabled`, `PendingImport`, …
    pub key_state: String,
    /// The region of the primary.
    pub primary: String,
    /// Epoch and version of the shared properties.
    pub version: (u64, u64),
    /// The current material by number; nothing for generated material, and
    /// before the first import.
    pub current: Option<u64>,
    /// Materials that the scenario has numbers for.
    pub materials: Vec<MaterialView>,
    /// A rotation or a change of primary is under way.
    pub in_motion: bool,
}

/// One region's view of one material.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MaterialView {
    /// Its number.
    pub number: u64,
    /// `CURRENT`, `NON_CURRENT`, `PENDING_ROTATION`, …
    pub state: String,
    /// Whether this region holds its bytes.
    pub imported: bool,
}

impl KeyView {
    /// From what `WatchKeySet` tells; `number` knows the numbers of material
    /// IDs. Nothing if the key is gone.
    pub fn of(state: &KeySetState, number: impl Fn(&str) -> Option<u64>) -> Option<KeyView> {
        if state.deleted {
            return None;
        }
        let materials = state.materials.iter().filter_map(|material| {
            Some(MaterialView {
                number: number(&material.key_material_id)?,
                state: material.key_material_state.clone(),
                imported: material.import_state.as_deref() == Some("IMPORTED"),
            })
        });
        Some(KeyView {
            key_state: state.key_state.clone(),
            primary: state.primary_region.clone(),
            version: (state.epoch, state.version),
            current: state.current_key_material_id.as_deref().and_then(&number),
            materials: materials.collect(),
            in_motion: state.rotation.is_some() || state.handing_over_to.is_some(),
        })
    }

    /// What it says of a material.
    pub fn material(&self, number: u64) -> Option<&MaterialView> {
        self.materials.iter().find(|it| it.number == number)
    }
}
