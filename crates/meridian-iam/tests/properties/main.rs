//! Properties of policies over drawn ones: the answer is that of a second, plain
//! reading of AWS's documentation, and no text makes the reader fail.

mod drawn;
mod reference;

use meridian_iam::{
    Conditions, Decision, Naming, PolicyDocument, Principal, Query, Reason, evaluate,
};
use proptest::prelude::*;

use drawn::{Question, bytes_near_a_policy, question};

fn answer(question: &Question) -> Decision {
    let principal = Principal::parse(&question.principal).expect("drawn principals exist");
    let principal = match &question.role_arn {
        Some(role) => principal.in_role(role),
        None => principal,
    };
    let mut conditions = Conditions::new();
    for (key, values) in &question.conditions {
        conditions.add_all(key, values.iter().map(String::as_str));
    }
    let identity = question.identity_policies.iter();
    let identity: Vec<PolicyDocument> = identity
        .map(|policy| PolicyDocument::parse_identity(&policy.to_string()).expect("well drawn"))
        .collect();
    let key = question.key_policy.as_ref();
    let key = key.map(|policy| PolicyDocument::parse(&policy.to_string()).expect("well drawn"));
    evaluate(&Query {
        principal: &principal,
        action: &question.action,
        resource: &question.resource,
        resource_account: drawn::OWNER,
        conditions: &conditions,
        identity_policies: &identity,
        key_policy: key.as_ref(),
        granted: &|| match question.granted.as_deref() {
            Some("by account") => Naming::ByAccount,
            Some(_) => Naming::Directly,
            None => Naming::Not,
        },
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_decision_is_the_one_of_the_reference(question in question()) {
        let expected = match reference::decide(&question) {
            reference::Answer::Yes => "allowed",
            reference::Answer::NoByDeny => "denied explicitly",
            reference::Answer::No => "denied",
        };
        let decision = match answer(&question) {
            Decision::Allowed => "allowed",
            Decision::Denied(Reason::KeyPolicyDenies | Reason::IdentityPolicyDenies) => {
                "denied explicitly"
            }
            Decision::Denied(Reason::NoKeyPolicy | Reason::NoIdentityPolicy) => "denied",
        };
        prop_assert_eq!(decision, expected);
    }

    #[test]
    fn no_bytes_make_the_reader_fail(bytes in bytes_near_a_policy()) {
        let text = String::from_utf8_lossy(&bytes);
        let _ = PolicyDocument::parse(&text);
        let _ = PolicyDocument::parse_identity(&text);
    }
}

#[test]
fn drawn_questions_have_every_answer() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut seen = [0; 3];
    for _ in 0..2000 {
        let question = question()
            .new_tree(&mut runner)
            .expect("nothing is filtered")
            .current();
        seen[reference::decide(&question) as usize] += 1;
    }
    assert!(seen.iter().all(|count| *count > 100), "{seen:?}");
}
