//! One key material: what the whole set knows of it, and what one region holds.

use meridian_crypto::{MaterialId, Sealed};
use serde::{Deserialize, Serialize};

use crate::key_set::Version;
use crate::public_key::PublicKey;
use crate::time::Timestamp;

/// The state that a material has for the whole set (AWS's `KeyMaterialState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MaterialState {
    /// Encrypts and decrypts.
    Current,
    /// Only decrypts.
    NonCurrent,
    /// The next rotation will make it current.
    PendingRotation,
    /// Some region of the set has yet to import it.
    PendingMultiRegionImportAndRotation,
}

impl MaterialState {
    /// All of them.
    pub const ALL: [MaterialState; 4] = [
        MaterialState::Current,
        MaterialState::NonCurrent,
        MaterialState::PendingRotation,
        MaterialState::PendingMultiRegionImportAndRotation,
    ];

    /// AWS's spelling.
    pub fn name(self) -> &'static str {
        match self {
            MaterialState::Current => "CURRENT",
            MaterialState::NonCurrent => "NON_CURRENT",
            MaterialState::PendingRotation => "PENDING_ROTATION",
            MaterialState::PendingMultiRegionImportAndRotation => {
                "PENDING_MULTI_REGION_IMPORT_AND_ROTATION"
            }
        }
    }

    /// Current or non-current: it stays with the key until the key is deleted.
    pub fn is_permanent(self) -> bool {
        matches!(self, MaterialState::Current | MaterialState::NonCurrent)
    }
}

/// How a material became current.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RotationType {
    /// By the schedule.
    Automatic,
    /// By RotateKeyOnDemand.
    OnDemand,
}

impl RotationType {
    /// AWS's spelling.
    pub fn name(self) -> &'static str {
        match self {
            RotationType::Automatic => "AUTOMATIC",
            RotationType::OnDemand => "ON_DEMAND",
        }
    }
}

/// A completed rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// When the material became current.
    pub date: Timestamp,
    /// What caused it.
    pub kind: RotationType,
}

/// A material as the set knows it: no bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredMaterial {
    /// Digest-based ID, the same in every region.
    pub id: MaterialId,
    /// What the user wrote at import.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// State for the whole set.
    pub state: MaterialState,
    /// The version of the set that registered it. The same bytes, taken out and
    /// imported again, are another registration: nobody holds them for it yet.
    pub registered: Version,
    /// The public half of an asymmetric key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<PublicKey>,
    /// Absent for the first material and while pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotation: Option<Rotation>,
}

/// A material's bytes in one region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Sealed under the region's root key; gone once the material expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<Sealed>,
    /// When the bytes are destroyed, if they expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}
