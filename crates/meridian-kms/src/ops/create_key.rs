//! CreateKey: a new KMS key. With imported material it starts in
//! PendingImport, otherwise it is Enabled at once; `MultiRegion` makes it the
//! primary of a set that has no replicas yet.

use std::collections::BTreeMap;

use meridian_crypto::{KeySpec, Material, MaterialId, Sealed};
use meridian_proto::v1::{CreateKeyRequest, CreateKeyResponse};
use serde::{Deserialize, Serialize};

use crate::arn::{KeyId, KeyRef};
use crate::context::Context;
use crate::error::{ErrorCode, KmsError};
use crate::key::Key;
use crate::key_set::{Origin, SharedProperties};
use crate::key_store::{Halt, Residence, residence};
use crate::key_usage::KeyUsage;
use crate::material::Held;
use crate::metadata;
use crate::ops::Planned;
use crate::public_key::PublicKey;
use crate::region::Region;
use crate::{key_usage, policy, tag};

/// The key to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    key: KeyRef,
    #[serde(default = "symmetric", skip_serializing_if = "is_symmetric")]
    spec: KeySpec,
    #[serde(default, skip_serializing_if = "KeyUsage::is_default")]
    usage: KeyUsage,
    origin: Origin,
    multi_region: bool,
    description: String,
    policy: Option<String>,
    tags: BTreeMap<String, String>,
    /// Absent for imported material.
    generated: Option<(MaterialId, Sealed)>,
    /// The public half of what was generated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public_key: Option<PublicKey>,
    /// The custom key store that will hold it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    residence: Option<Residence>,
}

/// The spec of keys in entries that name none.
fn symmetric() -> KeySpec {
    KeySpec::SymmetricDefault
}

fn is_symmetric(spec: &KeySpec) -> bool {
    *spec == symmetric()
}

/// Checks the parameters, chooses the ID and generates the material.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &CreateKeyRequest,
) -> Result<Planned<Change, CreateKeyResponse>, Halt> {
    let (spec, usage) = spec_and_usage(request)?;
    let tags = tag::collect(&request.tags)?;
    let origin = origin(request)?;
    check_importable(origin, spec)?;
    let multi_region = request.multi_region.unwrap_or(false);
    let residence = residence::plan(region, cx, origin, request)?;
    let chosen = cx.chosen.take();
    let id = match &chosen {
        Some(chosen) => chosen.id,
        None => {
            let mut random = [0; 16];
            cx.entropy.fill(&mut random);
            KeyId::from_random(random, multi_region)
        }
    };
    let key = KeyRef {
        account: cx.caller.account,
        id,
    };
    let bypass = request.bypass_policy_lockout_safety_check;
    policy::check(region, cx, (&key, None), &request.policy, bypass)?;
    let (mut generated, mut public_key) = (None, None);
    // A cluster is played by the vault; an external key manager encrypts what
    // KMS has encrypted before.
    if origin != Origin::External {
        let material = chosen
            .and_then(|chosen| chosen.material)
            .unwrap_or_else(|| Material::generate_for(spec, cx.entropy));
        let id = cx.vault.material_id(&key.id, &material);
        generated = Some((id, cx.vault.seal(&key.id, &id, &material, cx.entropy)));
        public_key = material.public_key_der().map(PublicKey::from_der);
    }
    Ok(Planned::Commit(Change {
        key,
        spec,
        usage,
        origin,
        multi_region,
        description: request.description.clone().unwrap_or_default(),
        policy: request.policy.clone(),
        tags,
        generated,
        public_key,
        residence,
    }))
}

/// Creates the key.
pub fn apply(region: &mut Region, change: &Change) -> Result<CreateKeyResponse, KmsError> {
    let here = region.name().clone();
    if region.key(&change.key).is_some() {
        // Only an ID that an operator has chosen can be there.
        let arn = change.key.arn(&here);
        let text = format!("{arn} already exists.");
        return Err(KmsError::new(ErrorCode::AlreadyExistsException, text));
    }
    let shared = SharedProperties::new(here.clone(), change.origin, change.multi_region);
    let shared = shared.of(change.spec, change.usage);
    let mut key = Key::new(change.key, region.now(), shared);
    if let Some(residence) = &change.residence {
        key.custody = Some(residence::custody(region, change.key.account, residence)?);
    }
    key.description = change.description.clone();
    key.policy = change.policy.clone().into();
    key.tags = change.tags.clone();
    if let Some((id, sealed)) = &change.generated {
        key.shared.register(*id, None, change.public_key.clone());
        let held = Held {
            sealed: Some(sealed.clone()),
            expires: None,
        };
        key.held.insert(*id, held);
    }
    let metadata = metadata::of(&key, &here);
    region.put(key);
    Ok(CreateKeyResponse {
        key_metadata: Some(metadata.into()),
    })
}

fn spec_and_usage(request: &CreateKeyRequest) -> Result<(KeySpec, KeyUsage), KmsError> {
    if request.key_spec.is_some() && request.customer_master_key_spec.is_some() {
        // fidelity: assumed, AWS's text for both spellings is not recorded.
        return Err(KmsError::validation(
            "You cannot specify KeySpec and CustomerMasterKeySpec in the same request.",
        ));
    }
    let name = request
        .key_spec
        .as_deref()
        .or(request.customer_master_key_spec.as_deref());
    let name = name.unwrap_or("SYMMETRIC_DEFAULT");
    let spec = KeySpec::from_name(name);
    let Some(usage) = request.key_usage.as_deref() else {
        return match spec {
            Some(KeySpec::SymmetricDefault) => {
                Ok((KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt))
            }
            _ => Err(KmsError::validation(
                "You must specify a KeyUsage value for all KMS keys except for symmetric \
                 encryption keys.",
            )),
        };
    };
    let Some(spec) = spec else {
        // SM2, which exists in China only.
        // fidelity: assumed, AWS's text is not recorded.
        return Err(KmsError::unsupported(format!(
            "KeySpec {name} is not supported in this Region."
        )));
    };
    match KeyUsage::from_name(usage) {
        Some(usage) if key_usage::usages(spec).contains(&usage) => Ok((spec, usage)),
        Some(_) | None => Err(KmsError::validation(format!(
            "KeyUsage {usage} is not compatible with KeySpec {name}"
        ))),
    }
}

/// Post-quantum keys cannot be imported (AWS KMS Developer Guide, "Importing
/// key material", for ML-DSA).
// fidelity: assumed for ML-KEM, and the text.
fn check_importable(origin: Origin, spec: KeySpec) -> Result<(), KmsError> {
    if origin != Origin::External || !spec.is_post_quantum() {
        return Ok(());
    }
    let spec = spec.name();
    Err(KmsError::unsupported(format!(
        "KeySpec {spec} is not supported for Origin EXTERNAL."
    )))
}

fn origin(request: &CreateKeyRequest) -> Result<Origin, KmsError> {
    match request.origin.as_deref() {
        None | Some("AWS_KMS") => Ok(Origin::AwsKms),
        Some("EXTERNAL") => Ok(Origin::External),
        Some("AWS_CLOUDHSM") => Ok(Origin::AwsCloudHsm),
        Some("EXTERNAL_KEY_STORE") => Ok(Origin::ExternalKeyStore),
        Some(other) => Err(KmsError::unsupported(format!(
            "Origin {other} is not supported."
        ))),
    }
}

#[cfg(test)]
mod tests;
