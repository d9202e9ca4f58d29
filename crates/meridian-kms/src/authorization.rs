//! Who may do what: the one place where a request is allowed or refused, after
//! its key was found and before anything else is said about it.

use std::sync::LazyLock;

use meridian_iam::{
    Decision, Naming, PolicyDocument, Principal, Query, Subject, access_denied, evaluate,
};
use meridian_proto::v1::Tag;

use crate::alias::Alias;
use crate::arn::{AccountId, AliasName, AliasRef, KeyRef};
use crate::asked;
use crate::authority::Authority;
use crate::caller::Caller;
use crate::conditions::Said;
use crate::context::Context;
use crate::error::{ErrorCode, KmsError};
use crate::grant_operation::GrantOperation;
use crate::key::Key;
use crate::ops::{Operation, Request};
use crate::policy;
use crate::region::Region;

/// The identity policy of everybody where nobody has one.
static EVERYTHING: LazyLock<[PolicyDocument; 1]> = LazyLock::new(|| {
    let text =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    [PolicyDocument::parse_identity(text).expect("it is written in the language")]
});

/// What a permission is asked for.
struct Asked<'a> {
    action: &'static str,
    resource: &'a str,
    owner: AccountId,
    key_policy: Option<&'a PolicyDocument>,
    /// May a grant on the key answer it?
    by_grants: bool,
    subject: Subject,
}

impl Region {
    /// May the caller do this with a key that the request names?
    ///
    /// # Errors
    /// AccessDeniedException.
    pub(crate) fn authorize(
        &self,
        cx: &Context<'_>,
        action: &'static str,
        key: &Key,
    ) -> Result<(), KmsError> {
        self.authorize_by(cx, action, key, Subject::Resource, true)
    }

    /// The same where a grant on the key does not answer the question.
    ///
    /// # Errors
    /// AccessDeniedException.
    pub(crate) fn authorize_without_grants(
        &self,
        cx: &Context<'_>,
        action: &'static str,
        key: &Key,
    ) -> Result<(), KmsError> {
        self.authorize_by(cx, action, key, Subject::Resource, false)
    }

    /// May the caller do this with the key that a ciphertext names?
    ///
    /// # Errors
    /// AccessDeniedException.
    pub(crate) fn authorize_by_ciphertext(
        &self,
        cx: &Context<'_>,
        action: &'static str,
        key: &Key,
    ) -> Result<(), KmsError> {
        self.authorize_by(cx, action, key, Subject::Ciphertext, true)
    }

    fn authorize_by(
        &self,
        cx: &Context<'_>,
        action: &'static str,
        key: &Key,
        subject: Subject,
        by_grants: bool,
    ) -> Result<(), KmsError> {
        let own = key.key.account == cx.caller.account;
        if own && matches!(cx.authority, Authority::Open) {
            return key.check_manager(cx.caller, action, self.name());
        }
        if !own && !crosses_accounts(action) {
            return Err(denied_elsewhere(cx.caller, action));
        }
        let arn = key.key.arn(self.name());
        let asked = Asked {
            action,
            resource: &arn,
            owner: key.key.account,
            key_policy: policy::document(key, self.name()),
            by_grants,
            subject,
        };
        self.decide(cx, &asked, Some(key))
    }

    /// May the caller do this with the key that an alias of its account leads
    /// to?
    ///
    /// # Errors
    /// AccessDeniedException.
    pub(crate) fn authorize_target(
        &self,
        cx: &Context<'_>,
        operation: Operation,
        alias: &AliasRef,
        found: &Alias,
    ) -> Result<(), KmsError> {
        let target = KeyRef {
            account: alias.account,
            id: found.target,
        };
        match self.key(&target) {
            Some(key) => self.authorize(cx, operation.action(), key),
            None => Ok(()),
        }
    }

    /// May the caller do what is asked, as far as it is about no key?
    ///
    /// # Errors
    /// AccessDeniedException.
    pub(crate) fn authorize_without_key(
        &self,
        cx: &Context<'_>,
        request: &Request,
    ) -> Result<(), KmsError> {
        if matches!(cx.authority, Authority::Open) {
            return Ok(());
        }
        let operation = request.operation();
        let action = operation.action();
        match operation {
            Operation::CreateKey => self.authorize_creation(cx, asked::request_tags(request)),
            // Also the aliases of one key: ListAliases takes an identity policy alone and
            // uses no particular key (AWS KMS Developer Guide, "Specifying KMS keys in IAM
            // policy statements").
            Operation::GenerateRandom
            | Operation::ListAliases
            | Operation::ListKeys
            | Operation::ListRetirableGrants
            | Operation::CreateCustomKeyStore
            | Operation::ConnectCustomKeyStore
            | Operation::DisconnectCustomKeyStore
            | Operation::DeleteCustomKeyStore
            | Operation::DescribeCustomKeyStores
            | Operation::UpdateCustomKeyStore => self.authorize_in_account(cx, action, "*"),
            Operation::CreateAlias | Operation::UpdateAlias | Operation::DeleteAlias => {
                let name = request.text_member("AliasName");
                match name.and_then(|name| name.parse::<AliasName>().ok()) {
                    Some(name) => {
                        let account = cx.caller.account;
                        let arn = AliasRef { account, name }.arn(self.name());
                        self.authorize_in_account(cx, action, &arn)
                    }
                    // The operation says what is wrong with the name.
                    None => Ok(()),
                }
            }
            // These ask at their key.
            Operation::CancelKeyDeletion
            | Operation::CreateGrant
            | Operation::Decapsulate
            | Operation::Decrypt
            | Operation::DeleteImportedKeyMaterial
            | Operation::DeriveSharedSecret
            | Operation::DescribeKey
            | Operation::DisableKey
            | Operation::DisableKeyRotation
            | Operation::EnableKey
            | Operation::EnableKeyRotation
            | Operation::Encapsulate
            | Operation::Encrypt
            | Operation::GenerateDataKey
            | Operation::GenerateDataKeyPair
            | Operation::GenerateDataKeyPairWithoutPlaintext
            | Operation::GenerateDataKeyWithoutPlaintext
            | Operation::GenerateMac
            | Operation::GetKeyLastUsage
            | Operation::GetKeyPolicy
            | Operation::GetKeyRotationStatus
            | Operation::GetParametersForImport
            | Operation::GetPublicKey
            | Operation::ImportKeyMaterial
            | Operation::ListGrants
            | Operation::ListKeyPolicies
            | Operation::ListKeyRotations
            | Operation::ListResourceTags
            | Operation::PutKeyPolicy
            | Operation::ReEncrypt
            | Operation::ReplicateKey
            | Operation::RetireGrant
            | Operation::RevokeGrant
            | Operation::RotateKeyOnDemand
            | Operation::ScheduleKeyDeletion
            | Operation::Sign
            | Operation::TagResource
            | Operation::UntagResource
            | Operation::UpdateKeyDescription
            | Operation::UpdatePrimaryRegion
            | Operation::Verify
            | Operation::VerifyMac => Ok(()),
        }
    }

    /// May the caller make a key in its account, with these tags? A replica is
    /// made too.
    ///
    /// # Errors
    /// AccessDeniedException.
    pub(crate) fn authorize_creation(
        &self,
        cx: &Context<'_>,
        tags: &[Tag],
    ) -> Result<(), KmsError> {
        if matches!(cx.authority, Authority::Open) {
            return Ok(());
        }
        self.authorize_in_account(cx, "kms:CreateKey", "*")?;
        match tags.is_empty() {
            true => Ok(()),
            false => self.authorize_in_account(cx, "kms:TagResource", "*"),
        }
    }

    /// May the caller do this in its own account, with a resource that has no
    /// policy of its own?
    ///
    /// # Errors
    /// AccessDeniedException.
    pub(crate) fn authorize_in_account(
        &self,
        cx: &Context<'_>,
        action: &'static str,
        resource: &str,
    ) -> Result<(), KmsError> {
        let asked = Asked {
            action,
            resource,
            owner: cx.caller.account,
            key_policy: None,
            by_grants: false,
            subject: Subject::Resource,
        };
        self.decide(cx, &asked, None)
    }

    /// Would the caller still be able to replace this policy of a key?
    pub(crate) fn may_put_policy(
        &self,
        cx: &Context<'_>,
        (arn, key): (&str, Option<&Key>),
        policy: &PolicyDocument,
    ) -> bool {
        let asked = Asked {
            action: Operation::PutKeyPolicy.action(),
            resource: arn,
            owner: cx.caller.account,
            key_policy: Some(policy),
            by_grants: false,
            subject: Subject::Resource,
        };
        self.decide(cx, &asked, key).is_ok()
    }

    fn decide(
        &self,
        cx: &Context<'_>,
        asked: &Asked<'_>,
        key: Option<&Key>,
    ) -> Result<(), KmsError> {
        let unknown = || denied_elsewhere(cx.caller, asked.action);
        let parsed;
        let (principal, identity_policies) = match cx.authority {
            Authority::Enforced(Some(identity)) => {
                (&identity.principal, identity.policies.as_slice())
            }
            Authority::Enforced(None) | Authority::Open => {
                parsed = Principal::parse(&cx.caller.principal).map_err(|_| unknown())?;
                match cx.authority {
                    Authority::Open => (&parsed, EVERYTHING.as_slice()),
                    Authority::Enforced(_) => (&parsed, [].as_slice()),
                }
            }
        };
        let owner = asked.owner.to_string();
        let conditions = Said {
            region: self,
            cx,
            action: asked.action,
            key,
        };
        let asked_key = key.filter(|_| asked.by_grants);
        let granted = || asked_key.map_or(Naming::Not, |key| key.granted(cx, asked.action));
        let query = Query {
            principal,
            action: asked.action,
            resource: asked.resource,
            resource_account: &owner,
            conditions: &conditions,
            identity_policies,
            key_policy: asked.key_policy,
            granted: &granted,
        };
        match (evaluate(&query), cx.authority) {
            (Decision::Allowed, _) => Ok(()),
            (Decision::Denied(_), Authority::Open) => Err(unknown()),
            (Decision::Denied(reason), Authority::Enforced(_)) => {
                Err(denied(access_denied(&query, asked.subject, reason)))
            }
        }
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

#[cfg(test)]
mod tests;
