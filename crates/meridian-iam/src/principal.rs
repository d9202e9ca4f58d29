//! Who asks: an account itself, a user, a session of a role, a service.

/// What kind of identity a principal is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrincipalKind {
    /// The account itself.
    Root,
    /// An IAM user.
    User {
        /// Without path.
        name: String,
    },
    /// Somebody who has assumed a role.
    RoleSession {
        /// The role's ARN, with its path.
        role_arn: String,
    },
    /// A federated user session of the token service.
    FederatedUser,
    /// An AWS service, such as `s3.amazonaws.com`.
    Service {
        /// The service's name.
        name: String,
    },
}

/// An identity that can make requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Twelve digits; empty for a service.
    pub account: String,
    /// The ARN under which it is logged; for a service, its name.
    pub arn: String,
    /// What it is.
    pub kind: PrincipalKind,
}

/// An ARN that names no identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not the ARN of a root, user, role, role session or federated user")]
pub struct UnknownPrincipal(String);

impl Principal {
    /// Reads an ARN or the name of a service.
    ///
    /// The ARN of a session lacks the path of its role: [`Principal::in_role`]
    /// adds it. The ARN of a role stands for any session of it.
    ///
    /// # Errors
    /// It names no identity.
    pub fn parse(arn: &str) -> Result<Principal, UnknownPrincipal> {
        let unknown = || UnknownPrincipal(arn.to_owned());
        if is_service(arn) {
            return Ok(Principal {
                account: String::new(),
                arn: arn.to_owned(),
                kind: PrincipalKind::Service {
                    name: arn.to_owned(),
                },
            });
        }
        let identity = IdentityArn::parse(arn).ok_or_else(unknown)?;
        let kind = match identity.kind {
            IdentityKind::Root => PrincipalKind::Root,
            IdentityKind::User => PrincipalKind::User {
                name: identity.name.rsplit('/').next().unwrap_or_default().into(),
            },
            IdentityKind::Role => PrincipalKind::RoleSession {
                role_arn: arn.to_owned(),
            },
            IdentityKind::RoleSession => {
                let (role, _) = identity.name.split_once('/').ok_or_else(unknown)?;
                let (partition, account) = (identity.partition, identity.account);
                PrincipalKind::RoleSession {
                    role_arn: format!("arn:{partition}:iam::{account}:role/{role}"),
                }
            }
            IdentityKind::FederatedUser => PrincipalKind::FederatedUser,
        };
        Ok(Principal {
            account: identity.account.to_owned(),
            arn: arn.to_owned(),
            kind,
        })
    }

    /// The same session, of the role with this ARN.
    #[must_use]
    pub fn in_role(mut self, arn: &str) -> Principal {
        self.kind = PrincipalKind::RoleSession {
            role_arn: arn.to_owned(),
        };
        self
    }

    /// What policies call it: a session goes by the ARN of its role.
    pub fn policy_arn(&self) -> &str {
        match &self.kind {
            PrincipalKind::RoleSession { role_arn } => role_arn,
            PrincipalKind::Root
            | PrincipalKind::User { .. }
            | PrincipalKind::FederatedUser
            | PrincipalKind::Service { .. } => &self.arn,
        }
    }

    /// The value of a condition key, in lower case, that follows from who asks.
    pub(crate) fn condition(&self, key: &str) -> Option<&str> {
        let service = match &self.kind {
            PrincipalKind::Service { name } => Some(name.as_str()),
            _ => None,
        };
        match (key, &self.kind) {
            ("aws:principalisawsservice", _) => {
                Some(if service.is_some() { "true" } else { "false" })
            }
            ("aws:principalservicename", _) => service,
            ("aws:principaltype", PrincipalKind::Root) => Some("Account"),
            ("aws:principaltype", PrincipalKind::User { .. }) => Some("User"),
            ("aws:principaltype", PrincipalKind::RoleSession { .. }) => Some("AssumedRole"),
            ("aws:principaltype", PrincipalKind::FederatedUser) => Some("FederatedUser"),
            ("aws:username", PrincipalKind::User { name }) => Some(name),
            ("aws:userid", PrincipalKind::Root) => Some(&self.account),
            (_, PrincipalKind::Service { .. }) => None,
            ("aws:principalarn", _) => Some(self.policy_arn()),
            ("aws:principalaccount" | "kms:calleraccount", _) => Some(&self.account),
            _ => None,
        }
    }
}

/// What the ARN of an identity names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum IdentityKind {
    Root,
    User,
    Role,
    RoleSession,
    FederatedUser,
}

/// An ARN of the identity or the token service, taken apart.
pub(crate) struct IdentityArn<'a> {
    pub(crate) partition: &'a str,
    pub(crate) account: &'a str,
    pub(crate) kind: IdentityKind,
    /// With its path; empty for the root.
    pub(crate) name: &'a str,
}

impl<'a> IdentityArn<'a> {
    pub(crate) fn parse(arn: &'a str) -> Option<IdentityArn<'a>> {
        let mut parts = arn.splitn(6, ':');
        let mut next = || parts.next();
        let (scheme, partition, service) = (next()?, next()?, next()?);
        let (region, account, resource) = (next()?, next()?, next()?);
        if scheme != "arn"
            || !["aws", "aws-cn", "aws-us-gov"].contains(&partition)
            || !region.is_empty()
            || !is_account(account)
        {
            return None;
        }
        let (kind, name) = match (service, resource.split_once('/')) {
            ("iam", None) if resource == "root" => (IdentityKind::Root, ""),
            ("iam", Some(("user", name))) => (IdentityKind::User, name),
            ("iam", Some(("role", name))) => (IdentityKind::Role, name),
            ("sts", Some(("assumed-role", name))) => (IdentityKind::RoleSession, name),
            ("sts", Some(("federated-user", name))) => (IdentityKind::FederatedUser, name),
            _ => return None,
        };
        let named = |part: &str| !part.is_empty() && part.bytes().all(is_of_name);
        let parts = name.split('/').count();
        let whole = match kind {
            IdentityKind::Root => true,
            IdentityKind::RoleSession => parts == 2 && name.split('/').all(named),
            IdentityKind::FederatedUser => parts == 1 && named(name),
            IdentityKind::User | IdentityKind::Role => name.split('/').all(named),
        };
        whole.then_some(IdentityArn {
            partition,
            account,
            kind,
            name,
        })
    }
}

/// IAM's names are of letters, digits and `+=,.@_-`; no wildcard among them.
fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte)
}

/// Twelve digits.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A name such as `s3.amazonaws.com`.
pub(crate) fn is_service(text: &str) -> bool {
    let of_name = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    let name = text
        .strip_suffix(".amazonaws.com")
        .or_else(|| text.strip_suffix(".amazonaws.com.cn"))
        .or_else(|| text.strip_suffix(".aws.internal"));
    name.is_some_and(|name| !name.is_empty() && name.bytes().all(of_name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_told_apart_by_their_arns() {
        let kind = |arn: &str| Principal::parse(arn).unwrap().kind;
        assert_eq!(kind("arn:aws:iam::111122223333:root"), PrincipalKind::Root);
        let ann = PrincipalKind::User { name: "ann".into() };
        assert_eq!(kind("arn:aws:iam::111122223333:user/team/ann"), ann);
        let ops = PrincipalKind::RoleSession {
            role_arn: "arn:aws:iam::111122223333:role/ops".into(),
        };
        assert_eq!(kind("arn:aws:sts::111122223333:assumed-role/ops/ann"), ops);
        let s3 = PrincipalKind::Service {
            name: "s3.amazonaws.com".into(),
        };
        assert_eq!(kind("s3.amazonaws.com"), s3);
    }

    #[test]
    fn other_arns_are_nobody() {
        for arn in [
            "",
            "*",
            "arn:aws:iam::111122223333:user/*",
            "arn:aws:iam::1111:root",
            "arn:aws:iam::111122223333:group/ops",
            "arn:aws:sts::111122223333:assumed-role/ops",
            "arn:aws:iam:us-east-1:111122223333:root",
            "arn:aws:iam::111122223333:user/",
        ] {
            assert!(Principal::parse(arn).is_err(), "{arn}");
        }
    }

    #[test]
    fn a_session_goes_by_the_arn_of_its_role_with_the_path() {
        let session = "arn:aws:sts::111122223333:assumed-role/ops/ann";
        let role = "arn:aws:iam::111122223333:role/team/ops";
        let principal = Principal::parse(session).unwrap().in_role(role);
        assert_eq!(principal.condition("aws:principalarn"), Some(role));
        assert_eq!(principal.arn, session);
    }
}
