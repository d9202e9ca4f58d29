//! What clients of a scenario can call. A key is named by what the scenario
//! calls it (`orders`, sent as its key ID), by its ARN in a region
//! (`orders@eu-west-1`), or by an alias (`alias/orders`).

use schemars::JsonSchema;
use serde::Deserialize;

use crate::scenario::{Origin, yes};
use crate::span::Span;

/// One call.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Call {
    /// CreateKey.
    Create {
        /// What the scenario calls the key from then on.
        key: String,
        /// Where its material comes from.
        origin: Origin,
        /// Whether it can have replicas.
        #[serde(default = "yes")]
        multi_region: bool,
    },
    /// CreateAlias.
    CreateAlias {
        /// Begins with `alias/`.
        alias: String,
        /// The key.
        key: String,
    },
    /// ReplicateKey.
    Replicate {
        /// The key.
        key: String,
        /// The region of the new replica.
        to: String,
    },
    /// UpdatePrimaryRegion.
    Move {
        /// The key.
        key: String,
        /// The region of the new primary.
        to: String,
    },
    /// GetParametersForImport and ImportKeyMaterial.
    Import {
        /// The key.
        key: String,
        /// Which bytes: equal numbers are equal bytes.
        material: u64,
        /// AWS's `ImportType`.
        #[serde(rename = "as")]
        import_type: ImportType,
        /// When the material expires; never when left out.
        #[serde(default)]
        expires_after: Option<Span>,
    },
    /// DeleteImportedKeyMaterial.
    DeleteMaterial {
        /// The key.
        key: String,
        /// The material; the current one when left out.
        #[serde(default)]
        material: Option<u64>,
    },
    /// RotateKeyOnDemand.
    Rotate {
        /// The key.
        key: String,
    },
    /// EnableKeyRotation.
    EnableRotation {
        /// The key.
        key: String,
    },
    /// DisableKeyRotation.
    DisableRotation {
        /// The key.
        key: String,
    },
    /// EnableKey.
    Enable {
        /// The key.
        key: String,
    },
    /// DisableKey.
    Disable {
        /// The key.
        key: String,
    },
    /// ScheduleKeyDeletion.
    Schedule {
        /// The key.
        key: String,
        /// AWS's `PendingWindowInDays`.
        #[serde(default = "seven")]
        days: i32,
    },
    /// CancelKeyDeletion.
    Cancel {
        /// The key.
        key: String,
    },
    /// Encrypt.
    Encrypt {
        /// The key.
        key: String,
        /// What the scenario calls the ciphertext; its text is this name, too.
        #[serde(rename = "as")]
        ciphertext: String,
        /// The account that calls, which names the key by its ARN; the key's own
        /// when left out.
        #[serde(default)]
        by: Option<String>,
        /// The grant whose token goes along.
        #[serde(default)]
        token: Option<String>,
    },
    /// CreateGrant, for the operation Encrypt.
    Grant {
        /// The key.
        key: String,
        /// The account that may encrypt then: twelve digits.
        to: String,
        /// What the scenario calls the grant.
        #[serde(rename = "as")]
        grant: String,
    },
    /// Decrypt.
    Decrypt {
        /// The ciphertext.
        ciphertext: String,
        /// The key that the call names; none when left out.
        #[serde(default)]
        key: Option<String>,
    },
    /// DescribeKey.
    Describe {
        /// The key.
        key: String,
    },
}

fn seven() -> i32 {
    7
}

/// AWS's `ImportType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportType {
    /// `NEW_KEY_MATERIAL`: the set does not have it yet.
    New,
    /// `EXISTING_KEY_MATERIAL`: the set knows its ID.
    Existing,
}

impl Call {
    /// The key that it names, if it names one.
    pub fn key(&self) -> Option<&str> {
        match self {
            Call::Create { key, .. }
            | Call::CreateAlias { key, .. }
            | Call::Replicate { key, .. }
            | Call::Move { key, .. }
            | Call::Import { key, .. }
            | Call::DeleteMaterial { key, .. }
            | Call::Rotate { key }
            | Call::EnableRotation { key }
            | Call::DisableRotation { key }
            | Call::Enable { key }
            | Call::Disable { key }
            | Call::Schedule { key, .. }
            | Call::Cancel { key }
            | Call::Encrypt { key, .. }
            | Call::Grant { key, .. }
            | Call::Describe { key } => Some(key),
            Call::Decrypt { key, .. } => key.as_deref(),
        }
    }

    /// AWS's name of the operation.
    pub fn operation(&self) -> &'static str {
        match self {
            Call::Create { .. } => "CreateKey",
            Call::CreateAlias { .. } => "CreateAlias",
            Call::Replicate { .. } => "ReplicateKey",
            Call::Move { .. } => "UpdatePrimaryRegion",
            Call::Import { .. } => "ImportKeyMaterial",
            Call::DeleteMaterial { .. } => "DeleteImportedKeyMaterial",
            Call::Rotate { .. } => "RotateKeyOnDemand",
            Call::EnableRotation { .. } => "EnableKeyRotation",
            Call::DisableRotation { .. } => "DisableKeyRotation",
            Call::Enable { .. } => "EnableKey",
            Call::Disable { .. } => "DisableKey",
            Call::Schedule { .. } => "ScheduleKeyDeletion",
            Call::Cancel { .. } => "CancelKeyDeletion",
            Call::Encrypt { .. } => "Encrypt",
            Call::Grant { .. } => "CreateGrant",
            Call::Decrypt { .. } => "Decrypt",
            Call::Describe { .. } => "DescribeKey",
        }
    }

    /// What it is about, for people: `material 2 of orders`.
    pub fn about(&self) -> String {
        match self {
            Call::Replicate { key, to } | Call::Move { key, to } => format!("{key} to {to}"),
            Call::Import { key, material, .. }
            | Call::DeleteMaterial {
                key,
                material: Some(material),
            } => format!("material {material} of {key}"),
            Call::CreateAlias { alias, key } => format!("{alias} of {key}"),
            Call::Encrypt {
                key,
                ciphertext,
                by,
                token,
            } => {
                let by = by.as_ref().map(|it| format!(" by {it}"));
                let token = token.as_ref().map(|it| format!(" with the token of {it}"));
                let (by, token) = (by.unwrap_or_default(), token.unwrap_or_default());
                format!("{ciphertext} under {key}{by}{token}")
            }
            Call::Grant { key, to, grant } => format!("{grant} of {key} for {to}"),
            Call::Decrypt {
                ciphertext,
                key: Some(key),
            } => format!("{ciphertext} under {key}"),
            Call::Decrypt { ciphertext, .. } => ciphertext.clone(),
            _ => self.key().unwrap_or_default().to_owned(),
        }
    }
}

/// How a call names a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyName<'a> {
    /// By its key ID.
    Id(&'a str),
    /// By its ARN in a region.
    Arn {
        /// What the scenario calls it.
        key: &'a str,
        /// The region in the ARN.
        region: &'a str,
    },
    /// By an alias.
    Alias(&'a str),
}

impl KeyName<'_> {
    /// Reads one.
    pub fn of(text: &str) -> KeyName<'_> {
        match text.split_once('@') {
            _ if text.starts_with("alias/") => KeyName::Alias(text),
            Some((key, region)) => KeyName::Arn { key, region },
            None => KeyName::Id(text),
        }
    }
}
