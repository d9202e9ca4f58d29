//! Key policies as text. They are kept and shown, and not evaluated.

use crate::arn::{AccountId, RegionName};
use crate::error::{ErrorCode, KmsError};

/// The policy of a key that was created without one: the account may do
/// everything, as recorded on the live service.
pub(crate) fn default_text(account: AccountId, region: &RegionName) -> String {
    let partition = region.partition();
    format!(
        r#"{{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {{
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "arn:{partition}:iam::{account}:root"
    }},
    "Action" : "kms:*",
    "Resource" : "*"
  }} ]
}}"#
    )
}

/// A policy must at least be a JSON object.
pub(crate) fn check(policy: &Option<String>) -> Result<(), KmsError> {
    let Some(text) = policy else { return Ok(()) };
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text) {
        Ok(_) => Ok(()),
        Err(_) => Err(KmsError::bare(ErrorCode::MalformedPolicyDocumentException)),
    }
}
