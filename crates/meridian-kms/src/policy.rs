//! Key policies as text. They are kept and shown, and not evaluated.

use crate::arn::{AccountId, RegionName};
use crate::error::{ErrorCode, KmsError};
use crate::key::Key;

/// The name of every key's one policy.
pub(crate) const NAME: &str = "default";

/// Bytes of one key policy (AWS resource quota).
const LEN_MAX: usize = 32 * 1024;

/// The policy of a key, in its own words or the default ones.
pub(crate) fn text(key: &Key, region: &RegionName) -> String {
    let own = key.policy.clone();
    own.unwrap_or_else(|| default_text(key.key.account, region))
}

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

/// A policy must at least be a JSON object, and not too long.
pub(crate) fn check(policy: &Option<String>) -> Result<(), KmsError> {
    let Some(text) = policy else { return Ok(()) };
    if serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_err() {
        return Err(KmsError::bare(ErrorCode::MalformedPolicyDocumentException));
    }
    if text.len() > LEN_MAX {
        // fidelity: assumed, AWS's text for this quota is not recorded.
        return Err(KmsError::new(
            ErrorCode::LimitExceededException,
            format!("The key policy is longer than {LEN_MAX} bytes."),
        ));
    }
    Ok(())
}
