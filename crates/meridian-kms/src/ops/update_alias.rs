//! UpdateAlias: points an alias to another key of the region.

use meridian_proto::v1::{UpdateAliasRequest, UpdateAliasResponse};
use serde::{Deserialize, Serialize};

use crate::admission::{no_such_alias, required};
use crate::arn::{AliasRef, KeyRef};
use crate::context::Context;
use crate::error::KmsError;
use crate::key::Key;
use crate::ops::create_alias::{check_limit, name, target};
use crate::ops::{Operation, Planned};
use crate::region::Region;

/// The alias and what it is to point to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    alias: AliasRef,
    target: KeyRef,
}

/// Finds alias and target.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &UpdateAliasRequest,
) -> Result<Planned<Change, UpdateAliasResponse>, KmsError> {
    let name = name(required(&request.alias_name)?)?;
    let alias = AliasRef {
        account: cx.caller.account,
        name,
    };
    let Some(found) = region.aliases().get(&alias) else {
        return Err(no_such_alias(&alias, region.name()));
    };
    region.authorize_target(cx, Operation::UpdateAlias, &alias, found)?;
    let target = target(region, cx, Operation::UpdateAlias, &request.target_key_id)?;
    region.readmit(Operation::UpdateAlias, &target)?;
    Ok(Planned::Commit(Change { alias, target }))
}

/// Points it there.
pub fn apply(region: &mut Region, change: &Change) -> Result<UpdateAliasResponse, KmsError> {
    let Some(alias) = region.aliases().get(&change.alias).cloned() else {
        return Err(no_such_alias(&change.alias, region.name()));
    };
    let mut key = region.readmit(Operation::UpdateAlias, &change.target)?;
    if alias.target != change.target.id {
        check_limit(&key)?;
        let old = KeyRef {
            id: alias.target,
            ..change.target
        };
        if let Some(old) = region.key(&old) {
            let mut old = Key::clone(old);
            old.aliases.remove(&change.alias.name);
            region.put(old);
        }
    }
    let now = region.now();
    let moved = crate::alias::Alias {
        target: change.target.id,
        updated: now,
        ..alias
    };
    region.aliases_mut().insert(change.alias.clone(), moved);
    key.aliases.insert(change.alias.name.clone());
    region.put(key);
    Ok(UpdateAliasResponse {})
}
