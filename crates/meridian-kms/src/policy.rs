//! Key policies: the default one, what a key says by its own, and what a
//! request may put.

use meridian_iam::PolicyDocument;

use crate::arn::{AccountId, KeyRef, RegionName};
use crate::context::Context;
use crate::error::{ErrorCode, KmsError};
use crate::key::Key;
use crate::region::Region;

/// The name of every key's one policy.
pub(crate) const NAME: &str = "default";

/// Bytes of one key policy (AWS resource quota).
const LEN_MAX: usize = 32 * 1024;

/// The policy of a key, in its own words or the default ones.
pub(crate) fn text(key: &Key, region: &RegionName) -> String {
    let own = key.policy.text().map(str::to_owned);
    own.unwrap_or_else(|| default_text(key.key.account, region))
}

/// What the policy of a key says.
pub(crate) fn document<'k>(key: &'k Key, region: &RegionName) -> Option<&'k PolicyDocument> {
    let default = || default_text(key.key.account, region);
    key.policy.document(default)
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

/// Checks a policy that a request would put on a key: its grammar, its length,
/// and that the caller can put another one afterwards, unless it says that it
/// knows what it is doing. A key that is only being made is not there yet.
pub(crate) fn check(
    region: &Region,
    cx: &Context<'_>,
    (key, found): (&KeyRef, Option<&Key>),
    policy: &Option<String>,
    bypass: Option<bool>,
) -> Result<(), KmsError> {
    let Some(text) = policy else { return Ok(()) };
    let malformed = |message| KmsError::new(ErrorCode::MalformedPolicyDocumentException, message);
    let document = PolicyDocument::parse(text).map_err(|error| malformed(error.to_string()))?;
    if text.len() > LEN_MAX {
        // fidelity: assumed, AWS's text for this quota is not recorded.
        return Err(KmsError::new(
            ErrorCode::LimitExceededException,
            format!("The key policy is longer than {LEN_MAX} bytes."),
        ));
    }
    let arn = key.arn(region.name());
    if bypass == Some(true) || region.may_put_policy(cx, (&arn, found), &document) {
        return Ok(());
    }
    let message = "The new key policy will not allow you to update the key policy in the future.";
    Err(malformed(message.into()))
}
