//! The stage: who performs a scenario in a world, and what the scenario calls
//! things. Its clients call and wait like all clients, and the judge sees them.

use std::collections::BTreeMap;

use bytes::Bytes;
use meridian_crypto::MaterialId;
use meridian_kms::KeyRef;
use meridian_scenario::{CallEnd, Ending};

use crate::call::{Call, Ended};
use crate::client::Waiting;
use crate::event::Event;
use crate::group::NODES;
use crate::scenario::Lines;
use crate::world::World;

/// How long a client of a scenario waits for an answer, in milliseconds.
const PATIENCE_MS: i64 = 10_000;

/// Who performs, and what things are called.
#[derive(Default)]
pub(crate) struct Stage {
    pub(crate) keys: BTreeMap<String, KeyRef>,
    /// Keys of the scenario by alias.
    pub(crate) aliases: BTreeMap<String, String>,
    pub(crate) materials: BTreeMap<MaterialId, u64>,
    pub(crate) ciphertexts: BTreeMap<String, Ciphertext>,
    /// Tokens of grants.
    pub(crate) tokens: BTreeMap<String, String>,
    /// Calls that have not ended.
    pub(crate) acts: BTreeMap<u64, Act>,
    /// What has ended and not been told to the performance.
    pub(crate) ended: Vec<(u64, Ending)>,
}

/// A ciphertext that the scenario has a name for.
pub(crate) struct Ciphertext {
    pub(crate) key: Option<KeyRef>,
    pub(crate) material: Option<MaterialId>,
    pub(crate) blob: Bytes,
}

/// One call of the scenario.
pub(crate) struct Act {
    /// What was due.
    pub(crate) due: u64,
    /// What it is for.
    pub(crate) lines: Lines,
    pub(crate) waiting: Waiting,
    /// Whether the judge sees it: not when the client names another key than
    /// the ciphertext's.
    pub(crate) judged: bool,
}

impl Stage {
    pub(crate) fn waits_for(&self, call: u64) -> bool {
        self.acts.contains_key(&call)
    }
}

impl World {
    /// A client of the scenario makes its next call.
    pub(crate) fn act(&mut self, due: u64, place: (usize, usize), lines: Lines) {
        let errand = match self.errand_of(place.0, &lines) {
            Ok(errand) => errand,
            Err(what) => return self.stage.ended.push((due, Ending::Failed(what))),
        };
        // One client for each node, so that its session has an order.
        let client = self.clients.all.len() + place.0 * NODES + place.1;
        let judged = self.is_for_the_judge(&lines);
        let call = match judged {
            true => self.invoke(client, &errand, place),
            false => self.begin_call(place.0, place.1, errand.request.clone()),
        };
        self.ask_as(call, errand.by);
        self.after(PATIENCE_MS, Event::ClientTimeout(call));
        let waiting = Waiting {
            disturbed: self.undisturbed(place.0),
            call,
            errand,
            place,
            tries: 1,
        };
        let act = Act {
            due,
            lines,
            waiting,
            judged,
        };
        self.stage.acts.insert(call, act);
    }

    /// A client of the scenario gives up waiting.
    pub(crate) fn stage_gives_up(&mut self, call: u64) {
        let Some(act) = self.stage.acts.remove(&call) else {
            return;
        };
        self.log
            .note(self.now_ms, "unknown", &[call], || format!("call {call}"));
        if act.judged {
            self.judge.see(&meridian_judge::history::Seen::Unknown {
                at_ms: self.now_ms,
                call,
                sound: self.was_sound(&act.waiting),
            });
        }
        self.stage
            .ended
            .push((act.due, Ending::Call(CallEnd::Unknown)));
    }

    /// A client of the scenario hears the answer of its call.
    pub(crate) fn stage_hears(&mut self, call: u64) {
        let Some(Call { asker, ended, .. }) = self.calls.remove(&call) else {
            return;
        };
        let Some((act, ended)) = self.stage.acts.remove(&call).zip(ended) else {
            return;
        };
        let error = |code: &str, message: String| CallEnd::Error {
            code: code.to_owned(),
            message,
        };
        let end = match ended {
            Ended::Response(response) => {
                let next = act.lines.next(&response);
                let answer = self.make_out(&act, &response);
                if act.judged {
                    self.succeeded(call, &act.waiting, response, &asker.staleness);
                }
                if let Some(lines) = next {
                    return self.act(act.due, act.waiting.place, lines);
                }
                CallEnd::Ok(answer)
            }
            Ended::Refused(refusal) => {
                let code = refusal.code.name();
                if act.judged {
                    self.failed(call, &act.waiting, code);
                }
                error(code, refusal.to_string())
            }
            Ended::Failed(code) => {
                if act.judged {
                    self.failed(call, &act.waiting, &code);
                }
                error(&code, String::new())
            }
        };
        self.stage.ended.push((act.due, Ending::Call(end)));
    }
}
