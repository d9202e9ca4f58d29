//! Workload: what clients want. Key sets are created, replicated, imported
//! into, rotated, deleted and moved, in every order; most of it makes sense,
//! some of it does not.

use meridian_crypto::{Material, MaterialId};
use meridian_kms::key_set::Origin;
use meridian_kms::{KeyRef, KeyState, Request, Timestamp};
use meridian_proto::v1::*;

use crate::client::{FollowUp, Habit};
use crate::dice::Dice;
use crate::group::NODES;
use crate::keepsake::Known;
use crate::world::World;
use crate::wrapping;

/// A request, and what the judge has to know about it.
#[derive(Clone)]
pub(crate) struct Errand {
    pub(crate) request: Request,
    pub(crate) key: Option<KeyRef>,
    pub(crate) description: Option<String>,
    pub(crate) to: Option<usize>,
    pub(crate) ciphertext: Option<(String, MaterialId)>,
    pub(crate) bytes: Option<u64>,
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
            words: String::new(),
        }
    }
}

/// What a client may want of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    ImportNew,
    ImportExisting,
    DeleteMaterial,
    Rotate,
    Replicate,
    UpdatePrimary,
    Disable,
    Enable,
    Schedule,
    Cancel,
    EnableRotation,
    DisableRotation,
    Describe,
    UpdateDescription,
    ListRotations,
    Encrypt,
    Decrypt,
}

/// How often each wish is made: in runs that lean to rotation, to the coming
/// and going of replicas, to changes of primary, and to one region's own calls.
const WISHES: [(Wish, [u64; 4]); 17] = [
    (Wish::ImportNew, [12, 4, 6, 3]),
    (Wish::ImportExisting, [22, 14, 14, 8]),
    (Wish::DeleteMaterial, [4, 2, 2, 3]),
    (Wish::Rotate, [18, 8, 12, 4]),
    (Wish::Replicate, [6, 22, 10, 4]),
    (Wish::UpdatePrimary, [2, 5, 20, 2]),
    (Wish::Disable, [1, 1, 1, 10]),
    (Wish::Enable, [3, 4, 3, 12]),
    (Wish::Schedule, [1, 10, 4, 6]),
    (Wish::Cancel, [2, 4, 3, 8]),
    (Wish::EnableRotation, [3, 3, 4, 2]),
    (Wish::DisableRotation, [1, 1, 1, 1]),
    (Wish::Describe, [6, 6, 8, 24]),
    (Wish::UpdateDescription, [2, 2, 2, 20]),
    (Wish::ListRotations, [2, 2, 2, 2]),
    (Wish::Encrypt, [16, 14, 16, 14]),
    (Wish::Decrypt, [14, 14, 14, 14]),
];

impl World {
    /// Draws what a client does next, and where.
    pub(crate) fn draw(&mut self, client: usize, dice: &mut Dice) -> (Errand, (usize, usize)) {
        if let Some(follow_up) = self.clients.all[client].follow_up.take()
            && !dice.one_in(4)
        {
            return self.carry_on(follow_up, dice);
        }
        let it = &self.clients.all[client];
        let known: Vec<Known> = self
            .clients
            .keepsake
            .keys
            .iter()
            .copied()
            .filter(|it| self.is_anywhere(&it.key))
            .collect();
        let wanted = known.len() < self.clients.keys_wanted;
        if known.is_empty() || wanted && dice.one_in(2) || dice.one_in(80) {
            let region = dice.index(self.groups.len());
            return (create(dice), (region, dice.index(NODES)));
        }
        let local: Vec<Known> = known
            .iter()
            .copied()
            .filter(|known| self.groups[it.region].agreed().key(&known.key).is_some())
            .collect();
        let settled = it.habit != Habit::Roams && !dice.one_in(12) && !local.is_empty();
        let known = *dice.pick(if settled { &local } else { &known });
        let table = WISHES.map(|(wish, weights)| (wish, weights[self.clients.leaning]));
        let wish = sensible(dice.weighted(&table), known, dice);
        let region = match it.habit {
            Habit::Roams => self.fitting_place(&known.key, wish, dice),
            Habit::Stays | Habit::Moves => it.region,
        };
        let (wish, region) = match self.next_step(known) {
            Some(step) if it.habit == Habit::Roams && dice.one_in(3) => step,
            Some(_) | None => (self.repair(region, known, wish, dice), region),
        };
        let node = match it.habit {
            Habit::Stays => it.node,
            Habit::Moves | Habit::Roams => dice.index(NODES),
        };
        let errand = self.errand(region, known, wish, dice);
        (errand, (region, node))
    }

    fn carry_on(&self, follow_up: FollowUp, dice: &mut Dice) -> (Errand, (usize, usize)) {
        let node = dice.index(NODES);
        match follow_up {
            FollowUp::Encrypt(known, region) => {
                let errand = self.errand(region, known, Wish::Encrypt, dice);
                (errand, (region, node))
            }
            FollowUp::Describe(known, region) => {
                let errand = self.errand(region, known, Wish::Describe, dice);
                (errand, (region, node))
            }
            FollowUp::Decrypt(kept, region) => {
                let errand = self.clients.keepsake.decrypt(kept);
                let has = |other: &usize| {
                    let key = errand.key.as_ref();
                    let agreed = self.groups[*other].agreed();
                    *other != region && key.is_some_and(|key| agreed.key(key).is_some())
                };
                let others: Vec<usize> = (0..self.groups.len()).filter(has).collect();
                let place = others.get(dice.index(others.len().max(1)));
                (errand, (place.copied().unwrap_or(region), node))
            }
        }
    }

    /// Mostly what the key's state asks for first.
    fn repair(&self, region: usize, known: Known, wish: Wish, dice: &mut Dice) -> Wish {
        let Some(key) = self.groups[region].agreed().key(&known.key) else {
            return wish;
        };
        if dice.one_in(4) {
            return wish;
        }
        let pending = key.shared.pending();
        let lacks_pending = pending.is_some_and(|it| key.sealed(&it.id).is_none());
        match key.state(&self.names[region]) {
            KeyState::PendingDeletion | KeyState::PendingReplicaDeletion if dice.one_in(2) => {
                Wish::Cancel
            }
            KeyState::Disabled => Wish::Enable,
            KeyState::PendingImport => Wish::ImportExisting,
            _ if lacks_pending && dice.one_in(2) => Wish::ImportExisting,
            _ if wish == Wish::Rotate && known.external && pending.is_none() => Wish::ImportNew,
            _ => wish,
        }
    }

    /// What the set's next rotation of imported material waits for, and where.
    fn next_step(&self, known: Known) -> Option<(Wish, usize)> {
        let here = |region: usize| self.groups[region].agreed().key(&known.key);
        let regions = 0..self.groups.len();
        let home = regions
            .clone()
            .find(|region| here(*region).is_some_and(|key| key.is_primary()))?;
        let primary = here(home).filter(|_| known.external)?;
        let lacks = |region: &usize| {
            here(*region).is_some_and(|key| {
                let mut materials = key.shared.materials.iter();
                materials.any(|it| key.sealed(&it.id).is_none())
            })
        };
        match (primary.shared.pending(), regions.clone().find(lacks)) {
            (_, Some(region)) => Some((Wish::ImportExisting, region)),
            (None, None) => Some((Wish::ImportNew, home)),
            (Some(_), None) => Some((Wish::Rotate, home)),
        }
    }

    fn is_anywhere(&self, key: &KeyRef) -> bool {
        let mut groups = self.groups.iter();
        groups.any(|group| group.agreed().key(key).is_some())
    }

    /// A region that has the key; often the primary, where only that will do.
    fn fitting_place(&self, key: &KeyRef, wish: Wish, dice: &mut Dice) -> usize {
        let only_primary = matches!(
            wish,
            Wish::ImportNew
                | Wish::Rotate
                | Wish::Replicate
                | Wish::UpdatePrimary
                | Wish::EnableRotation
                | Wish::DisableRotation
        );
        let wanted = only_primary && !dice.one_in(8);
        let has = |region: &usize| {
            let key = self.groups[*region].agreed().key(key);
            key.is_some_and(|key| !wanted || key.is_primary())
        };
        let mut places: Vec<usize> = (0..self.groups.len()).filter(has).collect();
        if wish == Wish::ImportExisting {
            let lacks = |region: &usize| {
                let key = self.groups[*region].agreed().key(key);
                key.is_some_and(|key| {
                    let materials = &key.shared.materials;
                    materials.iter().any(|it| key.sealed(&it.id).is_none())
                })
            };
            let lacking: Vec<usize> = places.iter().copied().filter(lacks).collect();
            places = if lacking.is_empty() { places } else { lacking };
        }
        if places.is_empty() {
            return dice.index(self.groups.len());
        }
        *dice.pick(&places)
    }

    fn errand(&self, region: usize, known: Known, wish: Wish, dice: &mut Dice) -> Errand {
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
    fn other_member(&self, region: usize, key: &KeyRef, dice: &mut Dice) -> usize {
        let known = self.groups[region].agreed().key(key);
        let replicas = known.iter().flat_map(|key| key.shared.replicas.keys());
        let members: Vec<usize> = replicas.filter_map(|name| self.index_of(name)).collect();
        if members.is_empty() || dice.one_in(10) {
            return dice.index(self.groups.len());
        }
        *dice.pick(&members)
    }

    fn vacant_region(&self, key: &KeyRef, dice: &mut Dice) -> usize {
        let lacks = |region: &usize| self.groups[*region].agreed().key(key).is_none();
        let vacant: Vec<usize> = (0..self.groups.len()).filter(lacks).collect();
        if vacant.is_empty() || dice.one_in(6) {
            return dice.index(self.groups.len());
        }
        *dice.pick(&vacant)
    }

    /// An import; without import parameters of this day, the call for them.
    fn import(&self, region: usize, known: Known, wish: Wish, dice: &mut Dice) -> Errand {
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

    fn has_no_material(&self, region: usize, key: &KeyRef) -> bool {
        let key = self.groups[region].agreed().key(key);
        key.is_some_and(|key| key.shared.materials.is_empty() && key.is_primary())
    }

    pub(crate) fn material_id(&self, region: usize, key: &KeyRef, number: u64) -> MaterialId {
        let material = Material::from_bytes(&wrapping::material(number))
            .expect("simulated material has the right length");
        let vault = &self.groups[region].vault;
        vault.material_id(&key.id.to_string(), &material)
    }

    /// The number of a material that the region knows of and does not hold, or
    /// else of its newest.
    fn missing(&self, region: usize, key: &KeyRef) -> u64 {
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
    fn fresh(&self, region: usize, key: &KeyRef) -> u64 {
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

/// Imported materials that a run has, at most.
const MATERIALS: u64 = 30;

/// Mostly what the key's origin allows.
fn sensible(wish: Wish, known: Known, dice: &mut Dice) -> Wish {
    let imports = matches!(
        wish,
        Wish::ImportNew | Wish::ImportExisting | Wish::DeleteMaterial
    );
    let schedules = matches!(wish, Wish::EnableRotation | Wish::DisableRotation);
    if dice.one_in(12) {
        wish
    } else if imports && !known.external {
        *dice.pick(&[Wish::Encrypt, Wish::Rotate, Wish::Decrypt])
    } else if schedules && known.external {
        Wish::ImportExisting
    } else {
        wish
    }
}

fn create(dice: &mut Dice) -> Errand {
    let external = !dice.one_in(3);
    let origin = if external {
        Origin::External
    } else {
        Origin::AwsKms
    };
    Errand {
        words: format!("with origin {}", origin.name()),
        ..Errand::new(Request::CreateKey(CreateKeyRequest {
            origin: Some(origin.name().into()),
            multi_region: Some(!dice.one_in(12)),
            ..Default::default()
        }))
    }
}
