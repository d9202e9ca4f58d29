//! What a caller may do, said as plainly as the documentation says it.

use crate::worlds::{CALLERS, OWNER, Rule, Use, World};

/// May the caller use the key like this?
pub fn is_allowed(world: &World, caller: usize, usage: &Use) -> bool {
    let who = &CALLERS[caller];
    let own = who.account == OWNER;
    let is_root = who.user.is_none();
    let fits = |rule: &Rule| {
        rule.action.is_none_or(|action| action == usage.action())
            && rule
                .context
                .is_none_or(|context| usage.context() == Some(context))
    };

    let names_caller = |named: usize| named == caller;
    let names_account =
        |named: usize| CALLERS[named].user.is_none() && CALLERS[named].account == who.account;

    let mut direct = false;
    let mut by_account = false;
    for (named, rule) in &world.key_policy {
        if !fits(rule) {
            continue;
        }
        if rule.deny && (names_caller(*named) || names_account(*named)) {
            return false;
        }
        direct |= !rule.deny && names_caller(*named);
        by_account |= !rule.deny && names_account(*named);
    }

    let mut by_identity = is_root;
    if !is_root {
        for rule in &world.identity_policies[caller] {
            if fits(rule) && rule.deny {
                return false;
            }
            by_identity |= fits(rule);
        }
    }

    let granted = world.grants.iter().any(|grant| {
        // Only cryptography has an encryption context to be constrained.
        let context = *usage == Use::Describe
            || grant
                .context
                .is_none_or(|context| usage.context() == Some(context));
        // Who is granted as an account says itself who in it may.
        let given = names_caller(grant.to) || names_account(grant.to) && by_identity;
        grant.action == usage.action() && context && given
    });
    if granted {
        return true;
    }
    if own && direct {
        return true;
    }
    (direct || by_account) && by_identity
}
