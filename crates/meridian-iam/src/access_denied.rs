//! The texts of AccessDeniedException.

use crate::evaluate::{Query, Reason, is_foreign};
use crate::principal::PrincipalKind;

/// How a request names the key that it is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// By its ID, ARN or alias; or there is no key.
    Resource,
    /// By a ciphertext alone.
    Ciphertext,
}

/// What AWS says of a denial.
///
/// A principal of another account does not learn whether the key exists.
pub fn access_denied(query: &Query<'_>, subject: Subject, reason: Reason) -> String {
    let (arn, action) = (&query.principal.arn, query.action);
    let foreign = is_foreign(query);
    let on = match (subject, foreign) {
        (Subject::Ciphertext, _) => "on the resource associated with this ciphertext".to_owned(),
        (Subject::Resource, true) => "on this resource".to_owned(),
        (Subject::Resource, false) => format!("on resource: {}", query.resource),
    };
    let why = match reason {
        Reason::KeyPolicyDenies | Reason::NoKeyPolicy if foreign => {
            "because the resource does not exist in this Region, no resource-based policies \
             allow access, or a resource-based policy explicitly denies access"
                .to_owned()
        }
        Reason::KeyPolicyDenies => "with an explicit deny in a resource-based policy".to_owned(),
        Reason::IdentityPolicyDenies => {
            "with an explicit deny in an identity-based policy".to_owned()
        }
        Reason::NoIdentityPolicy => {
            format!("because no identity-based policy allows the {action} action")
        }
        Reason::NoKeyPolicy => {
            format!("because no resource-based policy allows the {action} action")
        }
    };
    let who = match query.principal.kind {
        PrincipalKind::Service { .. } => arn.clone(),
        _ => format!("User: {arn}"),
    };
    format!("{who} is not authorized to perform: {action} {on} {why}")
}
