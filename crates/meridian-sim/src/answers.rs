//! What clients make of answers, and of none: they keep what they learn, tell
//! the judge, and repeat or go on.

use meridian_chaos::{Property, Staleness};
use meridian_kms::{Operation, Request, Response};

use crate::call::{Call, Ended};
use crate::client::{Client, FollowUp, Habit, ROUNDS, Waiting};
use crate::group::NODES;
use crate::world::World;
use meridian_judge::history::{Invoked, Returned, Seen};

impl World {
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

    pub(crate) fn repeat_or_go_on(&mut self, client: usize, waiting: Waiting) {
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
        let Some(Call { asker, ended, .. }) = self.calls.remove(&call) else {
            return;
        };
        let Some(ended) = ended else {
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
                self.succeeded(call, &waiting, response, &asker.staleness);
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
    pub(crate) fn think_of_next(&mut self, client: usize, waiting: &Waiting) {
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

    pub(crate) fn failed(&mut self, call: u64, waiting: &Waiting, code: &str) {
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

    pub(crate) fn succeeded(
        &mut self,
        call: u64,
        waiting: &Waiting,
        response: Response,
        staleness: &Staleness,
    ) {
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
                if let Some(created) = created.filter(|_| !errand.reserved) {
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
                // With a key state of another time, it shows the key of no time at all.
                let mut parts = staleness.parts();
                if let Some(metadata) = response.key_metadata
                    && !parts.any(|(part, _)| part == Property::KeyState)
                {
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
                    as_of_ms: None,
                }));
                let waiting = Waiting {
                    call,
                    place: (region, node),
                    tries: 1,
                    disturbed: None,
                    errand,
                };
                match self.answer_now(region, node, &waiting.errand.request) {
                    Ok(response) => {
                        self.succeeded(call, &waiting, response, &Staleness::default());
                    }
                    Err(error) => self.failed(call, &waiting, error.code.name()),
                }
            }
        }
    }

    /// Nothing was wrong inside the region from the call's beginning to now.
    pub(crate) fn was_sound(&self, waiting: &Waiting) -> bool {
        let now = self.undisturbed(waiting.place.0);
        waiting.disturbed.is_some() && waiting.disturbed == now
    }

    /// The region's count of disturbances, unless it is disturbed now.
    pub(crate) fn undisturbed(&self, region: usize) -> Option<u64> {
        let here = self.names[region].as_str();
        let mut faults = self.faults.iter(self.now_ms);
        let disturbed = faults.any(|fault| fault.kind.region() == Some(here));
        let group = &self.groups[region];
        (!disturbed && group.is_sound()).then_some(group.disturbances)
    }

    pub(crate) fn who_waits(&self, call: u64) -> Option<usize> {
        let waits = |client: &Client| client.waiting.as_ref().is_some_and(|it| it.call == call);
        self.clients.all.iter().position(waits)
    }
}
