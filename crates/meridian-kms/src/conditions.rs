//! What a request says about itself, by the condition keys of policies (AWS
//! KMS Developer Guide, "AWS KMS condition keys").
//!
//! Members are read by AWS's names, so an operation with a member of a known
//! name needs nothing here.

use std::collections::BTreeMap;

use meridian_iam::Conditions;
use meridian_proto::MemberValue;
use meridian_proto::v1::Tag;

use crate::context::Context;
use crate::cryptography::SYMMETRIC_DEFAULT;
use crate::key::{Key, Role};
use crate::key_usage::KeyUsage;
use crate::ops::{Operation, Request};
use crate::region::Region;

/// Condition keys of `kms:` whose value is a member's, where names differ.
const RENAMED: &[(&str, &str)] = &[
    ("kms:DataKeyPairSpec", "KeyPairSpec"),
    ("kms:GrantOperations", "Operations"),
    (
        "kms:ScheduleKeyDeletionPendingWindowInDays",
        "PendingWindowInDays",
    ),
    ("kms:KeyOrigin", "Origin"),
    ("kms:CustomerMasterKeySpec", "KeySpec"),
    ("kms:CustomerMasterKeyUsage", "KeyUsage"),
];

/// The others: `kms:` and the member's name.
const SAME_NAMED: &[&str] = &[
    "BypassPolicyLockoutSafetyCheck",
    "EncryptionAlgorithm",
    "ExpirationModel",
    "GranteePrincipal",
    "GranteeServicePrincipal",
    "KeyAgreementAlgorithm",
    "KeySpec",
    "KeyUsage",
    "MacAlgorithm",
    "MessageType",
    "MultiRegion",
    "PolicyName",
    "PrimaryRegion",
    "ReplicaRegion",
    "RetiringPrincipal",
    "RetiringServicePrincipal",
    "RotationPeriodInDays",
    "SigningAlgorithm",
    "ValidTo",
    "WrappingAlgorithm",
    "WrappingKeySpec",
];

/// Gathers everything for one permission of the request that is asked.
pub(crate) fn gather(
    region: &Region,
    cx: &Context<'_>,
    action: &str,
    key: Option<&Key>,
) -> Conditions {
    let mut found = Conditions::new();
    found.add("aws:RequestedRegion", region.name().as_str());
    if let Some(key) = key {
        add_key(&mut found, key);
    }
    let Some(request) = cx.asked else {
        return found;
    };
    for name in SAME_NAMED {
        // The data key's length is not the key's spec.
        let of_key = matches!(*name, "KeySpec" | "KeyUsage" | "MultiRegion");
        if !of_key || request.operation() == Operation::CreateKey {
            add(&mut found, &format!("kms:{name}"), request.member(name));
        }
    }
    for (condition, member) in RENAMED {
        if !member.starts_with("Key") || key.is_none() || *member == "KeyPairSpec" {
            add(&mut found, condition, request.member(member));
        }
    }
    add_algorithm(&mut found, request, action, key);
    if let Some(context) = encryption_context(request, action) {
        for (name, value) in context {
            found.add(&format!("kms:EncryptionContext:{name}"), value);
        }
        found.add_all("kms:EncryptionContextKeys", context.keys());
    }
    add_tags(&mut found, request);
    add_constraints(&mut found, request);
    add_requested_alias(&mut found, request, action);
    if let Request::ReEncrypt(_) = request {
        let same = same_key(region, cx, request);
        found.add("kms:ReEncryptOnSameKey", same.to_string());
    }
    found
}

fn add(found: &mut Conditions, condition: &str, member: Option<MemberValue<'_>>) {
    match member {
        Some(MemberValue::Text(text)) => found.add(condition, text),
        Some(MemberValue::Number(number)) => found.add(condition, number.to_string()),
        Some(MemberValue::Flag(flag)) => found.add(condition, flag.to_string()),
        Some(MemberValue::Time(seconds)) => found.add(condition, seconds.to_string()),
        Some(MemberValue::Texts(texts)) => found.add_all(condition, texts),
        Some(MemberValue::Map(_)) | None => {}
    }
}

fn add_key(found: &mut Conditions, key: &Key) {
    let shared = &key.shared;
    for condition in ["kms:KeySpec", "kms:CustomerMasterKeySpec"] {
        found.add(condition, shared.spec.name());
    }
    for condition in ["kms:KeyUsage", "kms:CustomerMasterKeyUsage"] {
        found.add(condition, shared.usage.name());
    }
    found.add("kms:KeyOrigin", shared.origin.name());
    found.add("kms:MultiRegion", shared.multi_region.to_string());
    if shared.multi_region {
        let kind = match key.role {
            Role::Primary { .. } => "PRIMARY",
            Role::Replica { .. } => "REPLICA",
        };
        found.add("kms:MultiRegionKeyType", kind);
    }
    let aliases = key.aliases.iter().map(|alias| alias.as_str());
    found.add_all("kms:ResourceAliases", aliases);
    for (name, value) in &key.tags {
        found.add(&format!("aws:ResourceTag/{name}"), value);
    }
}

/// The algorithm of an encryption, also where the request leaves it out.
fn add_algorithm(found: &mut Conditions, request: &Request, action: &str, key: Option<&Key>) {
    let member = match action {
        "kms:ReEncryptFrom" => "SourceEncryptionAlgorithm",
        "kms:ReEncryptTo" => "DestinationEncryptionAlgorithm",
        _ => "EncryptionAlgorithm",
    };
    let given = request.text_member(member);
    let encrypts = key
        .is_some_and(|key| key.shared.spec == meridian_crypto::KeySpec::SymmetricDefault)
        && request.operation().key_usage() == Some(KeyUsage::EncryptDecrypt);
    match given {
        Some(_) if member == "EncryptionAlgorithm" => {}
        Some(algorithm) => found.add("kms:EncryptionAlgorithm", algorithm),
        None if encrypts => found.add("kms:EncryptionAlgorithm", SYMMETRIC_DEFAULT),
        None => {}
    }
}

fn add_tags(found: &mut Conditions, request: &Request) {
    let tags = request_tags(request);
    for tag in tags {
        let name = format!("aws:RequestTag/{}", tag.tag_key());
        found.add(&name, tag.tag_value());
    }
    let untagged = match request {
        Request::UntagResource(request) => request.tag_keys.as_slice(),
        _ => &[],
    };
    let keys = tags.iter().map(|tag| tag.tag_key());
    let keys: Vec<&str> = keys.chain(untagged.iter().map(String::as_str)).collect();
    if !keys.is_empty() {
        found.add_all("aws:TagKeys", keys);
    }
}

fn add_constraints(found: &mut Conditions, request: &Request) {
    let Request::CreateGrant(request) = request else {
        return;
    };
    // No service calls here on behalf of a resource.
    found.add("kms:GrantIsForAWSResource", "false");
    let Some(constraints) = &request.constraints else {
        return;
    };
    if !constraints.encryption_context_equals.is_empty() {
        found.add("kms:GrantConstraintType", "EncryptionContextEquals");
    }
    if !constraints.encryption_context_subset.is_empty() {
        found.add("kms:GrantConstraintType", "EncryptionContextSubset");
    }
    if let Some(source) = &constraints.source_arn {
        found.add("kms:GrantConstraintSourceArn", source);
    }
}

/// The alias by which the request names the key of a permission.
fn add_requested_alias(found: &mut Conditions, request: &Request, action: &str) {
    let member = match action {
        "kms:ReEncryptFrom" => "SourceKeyId",
        "kms:ReEncryptTo" => "DestinationKeyId",
        _ => "KeyId",
    };
    let Some(named) = request.text_member(member) else {
        return;
    };
    let alias = match named.split_once(":alias/") {
        Some((_, name)) => format!("alias/{name}"),
        None if named.starts_with("alias/") => named.to_owned(),
        None => return,
    };
    found.add("kms:RequestAlias", alias);
}

/// Does ReEncrypt use one key for both?
fn same_key(region: &Region, cx: &Context<'_>, request: &Request) -> bool {
    let meant = |member| {
        region
            .meant(cx.caller, request.text_member(member)?)
            .map(|key| key.id)
    };
    let of_ciphertext = || match request {
        Request::ReEncrypt(request) => {
            let header = meridian_crypto::parse(request.ciphertext_blob.as_ref()?)?;
            Some(header.key_id)
        }
        _ => None,
    };
    let source = meant("SourceKeyId").or_else(of_ciphertext);
    source.is_some() && source == meant("DestinationKeyId")
}

/// The tags that a request would put on a key.
pub(crate) fn request_tags(request: &Request) -> &[Tag] {
    match request {
        Request::CreateKey(request) => &request.tags,
        Request::ReplicateKey(request) => &request.tags,
        Request::TagResource(request) => &request.tags,
        _ => &[],
    }
}

/// The encryption context that the request has for an action.
pub(crate) fn encryption_context<'a>(
    request: &'a Request,
    action: &str,
) -> Option<&'a BTreeMap<String, String>> {
    let member = match action {
        "kms:ReEncryptFrom" => "SourceEncryptionContext",
        "kms:ReEncryptTo" => "DestinationEncryptionContext",
        _ => "EncryptionContext",
    };
    match request.member(member) {
        Some(MemberValue::Map(context)) => Some(context),
        _ => None,
    }
}
