//! Judge: sees all regions at once, remembers what it has seen, and says which
//! promise of the replication design is broken. It trusts no report: what a
//! region held or knew is what the judge saw there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine as _;
use meridian_crypto::MaterialId;
use meridian_kms::key::{Key, Role};
use meridian_kms::key_set::{Origin, Version};
use meridian_kms::material::MaterialState;
use meridian_kms::replication::fact::Fact;
use meridian_kms::{ErrorCode, KeyRef, KeyState};

use crate::fixture::region;
use crate::world::World;

/// What is broken, beginning with the number of the promise.
pub type Verdict = Result<(), String>;

/// A material as one registration in one key.
type Registered = (KeyRef, MaterialId, Version);

/// What was seen so far.
#[derive(Default)]
pub struct Judge {
    /// The keys of each region at the last step.
    last: BTreeMap<(&'static str, KeyRef), Arc<Key>>,
    /// The newest version of each key in each region, also of deleted keys.
    versions: BTreeMap<(&'static str, KeyRef), Version>,
    /// Where bytes have been seen.
    held: BTreeSet<(&'static str, Registered)>,
    /// Where a material was ready to decrypt.
    ready: BTreeSet<(&'static str, Registered)>,
    /// Materials that may encrypt.
    may_encrypt: BTreeSet<(KeyRef, MaterialId)>,
    /// Who authored which epoch.
    authors: BTreeMap<(KeyRef, u64), &'static str>,
    /// How often each promise was looked at with something at stake.
    pub looked: BTreeMap<&'static str, u64>,
}

impl Judge {
    fn looked(&mut self, promise: &'static str) {
        *self.looked.entry(promise).or_default() += 1;
    }

    /// Looks at all regions after a step.
    pub fn observe(&mut self, world: &World) -> Verdict {
        let mut changed = Vec::new();
        let mut seen = BTreeMap::new();
        for (name, it) in world.regions() {
            for (reference, key) in it.region.keys() {
                let last = self.last.remove(&(name, *reference));
                if last.as_ref().is_none_or(|last| !Arc::ptr_eq(last, key)) {
                    changed.push((name, last, key.clone()));
                }
                seen.insert((name, *reference), key.clone());
            }
        }
        self.last = seen;
        for (name, _, key) in &changed {
            self.remember(name, key);
        }
        // Authors first: what they decided is what the others may do.
        changed.sort_by_key(|(_, _, key)| matches!(key.role, Role::Replica { .. }));
        for (name, last, key) in &changed {
            self.one_author(name, key)?;
            self.import_before_rotate(name, last.as_deref(), key)?;
            self.never_backwards(name, last.as_deref(), key)?;
        }
        Ok(())
    }

    fn remember(&mut self, name: &'static str, key: &Key) {
        let rotating_to = key
            .shared
            .rotation
            .as_ref()
            .map(|rotation| rotation.material);
        for material in &key.shared.materials {
            let registered = (key.key, material.id, material.registered);
            let here = key.sealed(&material.id).is_some();
            if here {
                self.held.insert((name, registered));
            }
            let known = material.state.is_permanent() || rotating_to == Some(material.id);
            if known && (here || key.shared.origin == Origin::External) {
                self.ready.insert((name, registered));
            }
        }
    }

    /// R4: in one epoch one region may author.
    fn one_author(&mut self, name: &'static str, key: &Key) -> Verdict {
        if matches!(key.role, Role::Replica { .. }) {
            return Ok(());
        }
        self.looked("R4");
        let epoch = key.shared.version.epoch;
        let author = *self.authors.entry((key.key, epoch)).or_insert(name);
        if author == name {
            return Ok(());
        }
        Err(format!(
            "R4: {author} and {name} are both primary of {} in epoch {epoch}",
            key.key
        ))
    }

    /// R1: a material encrypts only after every member had held it when the
    /// rotation was accepted, and has committed the acceptance since.
    fn import_before_rotate(
        &mut self,
        name: &'static str,
        last: Option<&Key>,
        key: &Key,
    ) -> Verdict {
        let running = last.and_then(|last| last.shared.rotation.as_ref());
        let is_author = matches!(key.role, Role::Primary { .. });
        if is_author
            && running.is_none()
            && let Some(rotation) = &key.shared.rotation
            && key.shared.origin == Origin::External
        {
            self.looked("R1 accept");
            let members = rotation.members.keys().map(|member| member.as_str());
            for member in members.chain([name]) {
                if !self.saw(&self.held, member, key, &rotation.material) {
                    let material = rotation.material;
                    return Err(format!(
                        "R1: {name} rotates to {material}, {member} never held it"
                    ));
                }
            }
        }
        let Some(current) = key.shared.current() else {
            return Ok(());
        };
        if self.may_encrypt.contains(&(key.key, current.id)) {
            return Ok(());
        }
        if !is_author {
            return Err(format!(
                "R1: {name} encrypts under {} before its primary",
                current.id
            ));
        }
        let first = key
            .shared
            .materials
            .first()
            .is_some_and(|first| first.id == current.id);
        if !first || current.rotation.is_some() {
            self.looked("R1 switch");
            let members = match running {
                Some(rotation) if rotation.material == current.id => &rotation.members,
                Some(_) | None => &key.shared.replicas,
            };
            for (member, joined) in members {
                let still = key.shared.replicas.get(member) == Some(joined);
                if still && !self.saw(&self.ready, member.as_str(), key, &current.id) {
                    let id = current.id;
                    return Err(format!(
                        "R1: {name} switched to {id}, {member} is not prepared"
                    ));
                }
            }
        }
        self.may_encrypt.insert((key.key, current.id));
        Ok(())
    }

    fn saw(
        &self,
        seen: &BTreeSet<(&'static str, Registered)>,
        name: &str,
        key: &Key,
        id: &MaterialId,
    ) -> bool {
        let Some(material) = key.shared.material(id) else {
            return false;
        };
        let registered = (key.key, *id, material.registered);
        seen.iter()
            .any(|(region, what)| *region == name && *what == registered)
    }

    /// R3: neither versions nor materials go back.
    fn never_backwards(&mut self, name: &'static str, last: Option<&Key>, key: &Key) -> Verdict {
        self.looked("R3");
        let version = key.shared.version;
        let newest = self.versions.entry((name, key.key)).or_default();
        if version < *newest {
            return Err(format!(
                "R3: {name} went back from {newest:?} to {version:?}"
            ));
        }
        *newest = version;
        let Some(last) = last else { return Ok(()) };
        for old in &last.shared.materials {
            use MaterialState::{Current, NonCurrent, PendingRotation};
            let id = old.id;
            let new = key
                .shared
                .material(&id)
                .filter(|new| new.registered == old.registered);
            let allowed = match (old.state, new.map(|new| new.state)) {
                (Current, Some(Current | NonCurrent)) | (NonCurrent, Some(NonCurrent)) => true,
                (Current | NonCurrent, _) => false,
                (PendingRotation, Some(MaterialState::PendingMultiRegionImportAndRotation)) => {
                    some_member_lacks(key, &id)
                }
                _ => true,
            };
            if !allowed {
                let (old, new) = (old.state, new.map(|new| new.state));
                return Err(format!("R3: at {name}, {id} went from {old:?} to {new:?}"));
            }
        }
        Ok(())
    }

    /// R6: a fact carries no imported material, sealed or not.
    pub fn fact(&mut self, world: &World, bytes: &[u8]) -> Verdict {
        let fact = Fact::decode(bytes).map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(bytes);
        for (name, it) in world.regions() {
            let Some(key) = it.region.key(&fact.key()) else {
                continue;
            };
            if key.shared.origin != Origin::External {
                continue;
            }
            self.looked("R6");
            if let Fact::Shared(shared) = &fact
                && !shared.sealed.is_empty()
            {
                return Err(format!("R6: a fact about {} carries material", fact.key()));
            }
            for (id, held) in &key.held {
                let Some(sealed) = &held.sealed else { continue };
                let sealed = serde_json::to_string(sealed).unwrap();
                let sealed = sealed.trim_matches('"');
                if text.contains(sealed) {
                    return Err(format!("R6: a fact carries {id} as {name} has sealed it"));
                }
            }
            for byte in 0..=9 {
                let base64 = base64::engine::general_purpose::STANDARD.encode([byte; 32]);
                if text.contains(&base64[..40]) || text.contains(&hex::encode([byte; 32])) {
                    return Err(format!("R6: a fact carries the bytes {byte:02x}…"));
                }
            }
        }
        Ok(())
    }

    /// R7: all regions say the same, nothing is left to be told, and nothing
    /// is under way.
    pub fn agreement(&mut self, world: &World) -> Verdict {
        let mut sets: BTreeMap<KeyRef, Vec<(&'static str, Arc<Key>)>> = BTreeMap::new();
        for (name, it) in world.regions() {
            if let Some(peer) = it.peers_behind().first() {
                return Err(format!("R7: {name} still has something to tell {peer}"));
            }
            for (reference, key) in it.region.keys() {
                sets.entry(*reference)
                    .or_default()
                    .push((name, key.clone()));
            }
        }
        for (reference, keys) in sets {
            self.looked("R7");
            let primaries: Vec<_> = keys.iter().filter(|(_, key)| key.is_primary()).collect();
            let [(name, primary)] = primaries.as_slice() else {
                return Err(format!("R7: {reference} has {} primaries", primaries.len()));
            };
            let mut members: BTreeSet<&str> = primary
                .shared
                .replicas
                .keys()
                .map(|member| member.as_str())
                .collect();
            members.insert(name);
            if members != keys.iter().map(|(name, _)| *name).collect() {
                return Err(format!(
                    "R7: the members of {reference} are not those it has"
                ));
            }
            for (name, key) in &keys {
                if key.shared != primary.shared {
                    return Err(format!("R7: {name} has other properties of {reference}"));
                }
                let state = key.state(&region(name));
                let transient = matches!(state, KeyState::Creating | KeyState::Updating);
                if transient || key.shared.rotation.is_some() || key.shared.hand_over.is_some() {
                    return Err(format!(
                        "R7: at {name}, {reference} is not at rest: {state:?}"
                    ));
                }
            }
            self.author_knows(primary, &keys)?;
        }
        Ok(())
    }

    /// R7: what the primary has heard is what there is, and the state of the
    /// waiting material follows from it.
    fn author_knows(&mut self, primary: &Key, keys: &[(&'static str, Arc<Key>)]) -> Verdict {
        for (name, key) in keys {
            if matches!(key.role, Role::Replica { .. })
                && primary.reports().get(&region(name)) != key.report.as_ref()
            {
                return Err(format!(
                    "R7: the primary of {} does not know {name}",
                    key.key
                ));
            }
        }
        let Some(waiting) = primary.shared.pending() else {
            return Ok(());
        };
        self.looked("R7 waiting material");
        let complete = keys.len() == 1
            || keys
                .iter()
                .all(|(_, key)| key.sealed(&waiting.id).is_some());
        if complete == (waiting.state == MaterialState::PendingRotation) {
            return Ok(());
        }
        Err(format!(
            "R7: {} is {:?}, complete: {complete}",
            waiting.id, waiting.state
        ))
    }

    /// R2: every ciphertext opens in every region whose key is usable. Holds at
    /// any time, also while regions are cut off.
    pub fn ciphertexts(&mut self, world: &mut World) -> Verdict {
        let kept = std::mem::take(&mut world.kept);
        let mut verdict = Ok(());
        for it in &kept {
            for name in world.names() {
                let reference = world.region(name).reference(&it.key);
                if world.region(name).region.key(&reference).is_none() {
                    continue;
                }
                match world.unseen(name, |region| region.decrypt(&it.blob)) {
                    Ok(text) if text == it.text => self.looked("R2"),
                    Err(error)
                        if matches!(
                            error.code,
                            ErrorCode::DisabledException | ErrorCode::KMSInvalidStateException
                        ) => {}
                    other => {
                        let key = &it.key;
                        let text = &it.text;
                        verdict = Err(format!("R2: {name} opens '{text}' of {key} as {other:?}"));
                    }
                }
            }
        }
        world.kept = kept;
        verdict
    }
}

/// Does the author know of a member without these bytes? A replica only repeats
/// what the author found.
fn some_member_lacks(key: &Key, id: &MaterialId) -> bool {
    let lacks = |member| {
        key.reports()
            .get(member)
            .is_none_or(|report| !report.held.contains(id))
    };
    matches!(key.role, Role::Replica { .. })
        || key.sealed(id).is_none()
        || key.shared.replicas.keys().any(lacks)
}
