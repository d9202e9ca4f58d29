//! What a scenario sees: the view that its predicates look at, and the parts of
//! answers that its expectations are about.

use meridian_crypto::MaterialId;
use meridian_kms::{KeyRef, Response};
use meridian_proto::v1::KeyMetadata;
use meridian_scenario::view::KeyView;
use meridian_scenario::{Answer, Call, View};

use crate::call::ACCOUNT;
use crate::stage::{Act, Ciphertext};
use crate::world::World;

impl World {
    /// What every region has agreed on about the keys of the scenario.
    pub(super) fn view(&self) -> View {
        let mut view = View::default();
        for (name, key) in &self.stage.keys {
            let seen = view.keys.entry(name.clone()).or_default();
            for group in &self.groups {
                let state = group.agreed().key_set_state(key);
                if let Some(key) = KeyView::of(&state, |id| self.number_of(id)) {
                    seen.insert(group.name.to_string(), key);
                }
            }
        }
        view
    }

    fn number_of(&self, id: &str) -> Option<u64> {
        let id: MaterialId = id.parse().ok()?;
        self.stage.materials.get(&id).copied()
    }

    /// Keeps what an answer defines, and tells what it says.
    pub(crate) fn make_out(&mut self, act: &Act, response: &Response) -> Answer {
        let mut answer = Answer::default();
        match (response, &act.lines.call) {
            (Response::CreateKey(response), Call::Create { key, .. }) => {
                self.describe(&mut answer, response.key_metadata.as_deref());
                let id = response.key_metadata.as_deref();
                let id = id.and_then(|it| it.key_id.as_ref()?.parse().ok());
                if let (Ok(account), Some(id)) = (ACCOUNT.parse(), id) {
                    self.stage.keys.insert(key.clone(), KeyRef { account, id });
                }
            }
            (Response::CreateAlias(_), Call::CreateAlias { alias, key }) => {
                self.stage.aliases.insert(alias.clone(), key.clone());
            }
            (Response::ReplicateKey(response), _) => {
                self.describe(&mut answer, response.replica_key_metadata.as_deref());
            }
            (Response::DescribeKey(response), _) => {
                self.describe(&mut answer, response.key_metadata.as_deref());
            }
            (Response::CreateGrant(response), Call::Grant { grant, .. }) => {
                let token = response.grant_token.clone().unwrap_or_default();
                self.stage.tokens.insert(grant.clone(), token);
            }
            (Response::Encrypt(response), Call::Encrypt { ciphertext, .. }) => {
                if let Some(blob) = response.ciphertext_blob.clone() {
                    let material = meridian_crypto::parse(&blob).map(|it| it.material_id);
                    answer.material = material.and_then(|it| self.number_of(&it.to_string()));
                    let key = act.waiting.errand.key;
                    let kept = Ciphertext {
                        key,
                        material,
                        blob,
                    };
                    self.stage.ciphertexts.insert(ciphertext.clone(), kept);
                }
            }
            (Response::Decrypt(response), _) => {
                let id = response.key_material_id.as_deref();
                answer.material = id.and_then(|id| self.number_of(id));
                let text = response.plaintext.as_ref().map(|it| it.to_vec());
                answer.text = text.and_then(|text| String::from_utf8(text).ok());
            }
            (Response::ImportKeyMaterial(response), _) => {
                let id = response.key_material_id.as_deref();
                answer.material = id.and_then(|id| self.number_of(id));
            }
            (Response::DeleteImportedKeyMaterial(response), _) => {
                let id = response.key_material_id.as_deref();
                answer.material = id.and_then(|id| self.number_of(id));
            }
            _ => {}
        }
        answer
    }

    fn describe(&self, answer: &mut Answer, metadata: Option<&KeyMetadata>) {
        let Some(metadata) = metadata else { return };
        answer.key_state = metadata.key_state.clone();
        let current = metadata.current_key_material_id.as_deref();
        answer.material = current.and_then(|id| self.number_of(id));
        if let Some(set) = &metadata.multi_region_configuration {
            answer.role = set.multi_region_key_type.clone();
            let primary = set.primary_key.as_ref();
            answer.primary = primary.and_then(|it| it.region.clone());
        }
    }
}
