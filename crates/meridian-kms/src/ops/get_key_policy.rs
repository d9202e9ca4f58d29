//! GetKeyPolicy: the key policy's text, as it was put or as AWS writes the
//! default one.

use meridian_proto::v1::{GetKeyPolicyRequest, GetKeyPolicyResponse};

use crate::context::Context;
use crate::error::KmsError;
use crate::ops::Operation;
use crate::policy;
use crate::region::Region;

/// Shows the text.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &GetKeyPolicyRequest,
) -> Result<GetKeyPolicyResponse, KmsError> {
    let key = region.admit(cx, Operation::GetKeyPolicy, &request.key_id)?;
    if request
        .policy_name
        .as_deref()
        .is_some_and(|name| name != policy::NAME)
    {
        return Err(KmsError::not_found("No such policy exists"));
    }
    Ok(GetKeyPolicyResponse {
        policy: Some(policy::text(key, region.name())),
        policy_name: Some(policy::NAME.into()),
    })
}
