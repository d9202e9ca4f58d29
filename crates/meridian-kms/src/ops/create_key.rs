//! CreateKey: a new KMS key. With imported material it starts in
//! PendingImport, otherwise it is Enabled at once; `MultiRegion` makes it the
//! primary of a set that has no replicas yet.

use std::collections::BTreeMap;

use meridian_crypto::{MaterialId, Sealed};
use meridian_proto::v1::{CreateKeyRequest, CreateKeyResponse};
use serde::{Deserialize, Serialize};

use crate::arn::{KeyId, KeyRef};
use crate::automatic_rotation::{associate, generate};
use crate::context::Context;
use crate::error::KmsError;
use crate::key::Key;
use crate::key_set::{Origin, SharedProperties};
use crate::metadata;
use crate::ops::Planned;
use crate::region::Region;
use crate::{policy, tag};

/// The key to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    key: KeyRef,
    origin: Origin,
    multi_region: bool,
    description: String,
    policy: Option<String>,
    tags: BTreeMap<String, String>,
    /// Absent for imported material.
    generated: Option<(MaterialId, Sealed)>,
}

/// Checks the parameters, chooses the ID and generates the material.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &CreateKeyRequest,
) -> Result<Planned<Change, CreateKeyResponse>, KmsError> {
    check_spec(request)?;
    let tags = tag::collect(&request.tags)?;
    policy::check(&request.policy)?;
    let origin = origin(request)?;
    let multi_region = request.multi_region.unwrap_or(false);
    let mut random = [0; 16];
    cx.entropy.fill(&mut random);
    let id = KeyId::from_random(random, multi_region);
    let key = KeyRef {
        account: cx.caller.account,
        id,
    };
    let generated = match origin {
        Origin::AwsKms => {
            let shared = SharedProperties::new(region.name().clone(), origin, multi_region);
            Some(generate(
                &Key::new(key, cx.now, shared),
                cx.vault,
                cx.entropy,
            ))
        }
        Origin::External => None,
    };
    Ok(Planned::Commit(Change {
        key,
        origin,
        multi_region,
        description: request.description.clone().unwrap_or_default(),
        policy: request.policy.clone(),
        tags,
        generated,
    }))
}

/// Creates the key.
pub fn apply(region: &mut Region, change: &Change) -> Result<CreateKeyResponse, KmsError> {
    let here = region.name().clone();
    let shared = SharedProperties::new(here.clone(), change.origin, change.multi_region);
    let mut key = Key::new(change.key, region.now(), shared);
    key.description = change.description.clone();
    key.policy = change.policy.clone();
    key.tags = change.tags.clone();
    if let Some((id, sealed)) = &change.generated {
        associate(&mut key, *id, sealed.clone());
    }
    let metadata = metadata::of(&key, &here);
    region.put(key);
    Ok(CreateKeyResponse {
        key_metadata: Some(metadata),
    })
}

fn check_spec(request: &CreateKeyRequest) -> Result<(), KmsError> {
    if request.key_spec.is_some() && request.customer_master_key_spec.is_some() {
        // fidelity: assumed, AWS's text for both spellings is not recorded.
        return Err(KmsError::validation(
            "You cannot specify KeySpec and CustomerMasterKeySpec in the same request.",
        ));
    }
    let spec = request
        .key_spec
        .as_deref()
        .or(request.customer_master_key_spec.as_deref());
    let spec = spec.unwrap_or("SYMMETRIC_DEFAULT");
    let Some(usage) = request.key_usage.as_deref() else {
        return if spec == "SYMMETRIC_DEFAULT" {
            Ok(())
        } else {
            Err(KmsError::validation(
                "You must specify a KeyUsage value for all KMS keys except for symmetric \
                 encryption keys.",
            ))
        };
    };
    if !usages(spec).contains(&usage) {
        return Err(KmsError::validation(format!(
            "KeyUsage {usage} is not compatible with KeySpec {spec}"
        )));
    }
    if spec != "SYMMETRIC_DEFAULT" {
        return Err(KmsError::unsupported(format!(
            "KeySpec {spec} is not supported yet."
        )));
    }
    Ok(())
}

/// The usages of a key spec.
fn usages(spec: &str) -> &'static [&'static str] {
    match spec {
        "SYMMETRIC_DEFAULT" => &["ENCRYPT_DECRYPT"],
        "RSA_2048" | "RSA_3072" | "RSA_4096" => &["ENCRYPT_DECRYPT", "SIGN_VERIFY"],
        "ECC_NIST_P256" | "ECC_NIST_P384" | "ECC_NIST_P521" => &["SIGN_VERIFY", "KEY_AGREEMENT"],
        "ECC_SECG_P256K1" | "ECC_NIST_EDWARDS25519" | "ML_DSA_44" | "ML_DSA_65" | "ML_DSA_87" => {
            &["SIGN_VERIFY"]
        }
        "HMAC_224" | "HMAC_256" | "HMAC_384" | "HMAC_512" => &["GENERATE_VERIFY_MAC"],
        "ML_KEM_512" | "ML_KEM_768" | "ML_KEM_1024" => &["ENCAPSULATE_DECAPSULATE"],
        "SM2" => &["ENCRYPT_DECRYPT", "SIGN_VERIFY", "KEY_AGREEMENT"],
        _ => &[],
    }
}

fn origin(request: &CreateKeyRequest) -> Result<Origin, KmsError> {
    match request.origin.as_deref() {
        None | Some("AWS_KMS") => Ok(Origin::AwsKms),
        Some("EXTERNAL") => Ok(Origin::External),
        Some(other) => Err(KmsError::unsupported(format!(
            "Origin {other} is not supported yet."
        ))),
    }
}
