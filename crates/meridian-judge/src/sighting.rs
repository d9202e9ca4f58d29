//! Sighting: what a region has agreed on about one key, without any secret: the
//! part of it that promises are about.

use std::collections::BTreeMap;

use meridian_crypto::MaterialId;
use meridian_kms::key::{Key, Role};
use meridian_kms::key_set::{Origin, Version};
use meridian_kms::material::MaterialState;
use meridian_kms::{KeyRef, KeyState, RegionName};
use serde::{Deserialize, Serialize};

/// One key as one region has it at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// The key.
    pub key: KeyRef,
    /// Does this region author the shared properties?
    pub author: bool,
    /// The key state.
    pub state: KeyState,
    /// The user's description of it in this region.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What EnableKey and DisableKey said last.
    pub enabled: bool,
    /// The version of the shared properties here.
    pub version: Version,
    /// The region that is primary, as known here.
    pub primary: RegionName,
    /// Imported material?
    pub external: bool,
    /// The replicas by the version at which they joined.
    pub replicas: BTreeMap<RegionName, Version>,
    /// All materials, oldest first.
    pub materials: Vec<SeenMaterial>,
    /// The material that a rotation under way leads to, and its members.
    pub rotation: Option<(MaterialId, BTreeMap<RegionName, Version>)>,
    /// Where the primary role is going.
    pub handing_over_to: Option<RegionName>,
    /// Rotations on demand that were accepted.
    pub on_demand_rotations: u32,
    /// At the author: the materials that each replica has reported to hold.
    pub reported: BTreeMap<RegionName, Vec<MaterialId>>,
}

/// One material of a key as one region has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenMaterial {
    /// Its ID.
    pub id: MaterialId,
    /// Its state.
    pub state: MaterialState,
    /// The version that registered it.
    pub registered: Version,
    /// Are its bytes here?
    pub held: bool,
    /// Will its bytes be destroyed by time alone?
    pub expires: bool,
    /// Has it become current by a rotation?
    pub rotated: bool,
}

impl Sighting {
    /// What there is to see of a key in a region.
    pub fn of(key: &Key, here: &RegionName) -> Sighting {
        let shared = &key.shared;
        let materials = shared.materials.iter().map(|material| SeenMaterial {
            id: material.id,
            state: material.state,
            registered: material.registered,
            held: key.sealed(&material.id).is_some(),
            expires: key
                .held
                .get(&material.id)
                .is_some_and(|held| held.expires.is_some()),
            rotated: material.rotation.is_some(),
        });
        let reported = key.reports().iter().map(|(region, report)| {
            let held = report.held.iter().copied().collect();
            (region.clone(), held)
        });
        Sighting {
            key: key.key,
            author: matches!(key.role, Role::Primary { .. }),
            state: key.state(here),
            description: key.description.clone(),
            enabled: key.enabled,
            version: shared.version,
            primary: shared.primary.clone(),
            external: shared.origin == Origin::External,
            replicas: shared.replicas.clone(),
            materials: materials.collect(),
            rotation: shared
                .rotation
                .as_ref()
                .map(|rotation| (rotation.material, rotation.members.clone())),
            handing_over_to: shared.hand_over.as_ref().map(|over| over.to.clone()),
            on_demand_rotations: shared.on_demand_rotations,
            reported: reported.collect(),
        }
    }

    /// The material that encrypts.
    pub fn current(&self) -> Option<&SeenMaterial> {
        let is_current = |material: &&SeenMaterial| material.state == MaterialState::Current;
        self.materials.iter().find(is_current)
    }

    /// One material.
    pub fn material(&self, id: &MaterialId) -> Option<&SeenMaterial> {
        self.materials.iter().find(|material| material.id == *id)
    }

    /// Where the authority is: this region may change the shared properties.
    pub fn is_primary(&self) -> bool {
        self.author && self.handing_over_to.is_none()
    }
}
