//! Principals as grants name them: accounts, users, roles and their sessions.

use meridian_iam::Naming;

use crate::arn::{AccountId, RegionName};
use crate::error::{ErrorCode, KmsError};
use crate::grant::Party;

/// The ARN that stands for a whole account.
pub(crate) fn root(account: AccountId, region: &RegionName) -> String {
    format!("arn:{}:iam::{account}:root", region.partition())
}

/// Reads a principal of a request; `member` is what AWS calls the field.
///
/// # Errors
/// InvalidArnException, with the texts that were recorded.
pub(crate) fn read(text: &str, member: &str, region: &RegionName) -> Result<Party, KmsError> {
    if let Ok(account) = text.parse() {
        return Ok(Party::Principal(root(account, region)));
    }
    let refused = |message: String| Err(KmsError::new(ErrorCode::InvalidArnException, message));
    if text.starts_with("arn:") {
        let Some(parts) = split(text) else {
            return refused(format!("ARN is not valid: {text}"));
        };
        return match is_principal(&parts) {
            true => Ok(Party::Principal(text.to_owned())),
            false => refused(format!("ARN does not refer to a valid principal: {text}")),
        };
    }
    // Services of one Region, as they have always stood in this field.
    if text.ends_with(".amazonaws.com") {
        return Ok(Party::Principal(text.to_owned()));
    }
    // fidelity: assumed, which of the recorded texts belongs to which field.
    match member {
        "GranteePrincipal" => {
            refused("GranteePrincipal does not refer to a valid principal.".into())
        }
        _ => refused("Input does not refer to a valid principal".into()),
    }
}

/// How a principal names the caller with this ARN: a session acts as its role, and
/// everybody in an account is of it.
pub(crate) fn naming(principal: &str, caller: &str) -> Naming {
    if caller == principal {
        return Naming::Directly;
    }
    let (Some(caller), Some(principal)) = (split(caller), split(principal)) else {
        return Naming::Not;
    };
    if caller.account != principal.account || principal.service != "iam" {
        return Naming::Not;
    }
    if principal.resource == "root" {
        return Naming::ByAccount;
    }
    let role = principal.resource.strip_prefix("role/");
    let session = caller.resource.strip_prefix("assumed-role/");
    let (Some(role), Some(session)) = (role, session) else {
        return Naming::Not;
    };
    // A role's path is not part of its sessions' ARNs.
    let role = role.rsplit_once('/').map_or(role, |(_, name)| name);
    let of_role = session
        .split_once('/')
        .is_some_and(|(name, _)| name == role);
    match caller.service == "sts" && of_role {
        true => Naming::Directly,
        false => Naming::Not,
    }
}

/// The account that a principal belongs to.
pub(crate) fn account(principal: &str) -> Option<AccountId> {
    split(principal)?.account.parse().ok()
}

struct Parts<'a> {
    service: &'a str,
    account: &'a str,
    resource: &'a str,
}

fn split(arn: &str) -> Option<Parts<'_>> {
    let mut parts = arn.splitn(6, ':');
    let (scheme, partition) = (parts.next()?, parts.next()?);
    let (service, _region) = (parts.next()?, parts.next()?);
    let (account, resource) = (parts.next()?, parts.next()?);
    let named = scheme == "arn" && partition.starts_with("aws") && !resource.is_empty();
    named.then_some(Parts {
        service,
        account,
        resource,
    })
}

fn is_principal(parts: &Parts<'_>) -> bool {
    let kinds: &[&str] = match parts.service {
        "iam" if parts.resource == "root" => return parts.account.parse::<AccountId>().is_ok(),
        "iam" => &["user/", "role/"],
        "sts" => &["assumed-role/", "federated-user/"],
        _ => return false,
    };
    let named = |kind: &&str| {
        let name = parts.resource.strip_prefix(*kind);
        name.is_some_and(|name| !name.is_empty())
    };
    parts.account.parse::<AccountId>().is_ok() && kinds.iter().any(named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::region;

    #[test]
    fn principals_are_accounts_users_roles_and_sessions() {
        let here = region("us-east-1");
        let read = |text| read(text, "GranteePrincipal", &here);
        assert_eq!(
            read("111122223333"),
            Ok(Party::Principal("arn:aws:iam::111122223333:root".into()))
        );
        for good in [
            "arn:aws:iam::111122223333:root",
            "arn:aws:iam::111122223333:user/a/b",
            "arn:aws:iam::111122223333:role/R",
            "arn:aws:sts::111122223333:assumed-role/R/s",
            "ec2.us-east-1.amazonaws.com",
        ] {
            assert_eq!(read(good), Ok(Party::Principal(good.into())));
        }
    }

    #[test]
    fn what_is_no_principal_is_refused_in_the_words_that_were_recorded() {
        let here = region("us-east-1");
        for (text, message) in [
            ("arn:aws", "ARN is not valid: arn:aws"),
            (
                "arn:aws:s3:::bucket",
                "ARN does not refer to a valid principal: arn:aws:s3:::bucket",
            ),
            (
                "arn:aws:iam::1:user/a",
                "ARN does not refer to a valid principal: arn:aws:iam::1:user/a",
            ),
            (
                "arn:aws:iam::111122223333:group/g",
                "ARN does not refer to a valid principal: arn:aws:iam::111122223333:group/g",
            ),
            (
                "bob",
                "GranteePrincipal does not refer to a valid principal.",
            ),
        ] {
            let error = read(text, "GranteePrincipal", &here).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidArnException);
            assert_eq!(error.message.as_deref(), Some(message));
        }
        let error = read("bob", "RetiringPrincipal", &here).unwrap_err();
        let message = "Input does not refer to a valid principal";
        assert_eq!(error.message.as_deref(), Some(message));
    }

    #[test]
    fn a_session_acts_as_its_role_and_anybody_is_of_the_account() {
        let session = "arn:aws:sts::111122223333:assumed-role/R/s";
        let root = "arn:aws:iam::111122223333:root";
        for (principal, caller, expected) in [
            (session, session, Naming::Directly),
            (
                "arn:aws:iam::111122223333:role/path/R",
                session,
                Naming::Directly,
            ),
            (root, root, Naming::Directly),
            (root, session, Naming::ByAccount),
            ("arn:aws:iam::999999999999:root", session, Naming::Not),
            ("arn:aws:iam::111122223333:role/S", session, Naming::Not),
            ("arn:aws:iam::999999999999:role/R", session, Naming::Not),
            ("arn:aws:iam::111122223333:role/R", root, Naming::Not),
        ] {
            assert_eq!(naming(principal, caller), expected, "{principal} {caller}");
        }
    }
}
