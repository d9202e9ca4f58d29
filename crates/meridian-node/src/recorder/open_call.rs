//! A call between its beginning and its end. One that is dropped has no answer:
//! the client went away, and nobody knows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use meridian_api::CallError;
use meridian_chaos::Faults;
use meridian_judge::history::{Invoked, REFUSED_BY_FAULT, Returned, Seen};
use meridian_kms::{Caller, KeyRef, Operation, Request, Response};
use meridian_raft::NodeId;
use tokio::sync::watch;

use crate::clock::machine_now_ms;
use crate::core::Core;
use crate::recorder::asked::{Asked, ciphertext_print};
use crate::recorder::keepsake::Kept;
use crate::recorder::part::Note;
use crate::recorder::{Recorder, State, number};

/// A client that leaves sooner than this was hasty; later, it was not answered.
const PATIENCE: Duration = Duration::from_secs(5);

/// A call that has not ended.
pub struct OpenCall {
    recorder: Arc<Recorder>,
    core: Arc<Core>,
    call: u64,
    request_id: String,
    operation: Operation,
    asked: Asked,
    began: Instant,
    /// The leader and its term when the call began, if nothing was wrong.
    sound: Option<(NodeId, u64)>,
    /// A fault answers it instead of the region.
    refused: bool,
    /// A fault has its node read from an older view.
    stale: bool,
    /// Until when the oldest view that may answer was the newest is known.
    dated: bool,
    faults: watch::Receiver<Faults>,
    ended: bool,
}

impl Recorder {
    /// A client calls a node; with `refused` a fault will refuse the call.
    pub fn begin(
        self: &Arc<Self>,
        core: &Arc<Core>,
        caller: &Caller,
        request: &Request,
        refused: bool,
    ) -> OpenCall {
        let faults = core.faults.follow();
        let operation = request.operation();
        let region = self.place(&core.region);
        let view = core.view.applied();
        let oldest = oldest_view(core).filter(|_| !operation.is_write());
        let mut state = self.state();
        state.calls += 1;
        let call = state.calls;
        state.open.insert(caller.request_id.clone(), call);
        let clients = state.clients.len();
        let client = (caller.account, caller.principal.clone());
        let client = *state.clients.entry(client).or_insert(clients);
        let asked = Asked::of(
            caller,
            request,
            &view,
            &self.regions,
            &self.fingerprints,
            &state.keepsake,
        );
        if state.journal.is_part() {
            state.journal.note(Note::Called {
                call,
                request: caller.request_id.clone(),
                client: format!("{}/{}", caller.account, caller.principal),
                opens: asked.opens.clone(),
                view: oldest,
            });
        }
        let now_ms = state.journal.now_ms();
        let as_of_ms = oldest.filter(|_| !state.journal.is_part()).map(|index| {
            let until = state.agreed[region].newest_until_ms(index);
            until.unwrap_or(now_ms)
        });
        let invoked = Invoked {
            at_ms: now_ms,
            call,
            client,
            region,
            node: number(core.node_id),
            operation,
            key: asked.key,
            description: asked.description.clone(),
            to: asked.to,
            ciphertext: asked.ciphertext.clone(),
            bytes: None,
            cut_off: is_cut_off(core),
            as_of_ms,
        };
        state.journal.write(&Seen::Invoke(invoked));
        drop(state);
        OpenCall {
            recorder: self.clone(),
            core: core.clone(),
            call,
            request_id: caller.request_id.clone(),
            operation,
            asked,
            began: Instant::now(),
            sound: soundness(core),
            refused,
            stale: is_stale(core),
            dated: oldest.is_some(),
            faults,
            ended: false,
        }
    }
}

impl OpenCall {
    /// The client is about to hear this.
    pub fn end(mut self, answer: &Result<Response, CallError>) {
        self.ended = true;
        let sound = self.is_sound();
        // A fault that came and went meanwhile may have had the read be stale.
        let stale = !self.operation.is_write()
            && (self.stale || is_stale(&self.core) || self.faults.has_changed().unwrap_or(true));
        let recorder = self.recorder.clone();
        let mut state = recorder.state();
        let (at_ms, call) = (state.journal.now_ms(), self.call);
        let seen = match answer {
            Ok(response) => {
                let returned = Returned {
                    at_ms,
                    call,
                    ..Returned::default()
                };
                Seen::Ok(self.returned(&mut state, returned, response, stale))
            }
            Err(error) if !error.is_definite() => Seen::Unknown { at_ms, call, sound },
            Err(_) if self.refused || stale => Seen::Fail {
                at_ms,
                call,
                code: REFUSED_BY_FAULT.to_owned(),
                sound,
            },
            Err(error) => Seen::Fail {
                at_ms,
                call,
                code: code(error).to_owned(),
                sound,
            },
        };
        state.journal.write(&seen);
        state.forget(self.call, &self.request_id);
    }

    fn is_sound(&self) -> bool {
        let unchanged = !self.faults.has_changed().unwrap_or(true);
        unchanged && self.sound.is_some() && self.sound == soundness(&self.core)
    }

    /// What the answer says, as far as promises are about it.
    fn returned(
        &self,
        state: &mut State,
        mut returned: Returned,
        response: &Response,
        stale: bool,
    ) -> Returned {
        let id = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok());
        match response {
            Response::DescribeKey(response) => {
                let found = response.key_metadata.as_ref().filter(|_| !stale);
                // An alias may lead elsewhere by the time of the answer.
                let meant = |key: &KeyRef, found: &Option<String>| {
                    found.as_deref() == Some(&key.id.to_string())
                };
                if let Some((found, key)) = found.zip(self.asked.key)
                    && meant(&key, &found.key_id)
                {
                    returned.state = found.key_state.clone();
                    returned.description = found.description.clone();
                }
            }
            Response::Encrypt(response) => {
                returned.material =
                    self.encrypted(state, &response.ciphertext_blob, &response.key_id, None);
            }
            Response::GenerateDataKey(response) => {
                let (blob, key) = (&response.ciphertext_blob, &response.key_id);
                returned.material = self.encrypted(state, blob, key, response.plaintext.as_ref());
            }
            Response::GenerateDataKeyWithoutPlaintext(response) => {
                returned.material =
                    self.encrypted(state, &response.ciphertext_blob, &response.key_id, None);
            }
            Response::ReEncrypt(response) => {
                self.encrypted(state, &response.ciphertext_blob, &response.key_id, None);
            }
            Response::Decrypt(response) => {
                returned.material = id(&response.key_material_id);
                returned.text = self.fingerprint(response.plaintext.as_ref());
                if let Some((blob, text)) = self.asked.blob.as_ref().zip(returned.text.as_ref()) {
                    state.keepsake.learn(blob, text);
                }
            }
            Response::ImportKeyMaterial(response) => {
                returned.material = id(&response.key_material_id);
                returned.bytes = state.imported.get(&self.call).copied();
            }
            Response::DeleteImportedKeyMaterial(response) => {
                returned.material = id(&response.key_material_id);
            }
            _ => {}
        }
        let is_dated = self.dated && !self.faults.has_changed().unwrap_or(true);
        let shows_age = matches!(response, Response::Encrypt(_)) && is_dated;
        if stale && !shows_age && !matches!(response, Response::Decrypt(_)) {
            returned.material = None;
        }
        returned
    }

    /// Keeps a ciphertext that was made; returns the material that made it.
    fn encrypted(
        &self,
        state: &mut State,
        blob: &Option<Bytes>,
        key_arn: &Option<String>,
        plaintext: Option<&Bytes>,
    ) -> Option<meridian_crypto::MaterialId> {
        let blob = blob.as_ref()?;
        let header = meridian_crypto::parse(blob)?;
        let arn = meridian_kms::arn::KmsArn::parse(key_arn.as_deref()?).ok()?;
        let kept = Kept {
            key: KeyRef {
                account: arn.account,
                id: header.key_id,
            },
            material: header.material_id,
            context: self.asked.context.clone(),
            text: self
                .fingerprint(plaintext)
                .or_else(|| self.asked.text.clone()),
        };
        if state.journal.is_part() {
            let prints = &self.recorder.fingerprints;
            state.journal.note(Note::Made {
                ciphertext: ciphertext_print(prints, &kept.key, &kept.context, blob),
                material: kept.material,
                text: kept.text,
            });
        } else {
            let region = self.recorder.place(&self.core.region);
            state.keepsake.keep(region, blob, kept);
        }
        Some(header.material_id)
    }

    fn fingerprint(&self, plaintext: Option<&Bytes>) -> Option<String> {
        plaintext.map(|it| self.recorder.fingerprints.of(it))
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let sound = self.is_sound() && self.began.elapsed() >= PATIENCE;
        let mut state = self.recorder.state();
        let unknown = Seen::Unknown {
            at_ms: state.journal.now_ms(),
            call: self.call,
            sound,
        };
        state.journal.write(&unknown);
        state.forget(self.call, &self.request_id);
    }
}

/// The leader that the called node knows, and its term, unless a fault is active
/// inside of the region.
fn soundness(core: &Core) -> Option<(NodeId, u64)> {
    let faults = core.faults.current();
    let here = Some(core.region.as_str());
    let mut active = faults.iter(machine_now_ms());
    if active.any(|fault| fault.kind.region() == here) {
        return None;
    }
    let status = core.status.borrow();
    status.leader.map(|leader| (leader, status.term))
}

/// Does a fault have this node answer reads from an older view?
fn is_stale(core: &Core) -> bool {
    longest_lag_ms(core).is_some()
}

fn longest_lag_ms(core: &Core) -> Option<u64> {
    let faults = core.faults.current();
    faults.longest_lag_ms(core.region.as_str(), core.node_id, machine_now_ms())
}

/// The place in the log of the oldest view that a fault has this node answer
/// reads from; nothing without one, or if it cannot be told.
fn oldest_view(core: &Core) -> Option<u64> {
    core.view.index_of_ms_ago(longest_lag_ms(core)?)
}

impl State {
    /// A call has ended.
    fn forget(&mut self, call: u64, request_id: &str) {
        self.open.remove(request_id);
        self.imported.remove(&call);
    }
}

/// Is every link from this node's region cut?
fn is_cut_off(core: &Core) -> bool {
    let here = core.region.as_str();
    let mut others = core.regions.iter().filter(|it| **it != core.region);
    core.regions.len() > 1 && others.all(|there| core.faults.cuts(here, there.as_str()))
}

/// AWS's code, or the cluster's own.
fn code(error: &CallError) -> &'static str {
    match error {
        CallError::Kms(error) => error.code.name(),
        CallError::NoLeader => "NoLeader",
        CallError::Unavailable { .. } => "Unreachable",
        CallError::Timeout { .. } => "Timeout",
        CallError::Reset => "ConnectionReset",
        CallError::Internal(_) => "InternalError",
    }
}
