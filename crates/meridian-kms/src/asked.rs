//! What a request says to policies and grants besides its plain members, for the
//! permission that is asked: ReEncrypt asks for two, with members for each.

use std::borrow::Cow;
use std::collections::BTreeMap;

use meridian_crypto::KeySpec;
use meridian_proto::MemberValue;
use meridian_proto::v1::Tag;

use crate::context::Context;
use crate::cryptography::SYMMETRIC_DEFAULT;
use crate::key::Key;
use crate::key_usage::KeyUsage;
use crate::ops::Request;
use crate::region::Region;

/// The algorithm of an encryption where it is no member of that name, or is left
/// out.
pub(crate) fn algorithm<'r>(
    request: &'r Request,
    action: &str,
    key: Option<&Key>,
) -> Option<&'r str> {
    let member = match action {
        "kms:ReEncryptFrom" => "SourceEncryptionAlgorithm",
        "kms:ReEncryptTo" => "DestinationEncryptionAlgorithm",
        _ => "EncryptionAlgorithm",
    };
    let given = request.text_member(member);
    let encrypts = key.is_some_and(|key| key.shared.spec == KeySpec::SymmetricDefault)
        && request.operation().key_usage() == Some(KeyUsage::EncryptDecrypt);
    match given {
        Some(_) if member == "EncryptionAlgorithm" => None,
        Some(algorithm) => Some(algorithm),
        None => encrypts.then_some(SYMMETRIC_DEFAULT),
    }
}

/// What a condition key of `kms:` says of the grant that is asked for.
pub(crate) fn of_grant<'r>(request: &'r Request, name: &str) -> Vec<Cow<'r, str>> {
    let Request::CreateGrant(request) = request else {
        return Vec::new();
    };
    let constraints = request.constraints.as_ref();
    match name {
        // No service calls here on behalf of a resource.
        "grantisforawsresource" => vec!["false".into()],
        "grantconstrainttype" => {
            let equals = constraints.is_some_and(|it| !it.encryption_context_equals.is_empty());
            let subset = constraints.is_some_and(|it| !it.encryption_context_subset.is_empty());
            let kinds = [
                equals.then_some("EncryptionContextEquals"),
                subset.then_some("EncryptionContextSubset"),
            ];
            kinds.into_iter().flatten().map(Cow::from).collect()
        }
        "grantconstraintsourcearn" => {
            let source = constraints.and_then(|it| it.source_arn.as_ref());
            source.into_iter().map(Cow::from).collect()
        }
        _ => Vec::new(),
    }
}

/// The alias by which the request names the key of a permission.
pub(crate) fn requested_alias<'r>(request: &'r Request, action: &str) -> Option<Cow<'r, str>> {
    let member = match action {
        "kms:ReEncryptFrom" => "SourceKeyId",
        "kms:ReEncryptTo" => "DestinationKeyId",
        _ => "KeyId",
    };
    let named = request.text_member(member)?;
    match named.split_once(":alias/") {
        Some((_, name)) => Some(format!("alias/{name}").into()),
        None => named.starts_with("alias/").then(|| named.into()),
    }
}

/// Does ReEncrypt use one key for both?
pub(crate) fn same_key(region: &Region, cx: &Context<'_>, request: &Request) -> bool {
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
