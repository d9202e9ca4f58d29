//! Accounts and the principals in them.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::secret_text::SecretText;

/// An AWS account.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Twelve digits, in quotes.
    #[schemars(regex(pattern = r"^\d{12}$"))]
    pub id: String,
    /// `aws`, `aws-cn` or `aws-us-gov`. Default: `aws`.
    #[serde(default = "partition_default")]
    pub partition: String,
    /// The account itself as a caller.
    #[serde(default)]
    pub root: Root,
    /// Its IAM users.
    #[serde(default)]
    pub users: Vec<User>,
    /// Its IAM roles.
    #[serde(default)]
    pub roles: Vec<Role>,
}

/// The account itself. It has no policies: it may do what a key's policy leaves
/// to the account.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Root {
    /// Lasting credentials.
    #[serde(default)]
    pub access_keys: Vec<AccessKeyText>,
}

/// An IAM user.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Unique among the users of the account.
    pub name: String,
    /// Begins and ends with `/`. Default: `/`.
    #[serde(default = "path_default")]
    pub path: String,
    /// Lasting credentials.
    #[serde(default)]
    pub access_keys: Vec<AccessKeyText>,
    /// Identity policies, as objects or as JSON text.
    #[serde(default)]
    pub policies: Vec<Value>,
}

/// An IAM role; it calls in sessions only.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Unique among the roles of the account.
    pub name: String,
    /// Begins and ends with `/`. Default: `/`.
    #[serde(default = "path_default")]
    pub path: String,
    /// Identity policies, as objects or as JSON text.
    #[serde(default)]
    pub policies: Vec<Value>,
    /// Who has assumed it.
    #[serde(default)]
    pub sessions: Vec<RoleSession>,
}

/// A session of a role, with its temporary credential.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleSession {
    /// The session's name.
    pub name: String,
    /// Its access key.
    pub access_key: AccessKeyText,
    /// The session token that comes with every request.
    pub token: SecretText,
    /// When it ends, such as `2027-01-01T00:00:00Z`; never when left out.
    #[serde(default)]
    pub expires: Option<String>,
}

/// An access key.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessKeyText {
    /// The access key ID: letters, digits and `+=.@_-`.
    pub id: String,
    /// The secret access key.
    pub secret: SecretText,
}

fn partition_default() -> String {
    "aws".into()
}

fn path_default() -> String {
    "/".into()
}

impl Account {
    /// The ARN of the account itself.
    pub fn root_arn(&self) -> String {
        let (partition, id) = (&self.partition, &self.id);
        format!("arn:{partition}:iam::{id}:root")
    }

    pub(crate) fn user_arn(&self, user: &User) -> String {
        let (partition, id) = (&self.partition, &self.id);
        format!("arn:{partition}:iam::{id}:user{}{}", user.path, user.name)
    }

    pub(crate) fn role_arn(&self, role: &Role) -> String {
        let (partition, id) = (&self.partition, &self.id);
        format!("arn:{partition}:iam::{id}:role{}{}", role.path, role.name)
    }

    pub(crate) fn session_arn(&self, role: &Role, session: &RoleSession) -> String {
        let (partition, id) = (&self.partition, &self.id);
        let (role, session) = (&role.name, &session.name);
        format!("arn:{partition}:sts::{id}:assumed-role/{role}/{session}")
    }
}

/// A policy as JSON text, however the file has it.
pub(crate) fn policy_text(policy: &Value) -> String {
    match policy {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
