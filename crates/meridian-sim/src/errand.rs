//! Errands: what a client wants of a key, as a request, and what the judge has to
//! know about it.

use meridian_crypto::{Material, MaterialId};
use meridian_kms::{AccountId, KeyRef, Request, Timestamp};
use meridian_proto::v1::*;

use crate::dice::Dice;
use crate::keepsake::Known;
use crate::workload::Wish;
use crate::world::World;
use crate::wrapping;

/// Imported materials that a run has, at most.
const MATERIALS: u64 = 30;

/// A request, and what the judge has to know about it.
#[derive(Clone)]
pub(crate) struct Errand {
    pub(crate) request: Request,
    pub(crate) key: Option<KeyRef>,
    pub(crate) description: Option<String>,
    pub(crate) to: Option<usize>,
    pub(crate) ciphertext: Option<(String, MaterialId)>,
    pub(crate) bytes: Option<u64>,
    /// Another account that asks.
    pub(crate) by: Option<AccountId>,
    /// The key that it creates is nobody else's to work on.
    pub(crate) reserved: bool,
    /// For the trace.
    pub(crate) words: String,
}

impl Errand {
    pub(crate) fn new(request: Request) -> Errand {
        Errand {
            request,
            key: None,
            description: None,
            to: None,
            ciphertext: None,
            bytes: None,
            by: None,
            reserved: false,
            words: String::new(),
        }
    }
}

impl World {
    pub(crate) fn errand(
        &self,
        region: usize,
        known: Known,
        wish: Wish,
        dice: &mut Dice,
    ) -> Errand {
        let key = known.key;
        let key_id = Some(key.id.to_string());
        let of_key = |request: Request| Errand {
            key: Some(key),
            ..Errand::new(request)
        };
        match wish {
            Wish::ImportNew | Wish::ImportExisting => self.import(region, known, wish, dice),
            Wish::DeleteMaterial => {
                let pending = self.groups[region]
                    .agreed()
                    .key(&key)
                    .and_then(|key| key.shared.pending())
                    .map(|material| material.id.to_string());
                let key_material_id = pending.filter(|_| dice.one_in(2));
                of_key(Request::DeleteImportedKeyMaterial(
                    DeleteImportedKeyMaterialRequest {
                        key_id,
                        key_material_id,
                    },
                ))
            }
            Wish::Rotate => of_key(Request::RotateKeyOnDemand(RotateKeyOnDemandRequest {
                key_id,
            })),
            Wish::Replicate => {
                let to = self.vacant_region(&key, dice);
                Errand {
                    to: Some(to),
                    words: format!("into {}", self.names[to]),
                    ..of_key(Request::ReplicateKey(ReplicateKeyRequest {
                        key_id,
                        replica_region: Some(self.names[to].to_string()),
                        ..Default::default()
                    }))
                }
            }
            Wish::UpdatePrimary => {
                let to = self.other_member(region, &key, dice);
                Errand {
                    to: Some(to),
                    words: format!("to {}", self.names[to]),
                    ..of_key(Request::UpdatePrimaryRegion(UpdatePrimaryRegionRequest {
                        key_id,
                        primary_region: Some(self.names[to].to_string()),
                    }))
                }
            }
            Wish::Disable => of_key(Request::DisableKey(DisableKeyRequest { key_id })),
            Wish::Enable => of_key(Request::EnableKey(EnableKeyRequest { key_id })),
            Wish::Schedule => of_key(Request::ScheduleKeyDeletion(ScheduleKeyDeletionRequest {
                key_id,
                pending_window_in_days: Some(7),
            })),
            Wish::Cancel => of_key(Request::CancelKeyDeletion(CancelKeyDeletionRequest {
                key_id,
            })),
            Wish::EnableRotation => of_key(Request::EnableKeyRotation(EnableKeyRotationRequest {
                key_id,
                rotation_period_in_days: Some(90),
            })),
            Wish::DisableRotation => {
                of_key(Request::DisableKeyRotation(DisableKeyRotationRequest {
                    key_id,
                }))
            }
            Wish::Describe => of_key(Request::DescribeKey(DescribeKeyRequest {
                key_id,
                ..Default::default()
            })),
            Wish::UpdateDescription => {
                let description = format!("description {}", self.clients.begun);
                Errand {
                    description: Some(description.clone()),
                    words: description.clone(),
                    ..of_key(Request::UpdateKeyDescription(UpdateKeyDescriptionRequest {
                        key_id,
                        description: Some(description),
                    }))
                }
            }
            Wish::ListRotations => of_key(Request::ListKeyRotations(ListKeyRotationsRequest {
                key_id,
                include_key_material: Some("ALL_KEY_MATERIAL".into()),
                ..Default::default()
            })),
            Wish::Decrypt if !self.clients.keepsake.ciphertexts.is_empty() => {
                let kept = self.clients.keepsake.ciphertexts.len();
                // Often one of the newest.
                let back = if dice.one_in(2) { kept } else { kept.min(4) };
                self.clients.keepsake.decrypt(kept - 1 - dice.index(back))
            }
            Wish::Encrypt | Wish::Decrypt => {
                let text = format!("text {}", self.clients.begun);
                Errand {
                    words: format!("of {text:?}"),
                    ..of_key(Request::Encrypt(EncryptRequest {
                        key_id,
                        plaintext: Some(text.into_bytes().into()),
                        ..Default::default()
                    }))
                }
            }
        }
    }

    /// Mostly a region that has a replica.
    pub(crate) fn other_member(&self, region: usize, key: &KeyRef, dice: &mut Dice) -> usize {
        let known = self.groups[region].agreed().key(key);
        let replicas = known.iter().flat_map(|key| key.shared.replicas.keys());
        let members: Vec<usize> = replicas.filter_map(|name| self.index_of(name)).collect();
        if members.is_empty() || dice.one_in(10) {
            return dice.index(self.groups.len());
        }
        *dice.pick(&members)
    }

    pub(crate) fn vacant_region(&self, key: &KeyRef, dice: &mut Dice) -> usize {
        let lacks = |region: &usize| self.groups[*region].agreed().key(key).is_none();
        let vacant: Vec<usize> = (0..self.groups.len()).filter(lacks).collect();
        if vacant.is_empty() || dice.one_in(6) {
            return dice.index(self.groups.len());
        }
        *dice.pick(&vacant)
    }

    /// An import; without import parameters of this day, the call for them.
    pub(crate) fn import(
        &self,
        region: usize,
        known: Known,
        wish: Wish,
        dice: &mut Dice,
    ) -> Errand {
        let key = known.key;
        let of_key = |request: Request| Errand {
            key: Some(key),
            ..Errand::new(request)
        };
        let Some((_, token)) = self.clients.tokens.get(&(region, key)) else {
            return of_key(Request::GetParametersForImport(
                GetParametersForImportRequest {
                    key_id: Some(key.id.to_string()),
                    wrapping_algorithm: Some("RSAES_OAEP_SHA_256".into()),
                    wrapping_key_spec: Some("RSA_2048".into()),
                },
            ));
        };
        let number = match dice.below(8) {
            0 => 1 + dice.below(6),
            _ if wish == Wish::ImportNew => self.fresh(region, &key),
            _ => self.missing(region, &key),
        };
        let (import_type, new) = match wish {
            Wish::ImportNew => ("NEW_KEY_MATERIAL", true),
            _ if self.has_no_material(region, &key) => ("NEW_KEY_MATERIAL", true),
            _ => ("EXISTING_KEY_MATERIAL", false),
        };
        let expires = dice
            .one_in(9)
            .then(|| self.expiry(region, *dice.pick(&[3_000, 20_000, 60_000, 3 * 86_400_000])));
        let model = match expires {
            Some(_) => "KEY_MATERIAL_EXPIRES",
            None => "KEY_MATERIAL_DOES_NOT_EXPIRE",
        };
        Errand {
            bytes: Some(number),
            words: format!(
                "material {number} as {}",
                if new { "new" } else { "existing" }
            ),
            ..of_key(Request::ImportKeyMaterial(ImportKeyMaterialRequest {
                key_id: Some(key.id.to_string()),
                import_token: Some(token.clone()),
                encrypted_key_material: Some(wrapping::wrap(&wrapping::material(number)).into()),
                valid_to: expires.map(Timestamp::to_proto),
                expiration_model: Some(model.into()),
                import_type: Some(import_type.into()),
                ..Default::default()
            }))
        }
    }

    pub(crate) fn expiry(&self, region: usize, ms: i64) -> Timestamp {
        let group = &self.groups[region];
        let machine = crate::group::START.plus_ms(self.now_ms);
        machine
            .plus_ms(group.agreed().clock_offset_ms())
            .plus_ms(ms)
    }

    pub(crate) fn has_no_material(&self, region: usize, key: &KeyRef) -> bool {
        let key = self.groups[region].agreed().key(key);
        key.is_some_and(|key| key.shared.materials.is_empty() && key.is_primary())
    }

    pub(crate) fn material_id(&self, region: usize, key: &KeyRef, number: u64) -> MaterialId {
        let material = Material::from_bytes(&wrapping::material(number))
            .expect("simulated material has the right length");
        let vault = &self.groups[region].vault;
        vault.material_id(&key.id, &material)
    }

    /// The number of a material that the region knows of and does not hold, or
    /// else of its newest.
    pub(crate) fn missing(&self, region: usize, key: &KeyRef) -> u64 {
        let Some(known) = self.groups[region].agreed().key(key) else {
            return 1;
        };
        let materials = &known.shared.materials;
        let lacks = |id: &MaterialId| known.sealed(id).is_none();
        let missing = materials.iter().find(|material| lacks(&material.id));
        let Some(wanted) = missing.or(materials.last()) else {
            return 1;
        };
        (1..=MATERIALS)
            .find(|number| self.material_id(region, key, *number) == wanted.id)
            .unwrap_or(1)
    }

    /// The number of a material that the key does not have yet.
    pub(crate) fn fresh(&self, region: usize, key: &KeyRef) -> u64 {
        let Some(known) = self.groups[region].agreed().key(key) else {
            return 1;
        };
        let is_new = |number: &u64| {
            let id = self.material_id(region, key, *number);
            known.shared.material(&id).is_none()
        };
        (1..=MATERIALS).find(is_new).unwrap_or(1)
    }
}
