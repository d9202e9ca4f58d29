//! The fixed order of checks that every operation on a key passes: find it,
//! authorize, kind of key, role in its set, key state. Asked in `plan` and, on
//! the state of that moment, again in `apply`.

use std::sync::Arc;

use crate::arn::{AccountId, AliasName, AliasRef, KeyRef, KmsArn, RegionName};
use crate::caller::Caller;
use crate::context::Context;
use crate::error::{ErrorCode, KmsError};
use crate::key::{Key, Role};
use crate::key_set::Origin;
use crate::key_state::{self, KeyState};
use crate::ops::Operation;
use crate::region::Region;

/// May a request name the key by an alias?
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    /// Key ID or key ARN.
    KeyOnly,
    /// Also alias name or alias ARN.
    KeyOrAlias,
}

impl Region {
    /// Admits an operation on a key that is named by ID or ARN.
    pub(crate) fn admit(
        &self,
        cx: &Context<'_>,
        operation: Operation,
        key_id: &Option<String>,
    ) -> Result<&Arc<Key>, KmsError> {
        let key = self.find(cx.caller, operation, required(key_id)?, Naming::KeyOnly)?;
        self.check(operation, key)?;
        Ok(key)
    }

    /// Admits the use of a key that may be named by an alias.
    pub(crate) fn admit_use(
        &self,
        cx: &Context<'_>,
        operation: Operation,
        key_id: &Option<String>,
        grant_tokens: &[String],
    ) -> Result<&Arc<Key>, KmsError> {
        let key = self.find(cx.caller, operation, required(key_id)?, Naming::KeyOrAlias)?;
        refuse_grant_tokens(grant_tokens)?;
        self.check(operation, key)?;
        Ok(key)
    }

    /// Admits a planned change to the key as it is at the moment of applying.
    pub(crate) fn readmit(&self, operation: Operation, key: &KeyRef) -> Result<Key, KmsError> {
        let key = self
            .key(key)
            .ok_or_else(|| KmsError::no_such_key(key, self.name()))?;
        self.check(operation, key)?;
        Ok(Key::clone(key))
    }

    /// Finds the key that a request names and that the caller may know of.
    pub(crate) fn find(
        &self,
        caller: &Caller,
        operation: Operation,
        key_id: &str,
        naming: Naming,
    ) -> Result<&Arc<Key>, KmsError> {
        let (account, resource) = self.take_apart(caller, operation, key_id)?;
        let reference = if resource.starts_with("alias/") {
            self.alias_target(account, resource, naming)?
        } else {
            let id = resource.parse();
            let id = id.map_err(|_| KmsError::not_found(format!("Invalid keyId '{resource}'")))?;
            KeyRef { account, id }
        };
        self.key(&reference)
            .ok_or_else(|| KmsError::no_such_key(&reference, self.name()))
    }

    /// The account, and the key ID or alias name, that an identifier names.
    fn take_apart<'k>(
        &self,
        caller: &Caller,
        operation: Operation,
        key_id: &'k str,
    ) -> Result<(AccountId, &'k str), KmsError> {
        if !key_id.starts_with("arn:") {
            return Ok((caller.account, key_id));
        }
        let malformed = || {
            // fidelity: assumed, AWS's text for a damaged ARN is not recorded.
            let message = format!("ARN is not valid: {key_id}");
            KmsError::new(ErrorCode::InvalidArnException, message)
        };
        let arn = KmsArn::parse(key_id).map_err(|_| malformed())?;
        let resource = match arn.resource.strip_prefix("key/") {
            Some(id) => id,
            None if arn.resource.starts_with("alias/") => arn.resource,
            None => return Err(malformed()),
        };
        if arn.region != self.name().as_str() {
            return Err(KmsError::not_found(format!("Invalid arn {}", arn.region)));
        }
        if arn.account != caller.account {
            return Err(not_authorized(caller, operation));
        }
        Ok((arn.account, resource))
    }

    fn alias_target(
        &self,
        account: AccountId,
        name: &str,
        naming: Naming,
    ) -> Result<KeyRef, KmsError> {
        if naming == Naming::KeyOnly {
            return Err(KmsError::new(
                ErrorCode::InvalidArnException,
                "Key Aliases are not supported for this operation.",
            ));
        }
        let name: AliasName = name
            .parse()
            .map_err(|_| KmsError::not_found(format!("Invalid keyId '{name}'")))?;
        let alias = AliasRef { account, name };
        match self.aliases().get(&alias) {
            Some(found) => Ok(KeyRef {
                account,
                id: found.target,
            }),
            None => Err(no_such_alias(&alias, self.name())),
        }
    }

    /// Kind of key, role in the set, key state: what can change between plan
    /// and apply.
    pub(crate) fn check(&self, operation: Operation, key: &Key) -> Result<(), KmsError> {
        let here = self.name();
        let arn = key.key.arn(here);
        check_kind(operation, key, here, &arn)?;
        check_role(operation, key, &arn)?;
        let state = key.state(here);
        key_state::admit(operation, state, &arn)?;
        if state == KeyState::Updating {
            // The move of the role hides what lies under it.
            key_state::admit(operation, key.state_by_material(), &arn)?;
        }
        Ok(())
    }
}

/// Does the operation exist for keys of this origin?
fn check_kind(operation: Operation, key: &Key, here: &RegionName, arn: &str) -> Result<(), KmsError> {
    let origin = key.shared.origin;
    let only = match operation {
        Operation::GetParametersForImport
        | Operation::ImportKeyMaterial
        | Operation::DeleteImportedKeyMaterial => Origin::External,
        Operation::EnableKeyRotation | Operation::DisableKeyRotation => Origin::AwsKms,
        Operation::GetKeyRotationStatus if key.state(here) == KeyState::PendingImport => {
            // AWS refuses the status of an empty imported key, and only of that.
            Origin::AwsKms
        }
        _ => return Ok(()),
    };
    if origin == only {
        return Ok(());
    }
    let origin = origin.name();
    Err(KmsError::unsupported(format!(
        "{arn} origin is {origin} which is not valid for this operation."
    )))
}

/// Is the operation the primary's alone?
fn check_role(operation: Operation, key: &Key, arn: &str) -> Result<(), KmsError> {
    let is_replica = matches!(key.role, Role::Replica { .. }) || key.shared.hand_over.is_some();
    match operation {
        Operation::EnableKeyRotation
        | Operation::DisableKeyRotation
        | Operation::RotateKeyOnDemand
            if is_replica =>
        {
            let operation = operation.name();
            Err(KmsError::unsupported(format!(
                "{arn} is a multi-region replica key which is not valid for {operation}."
            )))
        }
        Operation::ReplicateKey if is_replica || !key.shared.multi_region => Err(
            KmsError::unsupported(format!("{arn} is not a multi-region primary key.")),
        ),
        Operation::UpdatePrimaryRegion if !key.shared.multi_region => Err(KmsError::unsupported(
            format!("{arn} is not a multi-region primary key."),
        )),
        Operation::UpdatePrimaryRegion if is_replica => Err(KmsError::invalid_state(format!(
            "{arn} is not a multi-Region primary key."
        ))),
        _ => Ok(()),
    }
}

/// A required member: the wire has checked it, a direct caller may not have.
pub(crate) fn required<T>(member: &Option<T>) -> Result<&T, KmsError> {
    member
        .as_ref()
        .ok_or_else(|| KmsError::validation("A required parameter is missing."))
}

/// No grant exists, so no token belongs to one.
pub(crate) fn refuse_grant_tokens(tokens: &[String]) -> Result<(), KmsError> {
    match tokens.first() {
        None => Ok(()),
        Some(_) => Err(KmsError::bare(ErrorCode::InvalidGrantTokenException)),
    }
}

/// The alias is not in this region.
pub(crate) fn no_such_alias(alias: &AliasRef, region: &RegionName) -> KmsError {
    KmsError::not_found(format!("Alias {} is not found.", alias.arn(region)))
}

/// Another account's key: without policies and grants nobody shares one.
fn not_authorized(caller: &Caller, operation: Operation) -> KmsError {
    let (principal, operation) = (&caller.principal, operation.name());
    KmsError::new(
        ErrorCode::AccessDeniedException,
        format!(
            "User: {principal} is not authorized to perform: kms:{operation} on this resource \
             because no identity-based policy allows the kms:{operation} action"
        ),
    )
}
