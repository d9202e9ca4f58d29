//! What the grants of a key allow a caller, for the request that is asked.

use std::collections::BTreeMap;

use crate::conditions;
use crate::context::Context;
use crate::grant::{Grant, GrantId};
use crate::grant_operation::GrantOperation;
use crate::grant_token;
use crate::key::Key;
use crate::ops::{Request, create_grant};

impl Key {
    /// Does a grant on this key give the caller this?
    pub(crate) fn grants_allow(&self, cx: &Context<'_>, action: &str) -> bool {
        let mut grants = self.grants.iter();
        grants.any(|(id, grant)| {
            let allows = |operation: &GrantOperation| operation.is_action(action);
            grant.grantee.is(&cx.caller.principal)
                && grant.operations.iter().copied().any(|operation| {
                    allows(&operation) && constraints_are_met(cx, action, operation, grant)
                })
                && self.is_in_force(cx, *id, grant)
        })
    }

    /// A grant is in force once it has spread, and at once for who shows a
    /// token of it.
    fn is_in_force(&self, cx: &Context<'_>, id: GrantId, grant: &Grant) -> bool {
        if cx.now.0 - grant.created.0 >= cx.grants_spread_ms {
            return true;
        }
        grant_token::named(cx).is_ok_and(|named| named.contains(&(self.key, id)))
    }
}

fn constraints_are_met(
    cx: &Context<'_>,
    action: &str,
    operation: GrantOperation,
    grant: &Grant,
) -> bool {
    let constraints = &grant.constraints;
    if constraints.source_arn.is_some() {
        // Only a service says on whose behalf it calls, and none calls here.
        return false;
    }
    match (operation, cx.asked) {
        (GrantOperation::CreateGrant, Some(Request::CreateGrant(child))) => {
            create_grant::is_within(child, grant)
        }
        (operation, Some(request)) if operation.has_context() => {
            let none = BTreeMap::new();
            let context = conditions::encryption_context(request, action);
            constraints.admit_context(context.unwrap_or(&none))
        }
        (_, Some(_)) => true,
        // Nobody has asked for anything that it could be meant for.
        (_, None) => false,
    }
}
