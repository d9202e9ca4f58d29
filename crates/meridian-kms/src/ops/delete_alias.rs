//! DeleteAlias: in every state of the key it points to.

use meridian_proto::v1::{DeleteAliasRequest, DeleteAliasResponse};
use serde::{Deserialize, Serialize};

use crate::admission::{no_such_alias, required};
use crate::arn::{AliasRef, KeyRef};
use crate::context::Context;
use crate::error::KmsError;
use crate::key::Key;
use crate::ops::create_alias::name;
use crate::ops::{Operation, Planned};
use crate::region::Region;

/// The alias that goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    alias: AliasRef,
}

/// Finds it.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &DeleteAliasRequest,
) -> Result<Planned<Change, DeleteAliasResponse>, KmsError> {
    let name = name(required(&request.alias_name)?)?;
    let alias = AliasRef {
        account: cx.caller.account,
        name,
    };
    match region.aliases().get(&alias) {
        Some(found) => {
            region.authorize_target(cx, Operation::DeleteAlias, &alias, found)?;
            Ok(Planned::Commit(Change { alias }))
        }
        None => Err(no_such_alias(&alias, region.name())),
    }
}

/// Deletes it.
pub fn apply(region: &mut Region, change: &Change) -> Result<DeleteAliasResponse, KmsError> {
    let Some(alias) = region.aliases_mut().remove(&change.alias) else {
        return Err(no_such_alias(&change.alias, region.name()));
    };
    let target = KeyRef {
        account: change.alias.account,
        id: alias.target,
    };
    if let Some(key) = region.key(&target) {
        let mut key = Key::clone(key);
        key.aliases.remove(&change.alias.name);
        region.put(key);
    }
    Ok(DeleteAliasResponse {})
}
