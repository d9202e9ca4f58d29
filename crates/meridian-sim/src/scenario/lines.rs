//! Lines: what a client of a scenario says, as requests, one after the other
//! where one call of a scenario takes two.

use bytes::Bytes;
use meridian_kms::{KeyRef, Request, Response};
use meridian_proto::v1::*;
use meridian_scenario::Call;
use meridian_scenario::call::{ImportType, KeyName};
use meridian_scenario::scenario::Origin;

use crate::errand::Errand;
use crate::world::World;
use crate::wrapping;

/// A call of a scenario, and how far it is.
#[derive(Clone)]
pub(crate) struct Lines {
    pub(crate) call: Call,
    /// The import token, once it is here.
    token: Option<Bytes>,
}

impl Lines {
    /// From the beginning.
    pub(crate) fn of(call: Call) -> Lines {
        Lines { call, token: None }
    }

    /// What is left to say after this answer.
    pub(crate) fn next(&self, response: &Response) -> Option<Lines> {
        let Response::GetParametersForImport(response) = response else {
            return None;
        };
        Some(Lines {
            call: self.call.clone(),
            token: response.import_token.clone(),
        })
    }
}

impl World {
    /// A decryption under another key than the ciphertext's is meant to fail.
    pub(crate) fn is_for_the_judge(&self, lines: &Lines) -> bool {
        let Call::Decrypt {
            ciphertext,
            key: Some(key),
        } = &lines.call
        else {
            return true;
        };
        let made_by = self.stage.ciphertexts.get(ciphertext).map(|it| it.key);
        made_by == Some(self.key_named(key))
    }

    /// The key that a call names, as far as the scenario knows it.
    fn key_named(&self, name: &str) -> Option<KeyRef> {
        let key = match KeyName::of(name) {
            KeyName::Id(key) | KeyName::Arn { key, .. } => key,
            KeyName::Alias(alias) => self.stage.aliases.get(alias)?,
        };
        self.stage.keys.get(key).copied()
    }

    /// What is sent for the name of a key.
    fn key_id(&self, name: &str) -> Result<String, String> {
        let known = |key: &str| {
            let found = self.stage.keys.get(key).copied();
            found.ok_or_else(|| format!("key {key} has not been created"))
        };
        Ok(match KeyName::of(name) {
            KeyName::Alias(alias) => alias.to_owned(),
            KeyName::Id(key) => known(key)?.id.to_string(),
            KeyName::Arn { key, region } => {
                let region = region.parse().map_err(|_| "no region in the ARN")?;
                known(key)?.arn(&region)
            }
        })
    }

    /// The next request, and what the judge has to know about it.
    pub(crate) fn errand_of(&mut self, region: usize, lines: &Lines) -> Result<Errand, String> {
        let name = lines.call.key();
        let key_id = name.filter(|_| !matches!(lines.call, Call::Create { .. }));
        let key_id = key_id.map(|name| self.key_id(name)).transpose()?;
        let mut errand = Errand {
            key: name.and_then(|name| self.key_named(name)),
            words: lines.call.about(),
            reserved: true,
            ..Errand::new(Request::GenerateRandom(GenerateRandomRequest::default()))
        };
        errand.request = match &lines.call {
            Call::Create {
                origin,
                multi_region,
                ..
            } => {
                errand.key = None;
                let origin = match origin {
                    Origin::External => "EXTERNAL",
                    Origin::Generated => "AWS_KMS",
                };
                Request::CreateKey(CreateKeyRequest {
                    origin: Some(origin.into()),
                    multi_region: Some(*multi_region),
                    ..Default::default()
                })
            }
            Call::CreateAlias { alias, .. } => Request::CreateAlias(CreateAliasRequest {
                alias_name: Some(alias.clone()),
                target_key_id: key_id,
            }),
            Call::Replicate { to, .. } => {
                errand.to = self.names.iter().position(|it| it.as_str() == to);
                Request::ReplicateKey(ReplicateKeyRequest {
                    key_id,
                    replica_region: Some(to.clone()),
                    ..Default::default()
                })
            }
            Call::Move { to, .. } => {
                errand.to = self.names.iter().position(|it| it.as_str() == to);
                Request::UpdatePrimaryRegion(UpdatePrimaryRegionRequest {
                    key_id,
                    primary_region: Some(to.clone()),
                })
            }
            Call::Import { .. } => return self.import_of(region, lines, key_id, errand),
            Call::DeleteMaterial { material, .. } => {
                let id = |number| errand.key.map(|key| self.material_id(region, &key, number));
                let id = material.and_then(id);
                Request::DeleteImportedKeyMaterial(DeleteImportedKeyMaterialRequest {
                    key_id,
                    key_material_id: id.map(|id| id.to_string()),
                })
            }
            Call::Rotate { .. } => Request::RotateKeyOnDemand(RotateKeyOnDemandRequest { key_id }),
            Call::EnableRotation { .. } => Request::EnableKeyRotation(EnableKeyRotationRequest {
                key_id,
                ..Default::default()
            }),
            Call::DisableRotation { .. } => {
                Request::DisableKeyRotation(DisableKeyRotationRequest { key_id })
            }
            Call::Enable { .. } => Request::EnableKey(EnableKeyRequest { key_id }),
            Call::Disable { .. } => Request::DisableKey(DisableKeyRequest { key_id }),
            Call::Schedule { days, .. } => {
                Request::ScheduleKeyDeletion(ScheduleKeyDeletionRequest {
                    key_id,
                    pending_window_in_days: Some(*days),
                })
            }
            Call::Cancel { .. } => Request::CancelKeyDeletion(CancelKeyDeletionRequest { key_id }),
            Call::Grant { to, .. } => Request::CreateGrant(CreateGrantRequest {
                key_id,
                grantee_principal: Some(format!("arn:aws:iam::{to}:root")),
                operations: vec!["Encrypt".into()],
                ..Default::default()
            }),
            Call::Encrypt {
                ciphertext,
                by,
                token,
                ..
            } => {
                let account = by.as_ref().map(|by| by.parse());
                let account = account.transpose().map_err(|_| "no account");
                errand.by = account?;
                let token = token.as_ref().map(|grant| {
                    let found = self.stage.tokens.get(grant).cloned();
                    found.ok_or_else(|| format!("grant {grant} has not been made"))
                });
                Request::Encrypt(EncryptRequest {
                    key_id,
                    plaintext: Some(ciphertext.as_bytes().to_vec().into()),
                    grant_tokens: token.transpose()?.into_iter().collect(),
                    ..Default::default()
                })
            }
            Call::Decrypt { ciphertext, .. } => {
                let kept = self.stage.ciphertexts.get(ciphertext);
                let kept =
                    kept.ok_or_else(|| format!("ciphertext {ciphertext} has not been made"))?;
                errand.key = errand.key.or(kept.key);
                errand.ciphertext = kept.material.map(|it| (ciphertext.clone(), it));
                Request::Decrypt(DecryptRequest {
                    ciphertext_blob: Some(kept.blob.clone()),
                    key_id,
                    ..Default::default()
                })
            }
            Call::Describe { .. } => Request::DescribeKey(DescribeKeyRequest {
                key_id,
                ..Default::default()
            }),
        };
        Ok(errand)
    }

    fn import_of(
        &mut self,
        region: usize,
        lines: &Lines,
        key_id: Option<String>,
        mut errand: Errand,
    ) -> Result<Errand, String> {
        let Call::Import {
            material,
            import_type,
            expires_after,
            ..
        } = &lines.call
        else {
            return Err("no import".into());
        };
        let key = errand.key.ok_or("an import names a key that is known")?;
        let id = self.material_id(region, &key, *material);
        self.stage.materials.insert(id, *material);
        let Some(token) = &lines.token else {
            errand.request = Request::GetParametersForImport(GetParametersForImportRequest {
                key_id,
                wrapping_algorithm: Some("RSAES_OAEP_SHA_256".into()),
                wrapping_key_spec: Some("RSA_2048".into()),
            });
            return Ok(errand);
        };
        let valid_to = expires_after.map(|span| self.expiry(region, span.ms()).to_proto());
        let model = match valid_to {
            Some(_) => "KEY_MATERIAL_EXPIRES",
            None => "KEY_MATERIAL_DOES_NOT_EXPIRE",
        };
        let import_type = match import_type {
            ImportType::New => "NEW_KEY_MATERIAL",
            ImportType::Existing => "EXISTING_KEY_MATERIAL",
        };
        errand.bytes = Some(*material);
        errand.request = Request::ImportKeyMaterial(ImportKeyMaterialRequest {
            key_id,
            import_token: Some(token.clone()),
            encrypted_key_material: Some(wrapping::wrap(&wrapping::material(*material)).into()),
            valid_to,
            expiration_model: Some(model.into()),
            import_type: Some(import_type.into()),
            ..Default::default()
        });
        Ok(errand)
    }
}
