//! Those of a seed who can authenticate.

use std::sync::Arc;
use std::time::SystemTime;

use meridian_iam::{AccessKey, Directory, Identity, PolicyDocument, Principal, Session};
use serde_json::Value;

use crate::account::{AccessKeyText, Account, Role, RoleSession, policy_text};
use crate::reading::SeedError;
use crate::seed::Seed;

impl Seed {
    /// Everybody in it.
    ///
    /// # Errors
    /// A principal, a policy or a credential that AWS could not have.
    pub fn directory(&self) -> Result<Directory, SeedError> {
        let mut directory = Directory::new();
        for account in &self.accounts {
            let root = identity(&mut directory, &account.root_arn(), None, &[])?;
            for key in &account.root.access_keys {
                add_access_key(&mut directory, key, root.clone(), None)?;
            }
            for user in &account.users {
                let arn = account.user_arn(user);
                let user_identity = identity(&mut directory, &arn, None, &user.policies)?;
                for key in &user.access_keys {
                    add_access_key(&mut directory, key, user_identity.clone(), None)?;
                }
            }
            for role in &account.roles {
                add_role(&mut directory, account, role)?;
            }
        }
        Ok(directory)
    }
}

fn add_role(directory: &mut Directory, account: &Account, role: &Role) -> Result<(), SeedError> {
    let role_arn = account.role_arn(role);
    identity(directory, &role_arn, None, &role.policies)?;
    for session in &role.sessions {
        let arn = account.session_arn(role, session);
        let holder = identity(directory, &arn, Some(&role_arn), &role.policies)?;
        let temporary = Session {
            token: session.token.copy(),
            expires_ms: expiry(&arn, session)?,
        };
        add_access_key(directory, &session.access_key, holder, Some(temporary))?;
    }
    Ok(())
}

fn identity(
    directory: &mut Directory,
    arn: &str,
    role_arn: Option<&str>,
    policies: &[Value],
) -> Result<Arc<Identity>, SeedError> {
    let principal = Principal::parse(arn).map_err(|error| SeedError::meaning(error.to_string()))?;
    let principal = match role_arn {
        Some(role) => principal.in_role(role),
        None => principal,
    };
    if directory.identity(arn).is_some() {
        return Err(SeedError::meaning(format!("{arn} is there twice")));
    }
    let parse = |policy| PolicyDocument::parse_identity(&policy_text(policy));
    let policies: Result<Vec<PolicyDocument>, _> = policies.iter().map(parse).collect();
    let policies = policies.map_err(|error| SeedError::meaning(format!("{arn}: {error}")))?;
    Ok(directory.add(Identity {
        principal,
        policies,
    }))
}

fn add_access_key(
    directory: &mut Directory,
    key: &AccessKeyText,
    identity: Arc<Identity>,
    session: Option<Session>,
) -> Result<(), SeedError> {
    let id = &key.id;
    if !AccessKey::is_id(id) {
        let arn = &identity.principal.arn;
        return Err(SeedError::meaning(format!(
            "{arn}: an access key has a damaged ID"
        )));
    }
    let key = AccessKey::new(identity, key.secret.copy(), session);
    match directory.add_access_key(id, key) {
        true => Ok(()),
        false => Err(SeedError::meaning(format!(
            "access key {id} is there twice"
        ))),
    }
}

fn expiry(arn: &str, session: &RoleSession) -> Result<Option<i64>, SeedError> {
    let Some(text) = &session.expires else {
        return Ok(None);
    };
    let time = humantime::parse_rfc3339(text).ok();
    let since = time.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    match since.and_then(|since| i64::try_from(since.as_millis()).ok()) {
        Some(ms) => Ok(Some(ms)),
        None => Err(SeedError::meaning(format!(
            "{arn}: {text} is no time such as 2027-01-01T00:00:00Z"
        ))),
    }
}
