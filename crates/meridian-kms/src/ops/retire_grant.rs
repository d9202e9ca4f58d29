//! RetireGrant: ends a grant that is no longer needed. Who may do so is said by
//! the grant itself: the retiring principal, the grantee if the grant allows
//! it, and the account that made it.

use meridian_iam::Naming;
use meridian_proto::v1::{RetireGrantRequest, RetireGrantResponse};
use serde::{Deserialize, Serialize};

use crate::admission;
use crate::arn::KeyRef;
use crate::authorization::denied_elsewhere;
use crate::context::Context;
use crate::cryptography::stop_dry_run;
use crate::error::{ErrorCode, KmsError};
use crate::grant::{Grant, GrantId};
use crate::grant_operation::GrantOperation;
use crate::grant_token;
use crate::ops::list_grants::id;
use crate::ops::revoke_grant::{end, no_such_grant};
use crate::ops::{Operation, Planned};
use crate::region::Region;

const OPERATION: Operation = Operation::RetireGrant;

/// The grant that ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    key: KeyRef,
    grant: GrantId,
}

/// Finds the grant, by its token or by key and ID.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &RetireGrantRequest,
) -> Result<Planned<Change, RetireGrantResponse>, KmsError> {
    let (key, grant) = match (&request.grant_token, &request.key_id, &request.grant_id) {
        (Some(token), None, None) => {
            let (key, grant) = grant_token::open(cx, token)?;
            let gone = || KmsError::bare(ErrorCode::InvalidGrantTokenException);
            let found = region.grant(&key, grant).ok_or_else(gone)?;
            allow(region, cx, &key, found)?;
            (key, grant)
        }
        (None, Some(key_id), Some(grant_id)) => {
            let grant = id(grant_id)?;
            let key =
                region.find_visible(cx, OPERATION.action(), key_id, admission::Naming::KeyOnly)?;
            match key.grants.get(&grant) {
                Some(found) => allow(region, cx, &key.key, found)?,
                None => {
                    region.authorize(cx, OPERATION.action(), key)?;
                    return Err(no_such_grant(grant));
                }
            }
            (key.key, grant)
        }
        // fidelity: assumed, AWS's text for an incomplete or a double name is
        // not recorded.
        _ => {
            return Err(KmsError::validation(
                "Specify either GrantToken, or KeyId and GrantId.",
            ));
        }
    };
    stop_dry_run(request.dry_run)?;
    Ok(Planned::Commit(Change { key, grant }))
}

/// Ends it.
pub fn apply(region: &mut Region, change: &Change) -> Result<RetireGrantResponse, KmsError> {
    let key = region.readmit(OPERATION, &change.key)?;
    end(region, key, change.grant)?;
    Ok(RetireGrantResponse {})
}

fn allow(region: &Region, cx: &Context<'_>, key: &KeyRef, grant: &Grant) -> Result<(), KmsError> {
    let caller = &cx.caller.principal;
    let retiring = grant.retiring.as_ref().map(|it| it.naming(caller));
    let grantee = grant.grantee.naming(caller);
    let as_grantee = match grant.operations.contains(&GrantOperation::RetireGrant) {
        true => grantee,
        false => Naming::Not,
    };
    let arn = key.arn(region.name());
    let by_identity = || region.authorize_in_account(cx, OPERATION.action(), &arn);
    match retiring.unwrap_or_default().max(as_grantee) {
        Naming::Directly => return Ok(()),
        // fidelity: assumed, who in an account may retire what the account may.
        Naming::ByAccount if by_identity().is_ok() => return Ok(()),
        Naming::ByAccount | Naming::Not => {}
    }
    match region.key(key) {
        _ if grant.issuer != cx.caller.account => {
            Err(denied_elsewhere(cx.caller, OPERATION.action()))
        }
        // Who else holds a grant on the key has nothing to do with this one.
        Some(owned) if key.account == cx.caller.account => {
            region.authorize_without_grants(cx, OPERATION.action(), owned)
        }
        _ => by_identity(),
    }
}

#[cfg(test)]
mod tests;
