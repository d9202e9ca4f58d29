//! Calls: what clients of a scenario say to a region, and how that ended for
//! them.

use bytes::Bytes;
use meridian_crypto::{WrappingAlgorithm, WrappingKeySpec};
use meridian_proto::v1::*;
use meridian_scenario::call::ImportType;
use meridian_scenario::scenario::Origin;
use meridian_scenario::{Answer, Call, CallEnd};
use prost_types::Timestamp;

use super::stage::{KeyId, Stage};
use crate::call_failed::CallFailed;
use crate::client::{Cluster, Region};

const WRAPPING_ALGORITHM: WrappingAlgorithm = WrappingAlgorithm::RsaesOaepSha256;

/// Why a call has no ordinary end.
pub enum Stopped {
    /// The service, or the way to it, failed.
    Failed(CallFailed),
    /// The scenario asks for what there is not.
    Impossible(String),
}

impl From<CallFailed> for Stopped {
    fn from(failed: CallFailed) -> Stopped {
        Stopped::Failed(failed)
    }
}

impl From<String> for Stopped {
    fn from(what: String) -> Stopped {
        Stopped::Impossible(what)
    }
}

/// Calls, and keeps what the answer defines.
///
/// # Errors
/// The scenario asks for what there is not.
pub async fn call(
    stage: &Stage,
    cluster: &Cluster,
    region: &Region,
    call: &Call,
) -> Result<CallEnd, String> {
    match say(stage, cluster, region, call).await {
        Ok(answer) => Ok(CallEnd::Ok(answer)),
        Err(Stopped::Impossible(what)) => Err(what),
        Err(Stopped::Failed(failed)) if failed.definite => Ok(CallEnd::Error {
            code: failed.code.unwrap_or_else(|| "Unreachable".into()),
            message: failed.message,
        }),
        Err(Stopped::Failed(_)) => Ok(CallEnd::Unknown),
    }
}

async fn say(
    stage: &Stage,
    cluster: &Cluster,
    region: &Region,
    call: &Call,
) -> Result<Answer, Stopped> {
    let key_id = match call {
        Call::Create { .. } => None,
        _ => call.key().map(|name| stage.key_id(name)).transpose()?,
    };
    let nothing = Answer::default();
    let used = |id: Option<String>| Answer {
        material: id.and_then(|id| stage.number_of(&id)),
        ..Answer::default()
    };
    Ok(match call {
        Call::Create {
            key,
            origin,
            multi_region,
        } => {
            let origin = match origin {
                Origin::External => "EXTERNAL",
                Origin::Generated => "AWS_KMS",
            };
            let request = CreateKeyRequest {
                origin: Some(origin.into()),
                multi_region: Some(*multi_region),
                ..Default::default()
            };
            let answer = region.create_key(request).await?;
            if let Some(metadata) = &answer.key_metadata {
                let id = metadata.key_id.clone().unwrap_or_default();
                let arn = metadata.arn.clone().unwrap_or_default();
                stage.add_key(key, KeyId { id, arn });
            }
            described(stage, answer.key_metadata.as_deref())
        }
        Call::CreateAlias { alias, .. } => {
            let request = CreateAliasRequest {
                alias_name: Some(alias.clone()),
                target_key_id: key_id,
            };
            region.create_alias(request).await?;
            nothing
        }
        Call::Replicate { to, .. } => {
            let request = ReplicateKeyRequest {
                key_id,
                replica_region: Some(to.clone()),
                ..Default::default()
            };
            let answer = region.replicate_key(request).await?;
            described(stage, answer.replica_key_metadata.as_deref())
        }
        Call::Move { to, .. } => {
            let request = UpdatePrimaryRegionRequest {
                key_id,
                primary_region: Some(to.clone()),
            };
            region.update_primary_region(request).await?;
            nothing
        }
        Call::Import { .. } => import(stage, cluster, region, call, key_id).await?,
        Call::DeleteMaterial { material, .. } => {
            let request = DeleteImportedKeyMaterialRequest {
                key_id,
                key_material_id: material.and_then(|number| stage.material_id(number)),
            };
            let answer = region.delete_imported_key_material(request).await?;
            used(answer.key_material_id)
        }
        Call::Rotate { .. } => {
            let request = RotateKeyOnDemandRequest { key_id };
            region.rotate_key_on_demand(request).await?;
            nothing
        }
        Call::EnableRotation { .. } => {
            let request = EnableKeyRotationRequest {
                key_id,
                ..Default::default()
            };
            region.enable_key_rotation(request).await?;
            nothing
        }
        Call::DisableRotation { .. } => {
            let request = DisableKeyRotationRequest { key_id };
            region.disable_key_rotation(request).await?;
            nothing
        }
        Call::Enable { .. } => {
            region.enable_key(EnableKeyRequest { key_id }).await?;
            nothing
        }
        Call::Disable { .. } => {
            region.disable_key(DisableKeyRequest { key_id }).await?;
            nothing
        }
        Call::Schedule { days, .. } => {
            let request = ScheduleKeyDeletionRequest {
                key_id,
                pending_window_in_days: Some(*days),
            };
            region.schedule_key_deletion(request).await?;
            nothing
        }
        Call::Cancel { .. } => {
            let request = CancelKeyDeletionRequest { key_id };
            region.cancel_key_deletion(request).await?;
            nothing
        }
        Call::Grant { to, grant, .. } => {
            let request = CreateGrantRequest {
                key_id,
                grantee_principal: Some(format!("arn:aws:iam::{to}:root")),
                operations: vec!["Encrypt".into()],
                ..Default::default()
            };
            let answer = region.create_grant(request).await?;
            stage.add_token(grant, answer.grant_token.unwrap_or_default());
            nothing
        }
        Call::Encrypt {
            ciphertext,
            by,
            token,
            ..
        } => {
            let token = token.as_deref().map(|grant| stage.token(grant));
            let request = EncryptRequest {
                key_id,
                plaintext: Some(Bytes::from(ciphertext.clone())),
                grant_tokens: token.transpose()?.into_iter().collect(),
                ..Default::default()
            };
            let caller = by.as_deref().map(|account| region.asked_by(account));
            let caller = caller.transpose().map_err(|error| error.to_string())?;
            let asked = caller.as_ref().unwrap_or(region);
            let blob = asked.encrypt(request).await?.ciphertext_blob;
            let blob = blob.unwrap_or_default();
            let material = meridian_crypto::parse(&blob).map(|it| it.material_id.to_string());
            stage.add_ciphertext(ciphertext, blob);
            used(material)
        }
        Call::Decrypt { ciphertext, .. } => {
            let request = DecryptRequest {
                ciphertext_blob: Some(stage.ciphertext(ciphertext)?),
                key_id,
                ..Default::default()
            };
            let answer = region.decrypt(request).await?;
            let text = answer.plaintext.map(|it| it.to_vec());
            Answer {
                text: text.and_then(|text| String::from_utf8(text).ok()),
                ..used(answer.key_material_id)
            }
        }
        Call::Describe { .. } => {
            let request = DescribeKeyRequest {
                key_id,
                ..Default::default()
            };
            let answer = region.describe_key(request).await?;
            described(stage, answer.key_metadata.as_deref())
        }
    })
}

async fn import(
    stage: &Stage,
    cluster: &Cluster,
    region: &Region,
    call: &Call,
    key_id: Option<String>,
) -> Result<Answer, Stopped> {
    let Call::Import {
        material,
        import_type,
        expires_after,
        ..
    } = call
    else {
        return Err("no import".to_owned().into());
    };
    let request = GetParametersForImportRequest {
        key_id: key_id.clone(),
        wrapping_algorithm: Some(WRAPPING_ALGORITHM.to_string()),
        wrapping_key_spec: Some(WrappingKeySpec::Rsa2048.to_string()),
    };
    let parameters = region.get_parameters_for_import(request).await?;
    let public_key = parameters.public_key.unwrap_or_default();
    let bytes = meridian_sim::wrapping::material(*material);
    let wrapped = meridian_crypto::wrap(&public_key, WRAPPING_ALGORITHM, &bytes)
        .map_err(|error| error.to_string())?;
    let valid_to = match expires_after {
        None => None,
        Some(span) => Some(later(cluster, region.name(), span.ms()).await?),
    };
    let model = match valid_to {
        Some(_) => "KEY_MATERIAL_EXPIRES",
        None => "KEY_MATERIAL_DOES_NOT_EXPIRE",
    };
    let import_type = match import_type {
        ImportType::New => "NEW_KEY_MATERIAL",
        ImportType::Existing => "EXISTING_KEY_MATERIAL",
    };
    let request = ImportKeyMaterialRequest {
        key_id,
        import_token: parameters.import_token,
        encrypted_key_material: Some(wrapped.into()),
        valid_to,
        expiration_model: Some(model.into()),
        import_type: Some(import_type.into()),
        ..Default::default()
    };
    let answer = region.import_key_material(request).await?;
    if let Some(id) = &answer.key_material_id {
        stage.add_material(id, *material);
    }
    Ok(Answer {
        material: Some(*material),
        ..Answer::default()
    })
}

/// The region's own time, and so many milliseconds more.
async fn later(cluster: &Cluster, region: &str, ms: i64) -> Result<Timestamp, Stopped> {
    let clock = cluster.get_clock(GetClockRequest {}).await?;
    let found = clock.regions.into_iter().find(|it| it.region == region);
    let mut time = found
        .and_then(|it| it.now)
        .ok_or_else(|| format!("{region} does not tell its time"))?;
    time.seconds += ms.div_euclid(1_000);
    Ok(time)
}

fn described(stage: &Stage, metadata: Option<&KeyMetadata>) -> Answer {
    let Some(metadata) = metadata else {
        return Answer::default();
    };
    let set = metadata.multi_region_configuration.as_ref();
    let current = metadata.current_key_material_id.as_deref();
    Answer {
        key_state: metadata.key_state.clone(),
        role: set.and_then(|it| it.multi_region_key_type.clone()),
        primary: set.and_then(|it| it.primary_key.as_ref()?.region.clone()),
        material: current.and_then(|id| stage.number_of(id)),
        text: None,
    }
}
