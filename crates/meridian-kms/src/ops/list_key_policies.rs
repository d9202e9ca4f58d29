//! ListKeyPolicies: a key has one policy, and its name is always the same.

use meridian_proto::v1::{ListKeyPoliciesRequest, ListKeyPoliciesResponse};

use crate::context::Context;
use crate::error::KmsError;
use crate::ops::Operation;
use crate::region::Region;
use crate::{page, policy};

/// Lists the one name.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &ListKeyPoliciesRequest,
) -> Result<ListKeyPoliciesResponse, KmsError> {
    let limit = page::limit(request.limit, 100, 1000)?;
    region.admit(cx, Operation::ListKeyPolicies, &request.key_id)?;
    let after: Option<String> = page::position(&request.marker)?;
    let rest = [policy::NAME].into_iter();
    let rest = rest.filter(|name| after.as_deref().is_none_or(|after| *name > after));
    let page = page::take(rest, limit, |name| (*name).to_owned());
    Ok(ListKeyPoliciesResponse {
        policy_names: page.items.into_iter().map(Into::into).collect(),
        truncated: Some(page.next_marker.is_some()),
        next_marker: page.next_marker,
    })
}
