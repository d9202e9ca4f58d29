//! What a script calls things: keys, materials and ciphertexts by short names.

use std::collections::BTreeMap;

use bytes::Bytes;
use meridian_crypto::MaterialId;
use meridian_kms::key::Role;
use meridian_kms::{KeyRef, Request, Response};
use meridian_proto::v1::*;

use crate::call::{ACCOUNT, Ended};
use crate::event::Event;
use crate::keepsake::Known;
use crate::world::World;

/// A call in a script is answered within this time, in milliseconds.
const PATIENCE_MS: i64 = 30_000;

/// How long a world settles after each command, in milliseconds.
const SETTLE_MS: i64 = 20_000;

/// The names of a script.
#[derive(Default)]
pub(crate) struct Story {
    pub(crate) keys: BTreeMap<String, Known>,
    pub(crate) materials: BTreeMap<MaterialId, u64>,
    pub(crate) ciphertexts: BTreeMap<String, Bytes>,
}

impl Story {
    /// CreateKey has ended.
    pub(crate) fn created(&mut self, name: &str, external: bool, ended: &Ended) {
        let Ended::Response(Response::CreateKey(response)) = ended else {
            return;
        };
        let id = response
            .key_metadata
            .as_ref()
            .and_then(|it| it.key_id.as_ref());
        let id = id.and_then(|id| id.parse().ok());
        let account = ACCOUNT.parse().ok();
        if let Some((account, id)) = account.zip(id) {
            let key = KeyRef { account, id };
            self.keys.insert(name.into(), Known { key, external });
        }
    }

    /// Encrypt has ended.
    pub(crate) fn encrypted(&mut self, name: &str, ended: &Ended) {
        if let Ended::Response(Response::Encrypt(response)) = ended
            && let Some(blob) = &response.ciphertext_blob
        {
            self.ciphertexts.insert(name.into(), blob.clone());
        }
    }

    /// A material by its number, or by what it begins with.
    fn material(&self, id: &MaterialId) -> String {
        match self.materials.get(id) {
            Some(number) => format!("M{number}"),
            None => "generated".into(),
        }
    }

    /// How a call ended, in the script's own names.
    pub(crate) fn words(&self, ended: &Ended) -> String {
        let text = match ended {
            Ended::Response(Response::Decrypt(response)) => {
                let id = response.key_material_id.as_ref();
                let id = id.and_then(|id| id.parse().ok());
                let plaintext = response.plaintext.as_deref().unwrap_or_default();
                format!(
                    "{} by {}",
                    String::from_utf8_lossy(plaintext),
                    id.map(|id| self.material(&id)).unwrap_or_default()
                )
            }
            Ended::Response(_) => "ok".into(),
            Ended::Refused(error) => error.to_string(),
            Ended::Failed(code) => code.clone(),
        };
        let mut text = text + "\n";
        for (id, number) in &self.materials {
            text = text.replace(&id.to_string(), &format!("M{number}"));
        }
        for (name, known) in &self.keys {
            text = text.replace(&known.key.id.to_string(), name);
        }
        text
    }

    /// What every region has agreed on about a key.
    pub(crate) fn show(&self, world: &World, key: &KeyRef) -> String {
        let mut text = String::new();
        for (name, group) in world.names.iter().zip(&world.groups) {
            let Some(key) = group.agreed().key(key) else {
                text += &format!("{name}: no key\n");
                continue;
            };
            let role = match (&key.role, key.is_primary()) {
                (Role::Primary { .. }, true) => "primary",
                _ => "replica",
            };
            let state = key.state(name).name();
            let rotating = key.shared.rotation.as_ref();
            let rotating = rotating.map_or(String::new(), |it| {
                format!(", rotating to {}", self.material(&it.material))
            });
            text += &format!("{name}: {role}, {state}{rotating}\n");
            for material in &key.shared.materials {
                let held = match key.sealed(&material.id) {
                    Some(_) => "here",
                    None => "missing",
                };
                let id = self.material(&material.id);
                text += &format!("  {id} {} {held}\n", material.state.name());
            }
        }
        text
    }
}

/// The request of an operation that needs nothing but a key and a word or two.
pub(crate) fn request(
    operation: &str,
    key: &KeyRef,
    rest: &[&str],
    story: &Story,
) -> Result<Request, String> {
    let key_id = Some(key.id.to_string());
    Ok(match (operation, rest) {
        ("replicate", [region]) => Request::ReplicateKey(ReplicateKeyRequest {
            key_id,
            replica_region: Some((*region).into()),
            ..Default::default()
        }),
        ("move", [region]) => Request::UpdatePrimaryRegion(UpdatePrimaryRegionRequest {
            key_id,
            primary_region: Some((*region).into()),
        }),
        ("delete", number) => {
            let known = |(_, known): &(&MaterialId, &u64)| number == [known.to_string()];
            let id = story.materials.iter().find(known).map(|(id, _)| id);
            Request::DeleteImportedKeyMaterial(DeleteImportedKeyMaterialRequest {
                key_id,
                key_material_id: id.map(ToString::to_string),
            })
        }
        ("rotate", []) => Request::RotateKeyOnDemand(RotateKeyOnDemandRequest { key_id }),
        ("enable", []) => Request::EnableKey(EnableKeyRequest { key_id }),
        ("disable", []) => Request::DisableKey(DisableKeyRequest { key_id }),
        ("schedule", []) => Request::ScheduleKeyDeletion(ScheduleKeyDeletionRequest {
            key_id,
            pending_window_in_days: Some(7),
        }),
        ("cancel", []) => Request::CancelKeyDeletion(CancelKeyDeletionRequest { key_id }),
        ("schedule-rotation", []) => Request::EnableKeyRotation(EnableKeyRotationRequest {
            key_id,
            rotation_period_in_days: Some(90),
        }),
        _ => return Err(format!("{operation} {} is no operation", rest.join(" "))),
    })
}

impl World {
    /// A call at a node that is up, and everything that happens until it ends.
    pub(crate) fn call_and_wait(&mut self, region: usize, request: Request) -> Ended {
        let mut nodes = self.groups[region].nodes.iter();
        let node = nodes.position(|node| !node.condition.down).unwrap_or(0);
        let id = self.begin_call(region, node, request);
        let until_ms = self.now_ms + PATIENCE_MS;
        while let Some((at_ms, event)) = self.agenda.take() {
            self.now_ms = at_ms;
            if matches!(event, Event::Answered(answered) if answered == id) {
                break;
            }
            self.happen(event);
            if self.now_ms > until_ms {
                break;
            }
        }
        let ended = self.calls.remove(&id).and_then(|call| call.ended);
        ended.unwrap_or_else(|| Ended::Failed("no answer".into()))
    }

    /// Time for everything that can be told and done to be told and done.
    pub(crate) fn settle(&mut self) {
        self.after(SETTLE_MS, Event::Pause);
        while let Some((at_ms, event)) = self.agenda.take() {
            self.now_ms = at_ms;
            if matches!(event, Event::Pause) {
                return;
            }
            self.happen(event);
        }
    }
}
