//! Clients: each belongs to a region, some stay at one node and some move; they
//! call, wait for a while, and repeat what they have no answer to.

use std::collections::{BTreeMap, BTreeSet};

use meridian_kms::{KeyRef, Operation, Request, Response, Timestamp};

use crate::call::Ended;
use crate::dice::{Dice, Stream};
use crate::event::Event;
use crate::group::NODES;
use crate::judge::history::{Invoked, Returned, Seen};
use crate::keepsake::{Keepsake, Known};
use crate::workload::Errand;
use crate::world::World;

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
    watches: Option<(Known, usize, u32)>,
    waiting: Option<Waiting>,
}

/// Rounds of encrypting and decrypting after a rotation.
const ROUNDS: u32 = 4;

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
struct Waiting {
    call: u64,
    errand: Errand,
    place: (usize, usize),
    tries: u32,
    /// The region's count of disturbances, if there was none in the air.
    disturbed: Option<u64>,
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

    fn plan_turn(&mut self, client: usize) {
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
        if self.clients.begun == self.clients.operations {
            self.after(0, Event::Heal);
        }
        let mut dice = Dice::new(self.clients.seed, Stream::Operation(number));
        if self.clients.skip.contains(&number) {
            return self.plan_turn(client);
        }
        let (errand, place) = self.draw(client, &mut dice);
        self.call(client, errand, place, 1);
    }

    fn call(&mut self, client: usize, errand: Errand, place: (usize, usize), tries: u32) {
        let (region, node) = place;
        let operation = errand.request.operation();
        let kinds = self.faults.iter(self.now_ms).map(|fault| &fault.kind);
        self.coverage.begins(operation, kinds);
        let call = self.begin_call(region, node, errand.request.clone());
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
        }));
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

    /// Nothing was wrong inside the region from the call's beginning to now.
    fn was_sound(&self, waiting: &Waiting) -> bool {
        let now = self.undisturbed(waiting.place.0);
        waiting.disturbed.is_some() && waiting.disturbed == now
    }

    /// The region's count of disturbances, unless it is disturbed now.
    fn undisturbed(&self, region: usize) -> Option<u64> {
        let here = self.names[region].as_str();
        let mut faults = self.faults.iter(self.now_ms);
        let disturbed = faults.any(|fault| fault.kind.region() == Some(here));
        let group = &self.groups[region];
        (!disturbed && group.is_sound()).then_some(group.disturbances)
    }

    fn who_waits(&self, call: u64) -> Option<usize> {
        let waits = |client: &Client| client.waiting.as_ref().is_some_and(|it| it.call == call);
        self.clients.all.iter().position(waits)
    }

    /// A client gives up waiting: the outcome is unknown.
    pub(crate) fn client_gives_up(&mut self, call: u64) {
        let Some(client) = self.who_waits(call) else {
            return;
        };
        self.log
            .note(self.now_ms, "unknown", &[call], || format!("call {call}"));
        let Some(waiting) = self.clients.all[client].waiting.take() else {
            return;
        };
        self.judge.see(&Seen::Unknown {
            at_ms: self.now_ms,
            call,
            sound: self.was_sound(&waiting),
        });
        let operation = waiting.errand.request.operation();
        self.coverage.ends.entry(operation).or_default().unknown += 1;
        self.repeat_or_go_on(client, waiting);
    }

    fn repeat_or_go_on(&mut self, client: usize, waiting: Waiting) {
        let Waiting {
            errand,
            place,
            tries,
            ..
        } = waiting;
        if tries < 3 && !self.healed && self.clients.pauses.one_in(2) {
            let place = match self.clients.all[client].habit {
                Habit::Stays => place,
                Habit::Moves | Habit::Roams => (place.0, self.clients.pauses.index(NODES)),
            };
            return self.call(client, errand, place, tries + 1);
        }
        self.plan_turn(client);
    }

    /// A client hears the answer of its call.
    pub(crate) fn client_hears(&mut self, call: u64) {
        let Some(ended) = self.calls.remove(&call).and_then(|call| call.ended) else {
            return;
        };
        let Some(client) = self.who_waits(call) else {
            return;
        };
        let Some(waiting) = self.clients.all[client].waiting.take() else {
            return;
        };
        let operation = waiting.errand.request.operation();
        let ends = self.coverage.ends.entry(operation).or_default();
        match ended {
            Ended::Response(response) => {
                ends.ok += 1;
                self.succeeded(call, &waiting, response);
                self.think_of_next(client, &waiting);
                self.plan_turn(client);
            }
            Ended::Refused(error) => {
                ends.failed += 1;
                self.failed(call, &waiting, error.code.name());
                if operation == Operation::Decrypt {
                    self.think_of_next(client, &waiting);
                }
                self.plan_turn(client);
            }
            Ended::Failed(code) => {
                ends.failed += 1;
                self.failed(call, &waiting, &code);
                self.repeat_or_go_on(client, waiting);
            }
        }
    }

    /// After a rotation the new material is used at the primary and read
    /// elsewhere, again and again, while the regions switch one by one.
    fn think_of_next(&mut self, client: usize, waiting: &Waiting) {
        let habit = self.clients.all[client].habit;
        if habit == Habit::Stays {
            return;
        }
        let keepsake = &self.clients.keepsake;
        let kept = keepsake.ciphertexts.len();
        let mut known = keepsake.keys.iter();
        let known = known.find(|known| Some(known.key) == waiting.errand.key);
        let it = &mut self.clients.all[client];
        it.follow_up = match waiting.errand.request.operation() {
            Operation::UpdateKeyDescription
            | Operation::EnableKey
            | Operation::DisableKey
            | Operation::ScheduleKeyDeletion
            | Operation::CancelKeyDeletion => {
                known.map(|known| FollowUp::Describe(*known, waiting.place.0))
            }
            _ if habit != Habit::Roams => None,
            Operation::RotateKeyOnDemand => {
                it.watches = known.map(|known| (*known, waiting.place.0, ROUNDS));
                known.map(|known| FollowUp::Encrypt(*known, waiting.place.0))
            }
            Operation::Encrypt if kept > 0 => Some(FollowUp::Decrypt(kept - 1, waiting.place.0)),
            Operation::Decrypt => match it.watches {
                Some((known, region, rounds)) if rounds > 0 => {
                    it.watches = Some((known, region, rounds - 1));
                    Some(FollowUp::Encrypt(known, region))
                }
                Some(_) | None => None,
            },
            _ => None,
        };
    }

    fn failed(&mut self, call: u64, waiting: &Waiting, code: &str) {
        self.log
            .note(self.now_ms, "fail", &[call, code.len() as u64], || {
                format!("call {call}: {code}")
            });
        if code == "ExpiredImportTokenException"
            && let Some(key) = waiting.errand.key
        {
            self.clients.tokens.remove(&(waiting.place.0, key));
        }
        self.judge.see(&Seen::Fail {
            at_ms: self.now_ms,
            call,
            code: code.to_owned(),
            sound: self.was_sound(waiting),
        });
    }

    fn succeeded(&mut self, call: u64, waiting: &Waiting, response: Response) {
        self.log
            .note(self.now_ms, "ok", &[call], || format!("call {call}"));
        let mut returned = Returned {
            at_ms: self.now_ms,
            call,
            ..Returned::default()
        };
        let (region, errand) = (waiting.place.0, &waiting.errand);
        let id = |text: Option<String>| text.and_then(|text| text.parse().ok());
        match response {
            Response::CreateKey(response) => {
                let created = response.key_metadata.and_then(|it| it.key_id);
                if let Some(created) = created {
                    self.clients.keepsake.key_created(&created, errand);
                }
            }
            Response::GetParametersForImport(response) => {
                if let (Some(key), Some(token)) = (errand.key, response.import_token) {
                    let now = self.groups[region].agreed().now();
                    self.clients.tokens.insert((region, key), (now, token));
                }
            }
            Response::DescribeKey(response) => {
                if let Some(metadata) = response.key_metadata {
                    returned.state = metadata.key_state;
                    returned.description = metadata.description;
                }
            }
            Response::Encrypt(response) => {
                if let (Some(key), Some(blob), Request::Encrypt(request)) =
                    (errand.key, response.ciphertext_blob, &errand.request)
                {
                    self.log.bytes(&blob);
                    let text = request.plaintext.as_ref().map(|it| it.to_vec());
                    let kept = self.clients.keepsake.encrypted(key, region, text, blob);
                    returned.material = kept;
                }
            }
            Response::Decrypt(response) => {
                returned.material = id(response.key_material_id);
                let text = response.plaintext.map(|it| it.to_vec());
                returned.text = text.and_then(|text| String::from_utf8(text).ok());
            }
            Response::ImportKeyMaterial(response) => {
                returned.material = id(response.key_material_id);
            }
            Response::DeleteImportedKeyMaterial(response) => {
                returned.material = id(response.key_material_id);
            }
            _ => {}
        }
        self.judge.see(&Seen::Ok(returned));
    }

    /// In the part without faults every ciphertext is tried in every region.
    pub(crate) fn try_ciphertexts(&mut self) {
        for kept in 0..self.clients.keepsake.ciphertexts.len() {
            for region in 0..self.groups.len() {
                let errand = self.clients.keepsake.decrypt(kept);
                let call = self.new_id();
                let Some(node) = self.groups[region].leader else {
                    continue;
                };
                self.judge.see(&Seen::Invoke(Invoked {
                    at_ms: self.now_ms,
                    call,
                    client: self.clients.all.len(),
                    region,
                    node,
                    operation: Operation::Decrypt,
                    key: errand.key,
                    description: None,
                    to: None,
                    ciphertext: errand.ciphertext.clone(),
                    bytes: None,
                    cut_off: false,
                }));
                let waiting = Waiting {
                    call,
                    place: (region, node),
                    tries: 1,
                    disturbed: None,
                    errand,
                };
                match self.answer_now(region, node, &waiting.errand.request) {
                    Ok(response) => self.succeeded(call, &waiting, response),
                    Err(error) => self.failed(call, &waiting, error.code.name()),
                }
            }
        }
    }
}
