//! What the grants of a key allow a caller, for the request that is asked.

use std::collections::BTreeMap;

use meridian_iam::Naming;

use crate::asked;
use crate::context::Context;
use crate::grant::{Grant, GrantId};
use crate::grant_operation::GrantOperation;
use crate::grant_token;
use crate::key::Key;
use crate::ops::{Request, create_grant};

impl Key {
    /// How the grants on this key that give the caller this name it.
    pub(crate) fn granted(&self, cx: &Context<'_>, action: &str) -> Naming {
        let gives = |grant: &Grant| {
            let naming = grant.grantee.naming(&cx.caller.principal);
            let allows = |operation: &GrantOperation| operation.is_action(action);
            let given = naming != Naming::Not
                && grant.operations.iter().copied().any(|operation| {
                    allows(&operation) && constraints_are_met(cx, action, operation, grant)
                });
            if given { naming } else { Naming::Not }
        };
        let Some(older) = cx.spread_grants else {
            return strongest(self.grants.values().map(gives));
        };
        let older = older.key(&self.key).into_iter();
        let spread = older.flat_map(|key| key.grants.values()).map(gives);
        let given = self.grants.iter().map(|(id, grant)| (id, gives(grant)));
        let shown = given.filter(|(id, naming)| *naming != Naming::Not && self.is_shown(cx, **id));
        strongest(spread.chain(shown.map(|(_, naming)| naming)))
    }

    /// Does the caller show a token of this grant?
    fn is_shown(&self, cx: &Context<'_>, id: GrantId) -> bool {
        grant_token::named(cx).is_ok_and(|named| named.contains(&(self.key, id)))
    }
}

/// The most direct one; none after it is looked at.
fn strongest(all: impl Iterator<Item = Naming>) -> Naming {
    let mut found = Naming::Not;
    for naming in all {
        found = found.max(naming);
        if found == Naming::Directly {
            break;
        }
    }
    found
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
            let context = asked::encryption_context(request, action);
            constraints.admit_context(context.unwrap_or(&none))
        }
        (_, Some(_)) => true,
        // Nobody has asked for anything that it could be meant for.
        (_, None) => false,
    }
}
