//! ListRetirableGrants: the grants of this region that a principal may retire,
//! whichever key and account they belong to.

use std::fmt;
use std::str::FromStr;

use meridian_proto::v1::{ListRetirableGrantsRequest, ListRetirableGrantsResponse};

use crate::arn::KeyRef;
use crate::authorization::denied;
use crate::context::Context;
use crate::error::KmsError;
use crate::grant::{Grant, GrantId, Party};
use crate::ops::Operation;
use crate::region::Region;
use crate::{page, principal_arn};

/// A grant among all of the region.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Position {
    key: KeyRef,
    grant: GrantId,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.key, self.grant)
    }
}

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Position, ()> {
        let (key, grant) = text.split_once(' ').ok_or(())?;
        Ok(Position {
            key: key.parse().map_err(|_| ())?,
            grant: grant.parse().map_err(|_| ())?,
        })
    }
}

/// Lists one page.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &ListRetirableGrantsRequest,
) -> Result<ListRetirableGrantsResponse, KmsError> {
    let limit = page::limit(request.limit, 50, 100)?;
    let (retiring, is_own) = retiring(region, cx, request)?;
    let after: Option<Position> = page::position(&request.marker)?;
    let grants = region.keys().values().flat_map(|key| {
        let position = |grant| Position {
            key: key.key,
            grant,
        };
        let grants = key.grants.iter();
        grants.map(move |(id, grant)| (position(*id), grant))
    });
    let rest = grants
        .filter(|(_, grant)| grant.retiring.as_ref() == Some(&retiring))
        .filter(|(_, grant)| is_own || grant.issuer == cx.caller.account)
        .filter(|(at, _)| after.is_none_or(|after| *at > after));
    let page = page::take(rest, limit, |(at, _)| at.to_string());
    let entry = |(at, grant): (Position, &Grant)| grant.entry(at.grant, &at.key, region.name());
    Ok(ListRetirableGrantsResponse {
        grants: page.items.into_iter().map(entry).collect(),
        truncated: Some(page.next_marker.is_some()),
        next_marker: page.next_marker,
    })
}

/// Whose grants are asked for, and whether that is a principal of the caller's
/// account. Of all others, such as services, only those grants are shown that the
/// account has given.
fn retiring(
    region: &Region,
    cx: &Context<'_>,
    request: &ListRetirableGrantsRequest,
) -> Result<(Party, bool), KmsError> {
    let arn = match (
        &request.retiring_principal,
        &request.retiring_service_principal,
    ) {
        (Some(arn), None) => arn,
        (None, Some(name)) => return Ok((Party::Service(name.clone()), false)),
        // fidelity: assumed, AWS's text for neither and for both is not recorded.
        _ => {
            return Err(KmsError::validation(
                "Specify either RetiringPrincipal or RetiringServicePrincipal.",
            ));
        }
    };
    let party = principal_arn::read(arn, "RetiringPrincipal", region.name())?;
    let owner = match &party {
        Party::Principal(arn) => principal_arn::account(arn),
        Party::Service(_) => None,
    };
    if owner.is_some_and(|owner| owner != cx.caller.account) {
        let (caller, action) = (
            &cx.caller.principal,
            Operation::ListRetirableGrants.action(),
        );
        return Err(denied(format!(
            "User: {caller} is not authorized to perform: {action} on resource: {arn} because no \
             identity-based policy allows the {action} action"
        )));
    }
    Ok((party, owner.is_some()))
}
