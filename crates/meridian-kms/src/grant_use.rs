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
        let gives = |grant: &Grant| {
            let allows = |operation: &GrantOperation| operation.is_action(action);
            grant.grantee.is(&cx.caller.principal)
                && grant.operations.iter().copied().any(|operation| {
                    allows(&operation) && constraints_are_met(cx, action, operation, grant)
                })
        };
        let mut grants = self.grants.iter();
        let Some(older) = cx.spread_grants else {
            return grants.any(|(_, grant)| gives(grant));
        };
        let older = older.key(&self.key);
        older.is_some_and(|key| key.grants.values().any(gives))
            || grants.any(|(id, grant)| gives(grant) && self.is_shown(cx, *id))
    }

    /// Does the caller show a token of this grant?
    fn is_shown(&self, cx: &Context<'_>, id: GrantId) -> bool {
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
