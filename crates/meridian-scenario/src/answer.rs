//! What a call came to, as far as a scenario looks at it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parts of a successful answer. In an expectation, only what is named counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Answer {
    /// The key's state: `Enabled`, `PendingImport`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_state: Option<String>,
    /// `PRIMARY` or `REPLICA`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The region of the primary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary: Option<String>,
    /// The material that was used, imported or deleted, or is current; by
    /// number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub material: Option<u64>,
    /// What was decrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Answer {
    /// Is everything that `wanted` names the same here?
    pub fn has(&self, wanted: &Answer) -> bool {
        fn same<T: PartialEq>(wanted: &Option<T>, found: &Option<T>) -> bool {
            wanted.is_none() || wanted == found
        }
        same(&wanted.key_state, &self.key_state)
            && same(&wanted.role, &self.role)
            && same(&wanted.primary, &self.primary)
            && same(&wanted.material, &self.material)
            && same(&wanted.text, &self.text)
    }

    /// For people: `Enabled, PRIMARY`; empty when nothing is known.
    pub fn words(&self) -> String {
        let primary = self.primary.as_ref().map(|it| format!("primary {it}"));
        let material = self.material.map(|it| format!("material {it}"));
        let text = self.text.as_ref().map(|it| format!("{it:?}"));
        let (state, role) = (self.key_state.clone(), self.role.clone());
        let parts = [state, role, primary, material, text];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// How a call ended for its client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CallEnd {
    /// It succeeded.
    Ok(Answer),
    /// It failed and had no effect; AWS's code, or the cluster's own.
    Error {
        /// The code.
        code: String,
        /// What the service says.
        message: String,
    },
    /// Nobody knows whether it had an effect.
    Unknown,
}

impl CallEnd {
    /// For people: `ok`, `ok (Creating)`, a code, or `unknown`.
    pub fn words(&self) -> String {
        match self {
            CallEnd::Ok(answer) => match answer.words() {
                words if words.is_empty() => "ok".into(),
                words => format!("ok ({words})"),
            },
            CallEnd::Error { code, .. } => code.clone(),
            CallEnd::Unknown => "unknown".into(),
        }
    }
}
