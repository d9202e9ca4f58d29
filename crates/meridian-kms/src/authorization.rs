//! Who may do what: the one place where a request is allowed or refused, after
//! its key was found and before anything is said about it.

use std::collections::BTreeMap;

use meridian_proto::MemberValue;

use crate::caller::Caller;
use crate::context::Context;
use crate::error::{ErrorCode, KmsError};
use crate::grant::Grant;
use crate::grant_operation::GrantOperation;
use crate::grant_token;
use crate::key::Key;
use crate::region::Region;

impl Region {
    /// May the caller do this with a key?
    ///
    /// # Errors
    /// AccessDeniedException.
    pub(crate) fn authorize(
        &self,
        cx: &Context<'_>,
        action: &'static str,
        key: &Key,
    ) -> Result<(), KmsError> {
        let own = key.key.account == cx.caller.account;
        if own || (crosses_accounts(action) && granted(cx, action, key)) {
            Ok(())
        } else {
            Err(denied_elsewhere(cx.caller, action))
        }
    }
}

/// Does a grant on the key give the caller this?
pub(crate) fn granted(cx: &Context<'_>, action: &'static str, key: &Key) -> bool {
    let principal = &cx.caller.principal;
    let mut grants = key.grants.iter();
    grants.any(|(id, grant)| {
        let allows = |operation: &GrantOperation| operation.is_action(action);
        let Some(operation) = grant.operations.iter().copied().find(allows) else {
            return false;
        };
        let spread = cx.now.0 - grant.created.0 >= cx.grants_spread_ms;
        let shown = || {
            let tokens = texts(cx, "GrantTokens");
            let named = tokens
                .iter()
                .filter_map(|it| grant_token::open(cx, it).ok());
            named
                .into_iter()
                .any(|(of, named)| of == key.key && named == *id)
        };
        grant.grantee.is(principal) && applies(cx, action, operation, grant) && (spread || shown())
    })
}

/// Does the request meet a grant's constraints?
fn applies(cx: &Context<'_>, action: &str, operation: GrantOperation, grant: &Grant) -> bool {
    let constraints = &grant.constraints;
    if constraints.source_arn.is_some() {
        // Only a service says on whose behalf it calls, and none calls here.
        return false;
    }
    match operation {
        GrantOperation::CreateGrant => match cx.asked {
            Some(crate::ops::Request::CreateGrant(child)) => {
                crate::ops::create_grant::is_within(child, grant)
            }
            _ => false,
        },
        operation if operation.has_context() => {
            let none = BTreeMap::new();
            constraints.admit_context(encryption_context(cx, action).unwrap_or(&none))
        }
        _ => true,
    }
}

/// The encryption context that the request has for an action.
pub(crate) fn encryption_context<'a>(
    cx: &Context<'a>,
    action: &str,
) -> Option<&'a BTreeMap<String, String>> {
    let member = match action {
        "kms:ReEncryptFrom" => "SourceEncryptionContext",
        "kms:ReEncryptTo" => "DestinationEncryptionContext",
        _ => "EncryptionContext",
    };
    match cx.asked?.member(member) {
        Some(MemberValue::Map(map)) => Some(map),
        _ => None,
    }
}

fn texts<'a>(cx: &Context<'a>, member: &str) -> &'a [String] {
    match cx.asked.and_then(|request| request.member(member)) {
        Some(MemberValue::Texts(texts)) => texts,
        _ => &[],
    }
}

/// The actions that an account can allow another one on its keys (AWS KMS
/// Developer Guide, "Permissions reference", cross-account use).
fn crosses_accounts(action: &str) -> bool {
    let action = action.strip_prefix("kms:").unwrap_or(action);
    GrantOperation::from_name(action).is_some()
        || matches!(
            action,
            "GetKeyRotationStatus" | "ListGrants" | "RevokeGrant"
        )
}

/// The key of another account, about which nothing is said.
pub(crate) fn denied_elsewhere(caller: &Caller, action: &str) -> KmsError {
    let principal = &caller.principal;
    denied(format!(
        "User: {principal} is not authorized to perform: {action} on this resource because no \
         identity-based policy allows the {action} action"
    ))
}

pub(crate) fn denied(message: String) -> KmsError {
    KmsError::new(ErrorCode::AccessDeniedException, message)
}
