//! Clients: each belongs to a region, some stay at one node and some move; they
//! call, wait for a while, and repeat what they have no answer to.

use std::collections::{BTreeMap, BTreeSet};

use meridian_kms::{KeyRef, Timestamp};

use crate::dice::{Dice, Stream};
use crate::errand::Errand;
use crate::event::Event;
use crate::group::NODES;
use crate::keepsake::{Keepsake, Known};
use crate::world::World;
use meridian_judge::history::{Invoked, Seen};

/// Where a client calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// Always the same node.
    Stays,
    /// Any node of its region.
    Moves,
    /// Any node of any region.
    Roams,
}

/// One client.
pub(crate) struct Client {
    pub(crate) region: usize,
    pub(crate) node: usize,
    pub(crate) habit: Habit,
    /// What it wants next, because of what it did last.
    pub(crate) follow_up: Option<FollowUp>,
    /// A rotation that it watches: where, and for how many rounds.
    pub(crate) watches: Option<(Known, usize, u32)>,
    pub(crate) waiting: Option<Waiting>,
}

/// Rounds of encrypting and decrypting after a rotation.
pub(crate) const ROUNDS: u32 = 4;

/// A rotation is followed by a use of the new material, and that by an attempt
/// to read it elsewhere.
#[derive(Clone, Copy)]
pub(crate) enum FollowUp {
    /// Encrypt with this key in this region.
    Encrypt(Known, usize),
    /// Decrypt the ciphertext with this number, in another region than this.
    Decrypt(usize, usize),
    /// See at any node of this region what a write has made of this key.
    Describe(Known, usize),
}

/// A call that a client waits for.
pub(crate) struct Waiting {
    pub(crate) call: u64,
    pub(crate) errand: Errand,
    pub(crate) place: (usize, usize),
    pub(crate) tries: u32,
    /// The region's count of disturbances, if there was none in the air.
    pub(crate) disturbed: Option<u64>,
}

/// All clients of a run, and what they know.
pub struct Clients {
    pub(crate) seed: u64,
    pub(crate) all: Vec<Client>,
    pub(crate) pauses: Dice,
    /// Operations that have begun.
    pub(crate) begun: usize,
    /// Operations of the whole run.
    pub(crate) operations: usize,
    /// Whether the part without faults begins with the last operation.
    pub(crate) heal_at_last: bool,
    /// Operations that are left out.
    pub(crate) skip: BTreeSet<usize>,
    pub(crate) pause_ms: i64,
    pub(crate) keepsake: Keepsake,
    pub(crate) tokens: BTreeMap<(usize, KeyRef), (Timestamp, bytes::Bytes)>,
    pub(crate) leaning: usize,
    /// Key sets that the run keeps alive.
    pub(crate) keys_wanted: usize,
}

impl Clients {
    /// Clients in so many regions, as the seed has them.
    pub fn new(seed: u64, regions: usize, operations: usize, skip: BTreeSet<usize>) -> Clients {
        let mut dice = Dice::new(seed, Stream::Pauses);
        let number = 3 + dice.index(6);
        let client = |index: usize, dice: &mut Dice| Client {
            region: index % regions,
            node: dice.index(NODES),
            habit: *dice.pick(&[Habit::Stays, Habit::Moves, Habit::Roams, Habit::Roams]),
            follow_up: None,
            watches: None,
            waiting: None,
        };
        let all = (0..number).map(|index| client(index, &mut dice)).collect();
        Clients {
            seed,
            all,
            begun: 0,
            operations,
            heal_at_last: true,
            skip,
            pause_ms: *dice.pick(&[20, 100, 400, 1000]),
            leaning: dice.index(4),
            keys_wanted: 1 + dice.index(4),
            pauses: dice,
            keepsake: Keepsake::default(),
            tokens: BTreeMap::new(),
        }
    }
}

impl World {
    /// All clients begin.
    pub(crate) fn clients_begin(&mut self) {
        for client in 0..self.clients.all.len() {
            self.plan_turn(client);
        }
    }

    pub(crate) fn plan_turn(&mut self, client: usize) {
        let most_ms = self.clients.pause_ms * 2;
        let ms = self.clients.pauses.between(1, most_ms);
        self.after(ms, Event::Client(client));
    }

    /// A client is ready for its next operation.
    pub(crate) fn client_turn(&mut self, client: usize) {
        if self.healed || self.clients.all[client].waiting.is_some() {
            return;
        }
        let number = self.clients.begun;
        if number >= self.clients.operations {
            return;
        }
        self.clients.begun += 1;
        if self.clients.begun == self.clients.operations && self.clients.heal_at_last {
            self.after(0, Event::Heal);
        }
        let mut dice = Dice::new(self.clients.seed, Stream::Operation(number));
        if self.clients.skip.contains(&number) {
            return self.plan_turn(client);
        }
        let (errand, place) = self.draw(client, &mut dice);
        self.call(client, errand, place, 1);
    }

    pub(crate) fn call(
        &mut self,
        client: usize,
        errand: Errand,
        place: (usize, usize),
        tries: u32,
    ) {
        let region = place.0;
        let call = self.invoke(client, &errand, place);
        let patience_ms = self.clients.pauses.between(2_500, 9_000);
        self.after(patience_ms, Event::ClientTimeout(call));
        let disturbed = self.undisturbed(region);
        self.clients.all[client].waiting = Some(Waiting {
            disturbed,
            call,
            errand,
            place,
            tries,
        });
    }

    /// A call begins, and the judge sees it.
    pub(crate) fn invoke(&mut self, client: usize, errand: &Errand, place: (usize, usize)) -> u64 {
        let (region, node) = place;
        let operation = errand.request.operation();
        let kinds = self.faults.iter(self.now_ms).map(|fault| &fault.kind);
        self.coverage.begins(operation, kinds);
        let call = self.begin_call(region, node, errand.request.clone());
        let as_of_ms = match operation.is_write() {
            true => None,
            false => self.as_of_ms(region, node),
        };
        if as_of_ms.is_some() {
            self.let_lag(call);
        }
        self.log.note(
            self.now_ms,
            "invoke",
            &[call, region as u64, node as u64, operation as u64],
            || {
                let name = &self.names[region];
                let key = errand.key.map(|key| key.id.to_string());
                format!(
                    "call {call}, client {client} at {name} node {}: {} {} {}",
                    node + 1,
                    operation.name(),
                    key.unwrap_or_default(),
                    errand.words
                )
            },
        );
        self.judge.see(&Seen::Invoke(Invoked {
            at_ms: self.now_ms,
            call,
            client,
            region,
            node,
            operation,
            key: errand.key,
            description: errand.description.clone(),
            to: errand.to,
            ciphertext: errand.ciphertext.clone(),
            bytes: errand.bytes,
            cut_off: self.is_cut_off(region),
            as_of_ms,
        }));
        call
    }
}
