//! The Principal and NotPrincipal elements of a key policy.

use crate::json::Json;
use crate::policy_error::PolicyError;
use crate::principal::{
    IdentityArn, IdentityKind, Principal, PrincipalKind, is_account, is_service,
};

/// Whom a statement names.
#[derive(Clone, Debug)]
pub(crate) enum Principals {
    /// An identity policy names nobody: it is about whom it is attached to.
    Bearer,
    In(Vec<Named>),
    NotIn(Vec<Named>),
}

/// One name of a principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    Everyone,
    /// An account, and everybody in it.
    Account(String),
    Identity(String),
    Service(String),
    /// An identity provider or a canonical user, whom KMS never sees.
    Elsewhere,
}

/// How a statement or a grant names a principal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Naming {
    /// It does not.
    #[default]
    Not,
    /// By the account: what is allowed is then left to the identity policies.
    ByAccount,
    /// By itself, or with everybody.
    Directly,
}

impl Principals {
    pub(crate) fn parse(element: Json) -> Result<Vec<Named>, PolicyError> {
        let members = match element {
            Json::Text(text) if text == "*" => return Ok(vec![Named::Everyone]),
            Json::Text(_) => return Err(PolicyError::InvalidPrincipals),
            Json::Object(members) => members,
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::List(_) => {
                return Err(PolicyError::syntax("Principal is not an object"));
            }
        };
        let mut all = Vec::new();
        for (kind, names) in members {
            for name in names.into_texts("Principal")? {
                all.push(Named::parse(&kind, name)?);
            }
        }
        match all.is_empty() {
            true => Err(PolicyError::NoPrincipal),
            false => Ok(all),
        }
    }

    pub(crate) fn naming(&self, principal: &Principal) -> Naming {
        match self {
            Principals::Bearer => Naming::Directly,
            Principals::In(named) => {
                let each = named.iter().map(|name| name.naming(principal));
                each.max().unwrap_or_default()
            }
            Principals::NotIn(named) => {
                // fidelity: assumed, for an Allow too. A user is also its account,
                // and a session its role: who is excepted has to be excepted under
                // every name.
                let excepted = |name: &Named| named.contains(name);
                match excepted(&Named::Everyone) || names_of(principal).iter().all(excepted) {
                    true => Naming::Not,
                    false => Naming::Directly,
                }
            }
        }
    }
}

impl Named {
    fn parse(kind: &str, name: String) -> Result<Named, PolicyError> {
        match kind {
            "AWS" if name == "*" => Ok(Named::Everyone),
            "AWS" if is_account(&name) => Ok(Named::Account(name)),
            "AWS" => match IdentityArn::parse(&name) {
                None => Err(PolicyError::InvalidPrincipals),
                Some(arn) if arn.kind == IdentityKind::Root => {
                    Ok(Named::Account(arn.account.to_owned()))
                }
                Some(_) => Ok(Named::Identity(name)),
            },
            "Service" if is_service(&name) => Ok(Named::Service(name)),
            "Service" => Err(PolicyError::InvalidPrincipals),
            "Federated" | "CanonicalUser" => Ok(Named::Elsewhere),
            _ => Err(PolicyError::syntax(format!(
                "{kind} is no kind of principal"
            ))),
        }
    }

    fn naming(&self, principal: &Principal) -> Naming {
        let directly = match (self, &principal.kind) {
            (Named::Everyone, _) => true,
            (Named::Account(_), PrincipalKind::Service { .. }) | (Named::Elsewhere, _) => false,
            (Named::Account(account), kind) if *account == principal.account => {
                return match kind {
                    PrincipalKind::Root => Naming::Directly,
                    _ => Naming::ByAccount,
                };
            }
            (Named::Account(_), _) => false,
            (Named::Identity(arn), _) => *arn == principal.arn || *arn == principal.policy_arn(),
            (Named::Service(wanted), PrincipalKind::Service { name }) => wanted == name,
            (Named::Service(_), _) => false,
        };
        if directly {
            Naming::Directly
        } else {
            Naming::Not
        }
    }
}

/// Every name that a principal goes by.
fn names_of(principal: &Principal) -> Vec<Named> {
    let account = || Named::Account(principal.account.clone());
    let identity = |arn: &str| Named::Identity(arn.to_owned());
    match &principal.kind {
        PrincipalKind::Root => vec![account()],
        PrincipalKind::User { .. } | PrincipalKind::FederatedUser => {
            vec![identity(&principal.arn), account()]
        }
        PrincipalKind::RoleSession { role_arn } => {
            vec![identity(&principal.arn), identity(role_arn), account()]
        }
        PrincipalKind::Service { name } => vec![Named::Service(name.clone())],
    }
}
