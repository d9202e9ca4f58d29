//! World: several regions and the links between them. Nothing moves by itself;
//! a story says what is pushed, delivered, lost or cut, and when.

use std::collections::{BTreeMap, BTreeSet};

use meridian_kms::replication::feed::Feed;
use meridian_kms::{Change, KmsError};
use meridian_proto::v1::{ReplicateKeyRequest, UpdatePrimaryRegionRequest};

use crate::fixture::{Call, TestRegion, region};
use crate::judge::{Judge, Verdict};

/// Rounds of pushing and delivering after which a healed world must be quiet.
/// A hand-over takes three one-way trips and a rotation four; several of them
/// may follow from one another.
const ROUNDS_MAX: usize = 40;

/// Facts on their way.
#[derive(Clone)]
pub struct Batch {
    positions: Vec<u64>,
    facts: Vec<Vec<u8>>,
}

/// A ciphertext that somebody keeps.
pub struct Kept {
    /// The key ID.
    pub key: String,
    /// What it must decrypt to.
    pub text: String,
    /// The ciphertext.
    pub blob: Vec<u8>,
}

type Link = (&'static str, &'static str);

/// Several regions.
pub struct World {
    regions: BTreeMap<&'static str, TestRegion>,
    in_flight: BTreeMap<Link, Vec<Batch>>,
    cut: BTreeSet<Link>,
    /// Every ciphertext made through [`World::encrypt`].
    pub kept: Vec<Kept>,
    /// Who looks at every step.
    pub judge: Judge,
}

impl World {
    /// Regions without keys and links without faults.
    pub fn new(names: &[&'static str]) -> World {
        World {
            regions: names
                .iter()
                .map(|name| (*name, TestRegion::new(name)))
                .collect(),
            in_flight: BTreeMap::new(),
            cut: BTreeSet::new(),
            kept: Vec::new(),
            judge: Judge::default(),
        }
    }

    /// A world whose first region has a multi-Region key with one imported
    /// material, replicated into all others, which have imported it too.
    /// Returns the key's ID and the material's.
    pub fn with_imported_key(names: &[&'static str]) -> (World, String, String) {
        let mut world = World::new(names);
        let (key, material) = world.on(names[0], |it| it.create_imported(true, 1));
        for replica in &names[1..] {
            world.replicate(names[0], &key, replica).unwrap();
        }
        world.settle();
        for replica in &names[1..] {
            world
                .on(replica, |it| it.import(&key, 1, "EXISTING_KEY_MATERIAL"))
                .unwrap();
        }
        world.settle();
        (world, key, material)
    }

    /// One more region, without keys.
    pub fn add(&mut self, name: &'static str) {
        self.regions.insert(name, TestRegion::new(name));
    }

    /// The names of all regions.
    pub fn names(&self) -> Vec<&'static str> {
        self.regions.keys().copied().collect()
    }

    /// All regions.
    pub fn regions(&self) -> impl Iterator<Item = (&'static str, &TestRegion)> {
        self.regions.iter().map(|(name, region)| (*name, region))
    }

    /// A region, for looking only.
    pub fn region(&self, name: &str) -> &TestRegion {
        &self.regions[name]
    }

    /// Does something in one region, under the eyes of the judge.
    pub fn on<T>(&mut self, name: &str, act: impl FnOnce(&mut TestRegion) -> T) -> T {
        let done = act(self.regions.get_mut(name).expect("a region of this world"));
        self.judged();
        done
    }

    /// Does something in one region behind the judge's back.
    pub fn unseen<T>(&mut self, name: &str, act: impl FnOnce(&mut TestRegion) -> T) -> T {
        act(self.regions.get_mut(name).expect("a region of this world"))
    }

    fn judged(&mut self) {
        must_hold(self.look());
    }

    /// The judge looks at all regions.
    pub fn look(&mut self) -> Verdict {
        self.ask_judge(|judge, world| judge.observe(world))
    }

    /// The judge looks whether all regions agree and are at rest.
    pub fn look_for_agreement(&mut self) -> Verdict {
        self.ask_judge(|judge, world| judge.agreement(world))
    }

    /// The judge decrypts every kept ciphertext in every region.
    pub fn look_at_ciphertexts(&mut self) -> Verdict {
        self.ask_judge(|judge, world| judge.ciphertexts(world))
    }

    fn ask_judge(&mut self, ask: impl FnOnce(&mut Judge, &mut World) -> Verdict) -> Verdict {
        let mut judge = std::mem::take(&mut self.judge);
        let verdict = ask(&mut judge, self);
        self.judge = judge;
        verdict
    }

    /// Calls an operation that may have to ask another region, which answers
    /// unless the way there or back is cut.
    pub fn call<C: Call>(&mut self, name: &str, request: C) -> Result<C::Response, KmsError> {
        let mut here = self.regions.remove(name).expect("a region of this world");
        let result =
            here.call_asking(request, |question| {
                let (there, peer) = self.regions.get_key_value(question.region.as_str())?;
                if self.cut.iter().any(|(from, to)| {
                    (*from, *to) == (name, *there) || (*from, *to) == (*there, name)
                }) {
                    return None;
                }
                let mut view = peer.view().clone();
                view.advance_to(peer.now);
                Some(view.answer(question))
            });
        let name = crate::fixture::REGIONS
            .into_iter()
            .find(|known| *known == name)
            .unwrap();
        self.regions.insert(name, here);
        self.judged();
        result
    }

    /// ReplicateKey.
    pub fn replicate(&mut self, from: &str, key: &str, to: &str) -> Result<(), KmsError> {
        let request = ReplicateKeyRequest {
            key_id: Some(key.into()),
            replica_region: Some(to.into()),
            ..Default::default()
        };
        self.call(from, request).map(|_| ())
    }

    /// UpdatePrimaryRegion.
    pub fn update_primary(&mut self, from: &str, key: &str, to: &str) -> Result<(), KmsError> {
        let request = UpdatePrimaryRegionRequest {
            key_id: Some(key.into()),
            primary_region: Some(to.into()),
        };
        self.call(from, request).map(|_| ())
    }

    /// Encrypts and keeps the ciphertext.
    pub fn encrypt(&mut self, name: &str, key: &str) -> Result<Vec<u8>, KmsError> {
        let text = format!("text {}", self.kept.len());
        let blob = self.on(name, |it| it.encrypt(key, &text))?;
        self.kept.push(Kept {
            key: key.into(),
            text,
            blob: blob.clone(),
        });
        Ok(blob)
    }

    /// Nothing crosses between two regions any more.
    pub fn cut(&mut self, one: &'static str, other: &'static str) {
        self.cut.insert((one, other));
        self.cut.insert((other, one));
    }

    /// Cuts a region off from all others.
    pub fn isolate(&mut self, name: &'static str) {
        for other in self.names() {
            if other != name {
                self.cut(name, other);
            }
        }
    }

    /// All links work again.
    pub fn heal(&mut self) {
        self.cut.clear();
    }

    /// Is this direction cut?
    pub fn is_cut(&self, from: &str, to: &str) -> bool {
        self.cut.iter().any(|link| *link == (from, to))
    }

    /// The author sends what is due. False when nothing is.
    pub fn push(&mut self, from: &'static str, to: &'static str) -> bool {
        let flying = self.in_flight.entry((from, to)).or_default();
        let here = self.regions.get_mut(from).expect("a region of this world");
        let positions: BTreeSet<u64> = flying
            .iter()
            .flat_map(|batch| batch.positions.iter().copied())
            .collect();
        let outgoing = here
            .region
            .outgoing(&region(to), &here.vault, &mut here.entropy, |it| {
                positions.contains(&it)
            })
            .unwrap();
        if outgoing.positions.is_empty() {
            return false;
        }
        flying.push(Batch {
            positions: outgoing.positions,
            facts: outgoing.facts.clone(),
        });
        must_hold(self.ask_judge(|judge, world| {
            outgoing
                .facts
                .iter()
                .try_for_each(|fact| judge.fact(world, fact))
        }));
        true
    }

    /// How many batches are on their way.
    pub fn flying(&self, from: &'static str, to: &'static str) -> usize {
        self.in_flight.get(&(from, to)).map_or(0, Vec::len)
    }

    /// A batch arrives, is committed and acknowledged.
    pub fn deliver(&mut self, from: &'static str, to: &'static str, index: usize) {
        let batch = self.lose(from, to, index);
        self.arrive(from, to, &batch);
        let acknowledged = Change::FeedAcknowledged {
            peer: region(to),
            positions: batch.positions,
        };
        self.on(from, |it| it.commit(acknowledged));
    }

    /// A batch arrives and is committed; the author never hears of it, and the
    /// batch may arrive again.
    pub fn repeat(&mut self, from: &'static str, to: &'static str, index: usize) {
        let batch = self.in_flight[&(from, to)][index].clone();
        self.arrive(from, to, &batch);
    }

    /// A batch is lost.
    pub fn lose(&mut self, from: &'static str, to: &'static str, index: usize) -> Batch {
        self.in_flight
            .get_mut(&(from, to))
            .expect("something was pushed")
            .remove(index)
    }

    /// A batch arrives.
    pub fn arrive(&mut self, from: &'static str, to: &'static str, batch: &Batch) {
        let facts: Vec<&[u8]> = batch.facts.iter().map(Vec::as_slice).collect();
        self.on(to, |it| {
            let view = it.behind.as_ref().unwrap_or(&it.region);
            let planned = view
                .plan_facts(&region(from), facts, &it.vault, &mut it.entropy)
                .unwrap();
            it.commit(planned);
        });
    }

    /// The newest facts from one region reach another.
    pub fn exchange(&mut self, from: &'static str, to: &'static str) {
        self.push(from, to);
        while self.flying(from, to) > 0 {
            self.deliver(from, to, 0);
        }
    }

    /// Time passes in all regions.
    pub fn pass_days(&mut self, days: i64) {
        for name in self.names() {
            self.on(name, |it| it.pass_days(days));
        }
    }

    /// Everything that can move moves, until nothing is left to say over the
    /// links that are not cut.
    pub fn settle(&mut self) {
        for _ in 0..ROUNDS_MAX {
            for name in self.names() {
                self.on(name, TestRegion::tick);
            }
            let mut moved = false;
            for from in self.names() {
                for to in self.names() {
                    if from == to || self.is_cut(from, to) {
                        continue;
                    }
                    moved |= self.push(from, to) || self.flying(from, to) > 0;
                    while self.flying(from, to) > 0 {
                        self.deliver(from, to, 0);
                    }
                }
            }
            if !moved {
                return;
            }
        }
        panic!("R7: the regions still have something to tell each other");
    }

    /// The links heal, and the judge looks whether all regions agree and every
    /// kept ciphertext opens.
    pub fn heal_and_judge(&mut self) {
        self.heal();
        self.settle();
        must_hold(self.look_for_agreement());
        must_hold(self.look_at_ciphertexts());
    }

    /// Decrypts in one region.
    pub fn decrypt(&mut self, name: &str, blob: &[u8]) -> Result<String, KmsError> {
        self.on(name, |it| it.decrypt(blob))
    }

    /// Changes a region's agreed state behind everybody's back.
    pub fn tamper(&mut self, name: &str, change: impl FnOnce(&mut serde_json::Value)) {
        self.regions
            .get_mut(name)
            .expect("a region of this world")
            .tamper(change);
    }

    /// The feed of one region for another.
    pub fn feed(&self, from: &str, to: &str) -> Option<&Feed> {
        self.region(from).region.feeds().get(&region(to))
    }

    /// The same about a key from every region, as `name: …`.
    pub fn everywhere(&mut self, mut ask: impl FnMut(&mut TestRegion) -> String) -> Vec<String> {
        let names = self.names();
        names
            .into_iter()
            .map(|name| format!("{name}: {}", self.on(name, &mut ask)))
            .collect()
    }
}

fn must_hold(verdict: Verdict) {
    if let Err(violation) = verdict {
        panic!("{violation}");
    }
}
