//! Workload: what clients want. Key sets are created, replicated, imported
//! into, rotated, deleted and moved, in every order; most of it makes sense,
//! some of it does not.

use meridian_kms::key_set::Origin;
use meridian_kms::{KeyRef, KeyState, Request};
use meridian_proto::v1::CreateKeyRequest;

use crate::client::{FollowUp, Habit};
use crate::dice::Dice;
use crate::errand::Errand;
use crate::group::NODES;
use crate::keepsake::Known;
use crate::world::World;

/// What a client may want of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
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
}

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
