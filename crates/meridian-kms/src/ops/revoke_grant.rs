//! RevokeGrant: takes a grant back, as the owner of the key may.

use meridian_proto::v1::{RevokeGrantRequest, RevokeGrantResponse};
use serde::{Deserialize, Serialize};

use crate::admission::required;
use crate::arn::KeyRef;
use crate::context::Context;
use crate::cryptography::stop_dry_run;
use crate::error::KmsError;
use crate::grant::GrantId;
use crate::key::Key;
use crate::ops::list_grants::id;
use crate::ops::{Operation, Planned};
use crate::region::Region;

const OPERATION: Operation = Operation::RevokeGrant;

/// The grant that goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    key: KeyRef,
    grant: GrantId,
}

/// Finds the grant.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &RevokeGrantRequest,
) -> Result<Planned<Change, RevokeGrantResponse>, KmsError> {
    let key = region.admit(cx, OPERATION, &request.key_id)?;
    let grant = id(required(&request.grant_id)?)?;
    if !key.grants.contains_key(&grant) {
        return Err(no_such_grant(grant));
    }
    stop_dry_run(request.dry_run)?;
    let key = key.key;
    Ok(Planned::Commit(Change { key, grant }))
}

/// Takes it back.
pub fn apply(region: &mut Region, change: &Change) -> Result<RevokeGrantResponse, KmsError> {
    let key = region.readmit(OPERATION, &change.key)?;
    end(region, key, change.grant)?;
    Ok(RevokeGrantResponse {})
}

/// Ends a grant of a key.
pub(crate) fn end(region: &mut Region, mut key: Key, grant: GrantId) -> Result<(), KmsError> {
    match key.grants.remove(&grant) {
        Some(_) => {
            region.put(key);
            Ok(())
        }
        None => Err(no_such_grant(grant)),
    }
}

pub(crate) fn no_such_grant(grant: GrantId) -> KmsError {
    KmsError::not_found(format!("Grant ID {grant} not found"))
}
