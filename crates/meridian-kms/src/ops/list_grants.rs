//! ListGrants: the grants of a key of this region, by grant ID.

use meridian_proto::v1::{ListGrantsRequest, ListGrantsResponse};

use crate::context::Context;
use crate::error::{ErrorCode, KmsError};
use crate::grant::{Grant, GrantId, Party};
use crate::ops::Operation;
use crate::region::Region;
use crate::{page, principal_arn};

/// Lists one page.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &ListGrantsRequest,
) -> Result<ListGrantsResponse, KmsError> {
    let limit = page::limit(request.limit, 50, 100)?;
    let grantee = match (
        &request.grantee_principal,
        &request.grantee_service_principal,
    ) {
        (Some(arn), _) => Some(principal_arn::read(arn, "GranteePrincipal", region.name())?),
        (None, Some(name)) => Some(Party::Service(name.clone())),
        (None, None) => None,
    };
    let key = region.admit(cx, Operation::ListGrants, &request.key_id)?;
    let after: Option<GrantId> = page::position(&request.marker)?;
    let only = request.grant_id.as_deref().map(id).transpose()?;
    let wanted = |(id, grant): &(&GrantId, &Grant)| {
        only.is_none_or(|only| only == **id)
            && grantee.as_ref().is_none_or(|it| *it == grant.grantee)
            && after.is_none_or(|after| **id > after)
    };
    let rest = key.grants.iter().filter(wanted);
    let page = page::take(rest, limit, |(id, _)| id.to_string());
    let entry = |(id, grant): (&GrantId, &Grant)| grant.entry(*id, &key.key, region.name());
    Ok(ListGrantsResponse {
        grants: page.items.into_iter().map(entry).collect(),
        truncated: Some(page.next_marker.is_some()),
        next_marker: page.next_marker,
    })
}

/// Reads a grant ID of a request.
pub(crate) fn id(text: &str) -> Result<GrantId, KmsError> {
    let malformed = |_| KmsError::bare(ErrorCode::InvalidGrantIdException);
    text.parse().map_err(malformed)
}
