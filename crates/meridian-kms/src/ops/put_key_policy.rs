//! PutKeyPolicy: replaces the policy of a key in this region, in every state
//! of the key.

use meridian_proto::v1::{PutKeyPolicyRequest, PutKeyPolicyResponse};
use serde::{Deserialize, Serialize};

use crate::admission::required;
use crate::arn::KeyRef;
use crate::context::Context;
use crate::error::KmsError;
use crate::ops::{Operation, Planned};
use crate::policy;
use crate::region::Region;

const OPERATION: Operation = Operation::PutKeyPolicy;

/// The policy to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    key: KeyRef,
    policy: String,
}

/// Finds the key and checks the policy.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &PutKeyPolicyRequest,
) -> Result<Planned<Change, PutKeyPolicyResponse>, KmsError> {
    let found = region.admit(cx, OPERATION, &request.key_id)?;
    let key = found.key;
    match request.policy_name.as_deref() {
        None | Some(policy::NAME) => {}
        Some("AWS_RAM") => {
            return Err(KmsError::validation(
                "The AWS_RAM policy can only be managed by the RAM service",
            ));
        }
        // fidelity: assumed, AWS's text for another name is not recorded.
        Some(_) => return Err(KmsError::unsupported("The policy name must be default.")),
    }
    let policy = required(&request.policy)?.clone();
    let bypass = request.bypass_policy_lockout_safety_check;
    policy::check(region, cx, (&key, Some(found)), &request.policy, bypass)?;
    Ok(Planned::Commit(Change { key, policy }))
}

/// Replaces the policy.
pub fn apply(region: &mut Region, change: &Change) -> Result<PutKeyPolicyResponse, KmsError> {
    let mut key = region.readmit(OPERATION, &change.key)?;
    key.policy = Some(change.policy.clone()).into();
    region.put(key);
    Ok(PutKeyPolicyResponse {})
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::{GetKeyPolicyRequest, ListKeyPoliciesRequest, PutKeyPolicyRequest};

    use crate::fixture::{TestRegion, refusal};

    const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}]}"#;

    fn put(us: &mut TestRegion, key: &str, policy: &str) -> String {
        refusal(us.call(PutKeyPolicyRequest {
            key_id: Some(key.into()),
            policy: Some(policy.into()),
            ..Default::default()
        }))
    }

    fn get(us: &mut TestRegion, key: &str) -> String {
        let request = GetKeyPolicyRequest {
            key_id: Some(key.into()),
            ..Default::default()
        };
        let answer = us.call(request).unwrap();
        assert_eq!(answer.policy_name.as_deref(), Some("default"));
        answer.policy.unwrap()
    }

    #[test]
    fn a_policy_is_shown_as_it_was_put() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        assert!(get(&mut us, &key).contains(r#""Id" : "key-default-1""#));
        assert_eq!(put(&mut us, &key, POLICY), "success");
        assert_eq!(get(&mut us, &key), POLICY);
    }

    #[test]
    fn a_policy_can_be_put_on_a_key_pending_deletion() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        us.schedule_deletion(&key).unwrap();
        assert_eq!(put(&mut us, &key, POLICY), "success");
        assert_eq!(get(&mut us, &key), POLICY);
    }

    #[test]
    fn what_is_no_policy_and_what_is_too_long_are_refused() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        for text in ["", "[]", "{"] {
            let answer = put(&mut us, &key, text);
            assert!(answer.starts_with("MalformedPolicyDocumentException"));
        }
        let padded = |length: usize| POLICY.to_owned() + &" ".repeat(length - POLICY.len());
        assert_eq!(put(&mut us, &key, &padded(32_768)), "success");
        let answer = put(&mut us, &key, &padded(32_769));
        assert!(answer.starts_with("LimitExceededException"), "{answer}");
    }

    #[test]
    fn nobody_locks_the_account_out_without_saying_so() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        let other = POLICY.replace("111122223333", "999999999999");
        assert_eq!(
            put(&mut us, &key, &other),
            "MalformedPolicyDocumentException: The new key policy will not allow you to update \
             the key policy in the future."
        );
        let bypass = PutKeyPolicyRequest {
            key_id: Some(key.clone()),
            policy: Some(other.clone()),
            bypass_policy_lockout_safety_check: Some(true),
            ..Default::default()
        };
        assert_eq!(refusal(us.call(bypass)), "success");
        assert_eq!(get(&mut us, &key), other);
    }

    #[test]
    fn there_is_one_policy_and_it_is_the_default() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        let list = ListKeyPoliciesRequest {
            key_id: Some(key.clone()),
            ..Default::default()
        };
        let listed = us.call(list).unwrap();
        assert_eq!(listed.policy_names, ["default"]);
        assert_eq!(listed.truncated, Some(false));
        let named = |name: &str| PutKeyPolicyRequest {
            key_id: Some(key.clone()),
            policy: Some(POLICY.into()),
            policy_name: Some(name.into()),
            ..Default::default()
        };
        assert_eq!(refusal(us.call(named("default"))), "success");
        assert_eq!(
            refusal(us.call(named("AWS_RAM"))),
            "ValidationException: The AWS_RAM policy can only be managed by the RAM service"
        );
        let other = refusal(us.call(named("other")));
        assert!(other.starts_with("UnsupportedOperationException"));
        let get = GetKeyPolicyRequest {
            key_id: Some(key.clone()),
            policy_name: Some("other".into()),
        };
        assert_eq!(
            refusal(us.call(get)),
            "NotFoundException: No such policy exists"
        );
    }
}
