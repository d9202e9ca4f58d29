//! CreateAlias: a name of this region for one of its keys.

use meridian_proto::v1::{CreateAliasRequest, CreateAliasResponse};
use serde::{Deserialize, Serialize};

use crate::admission::{Naming, required};
use crate::alias::{ALIASES_PER_KEY_MAX, Alias};
use crate::arn::{AliasName, AliasRef, KeyRef};
use crate::context::Context;
use crate::error::{ErrorCode, KmsError};
use crate::ops::{Operation, Planned};
use crate::region::Region;

/// The alias and what it points to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    alias: AliasRef,
    target: KeyRef,
}

/// Checks the name and finds the target.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &CreateAliasRequest,
) -> Result<Planned<Change, CreateAliasResponse>, KmsError> {
    let name = name(required(&request.alias_name)?)?;
    let alias = AliasRef {
        account: cx.caller.account,
        name,
    };
    let target = target(region, cx, Operation::CreateAlias, &request.target_key_id)?;
    let change = Change { alias, target };
    check(region, &change)?;
    Ok(Planned::Commit(change))
}

/// Creates it.
pub fn apply(region: &mut Region, change: &Change) -> Result<CreateAliasResponse, KmsError> {
    check(region, change)?;
    let mut key = region.readmit(Operation::CreateAlias, &change.target)?;
    let now = region.now();
    let alias = Alias {
        target: change.target.id,
        created: now,
        updated: now,
    };
    region.aliases_mut().insert(change.alias.clone(), alias);
    key.aliases.insert(change.alias.name.clone());
    region.put(key);
    Ok(CreateAliasResponse {})
}

fn check(region: &Region, change: &Change) -> Result<(), KmsError> {
    if region.aliases().contains_key(&change.alias) {
        let arn = change.alias.arn(region.name());
        return Err(KmsError::new(
            ErrorCode::AlreadyExistsException,
            format!("An alias with the name {arn} already exists"),
        ));
    }
    let key = region.readmit(Operation::CreateAlias, &change.target)?;
    check_limit(&key)
}

/// A key has a limited number of aliases.
pub(crate) fn check_limit(key: &crate::key::Key) -> Result<(), KmsError> {
    if key.aliases.len() < ALIASES_PER_KEY_MAX {
        return Ok(());
    }
    // fidelity: assumed, AWS's text for this quota is not recorded.
    Err(KmsError::new(
        ErrorCode::LimitExceededException,
        format!("The key has the maximum number of aliases ({ALIASES_PER_KEY_MAX})."),
    ))
}

/// Checks an alias name as CreateAlias and UpdateAlias do.
pub(crate) fn name(text: &str) -> Result<AliasName, KmsError> {
    let parsed: AliasName = text.parse().map_err(|_| {
        KmsError::validation(
            "Alias must start with the prefix \"alias/\". Please see \
             https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
        )
    })?;
    if text.starts_with("alias/aws/") {
        return Err(KmsError::bare(ErrorCode::NotAuthorizedException));
    }
    if text.contains(':') {
        return Err(KmsError::validation(format!(
            "{text} contains invalid characters for an alias"
        )));
    }
    Ok(parsed)
}

/// Finds the key that an alias is to point to: a key, not another alias.
pub(crate) fn target(
    region: &Region,
    cx: &Context<'_>,
    operation: Operation,
    key_id: &Option<String>,
) -> Result<KeyRef, KmsError> {
    let key_id = required(key_id)?;
    if key_id.starts_with("alias/") || key_id.contains(":alias/") {
        return Err(KmsError::validation(
            "Aliases must refer to keys. Not aliases",
        ));
    }
    Ok(region
        .find(cx.caller, operation, key_id, Naming::KeyOnly)?
        .key)
}
