//! Grants as they are made, used by another account and handed on.

use meridian_proto::v1::*;

use crate::fixture::{TestRegion, refusal};
use crate::grant::GrantId;
use crate::key::Key;

const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
const OTHER: &str = "999999999999";

fn request(key: &str, operations: &[&str]) -> CreateGrantRequest {
    CreateGrantRequest {
        key_id: Some(key.into()),
        grantee_principal: Some(ALICE.into()),
        operations: operations.iter().map(|it| (*it).into()).collect(),
        ..Default::default()
    }
}

fn listed(us: &mut TestRegion, key: &str) -> Vec<GrantListEntry> {
    let request = ListGrantsRequest {
        key_id: Some(key.into()),
        ..Default::default()
    };
    us.call(request).unwrap().grants
}

/// Encrypts a text as another account, by the key's ARN.
fn encrypt_elsewhere(
    us: &mut TestRegion,
    key: &str,
    adjust: impl FnOnce(&mut EncryptRequest),
) -> String {
    let arn = us.arn(key);
    let own = std::mem::replace(&mut us.caller.account, OTHER.parse().unwrap());
    let principal = format!("arn:aws:iam::{OTHER}:user/bob");
    let alice = std::mem::replace(&mut us.caller.principal, principal);
    let mut request = EncryptRequest {
        key_id: Some(arn),
        plaintext: Some("hello".into()),
        ..Default::default()
    };
    adjust(&mut request);
    let answer = refusal(us.call(request));
    us.caller.account = own;
    us.caller.principal = alice;
    answer
}

fn denied() -> String {
    format!(
        "AccessDeniedException: User: arn:aws:iam::{OTHER}:user/bob is not authorized to perform: \
         kms:Encrypt on this resource because no identity-based policy allows the kms:Encrypt \
         action"
    )
}

fn to_bob(key: &str, operations: &[&str]) -> CreateGrantRequest {
    CreateGrantRequest {
        grantee_principal: Some(format!("arn:aws:iam::{OTHER}:user/bob")),
        ..request(key, operations)
    }
}

#[test]
fn a_grant_is_listed_as_it_was_made() {
    let mut us = TestRegion::new("us-east-1");
    let key = us.create();
    us.pass(1_234);
    let made = us
        .call(CreateGrantRequest {
            name: Some("mine".into()),
            retiring_principal: Some("111122223333".into()),
            constraints: Some(GrantConstraints {
                encryption_context_subset: [("a".to_owned(), "1".to_owned())].into(),
                ..Default::default()
            }),
            ..request(&key, &["Decrypt", "Encrypt", "Decrypt"])
        })
        .unwrap();
    let [grant] = &listed(&mut us, &key)[..] else {
        panic!("one grant");
    };
    assert_eq!(grant.key_id, Some(us.arn(&key)));
    assert_eq!(grant.grant_id, made.grant_id);
    assert_eq!(grant.name.as_deref(), Some("mine"));
    assert_eq!(grant.creation_date.unwrap().nanos, 0);
    assert_eq!(grant.grantee_principal.as_deref(), Some(ALICE));
    let root = Some("arn:aws:iam::111122223333:root");
    assert_eq!(grant.retiring_principal.as_deref(), root);
    assert_eq!(grant.issuing_account.as_deref(), root);
    assert_eq!(grant.operations, ["Decrypt", "Encrypt"]);
    let constraints = grant.constraints.as_ref().unwrap();
    assert_eq!(constraints.encryption_context_subset["a"], "1");
}

#[test]
fn a_name_makes_a_repeated_request_return_the_same_grant() {
    let mut us = TestRegion::new("us-east-1");
    let key = us.create();
    let named = |operations: &[&str]| CreateGrantRequest {
        name: Some("mine".into()),
        ..request(&key, operations)
    };
    let first = us.call(named(&["Encrypt"])).unwrap();
    us.pass_days(1);
    let again = us.call(named(&["Encrypt"])).unwrap();
    assert_eq!(first.grant_id, again.grant_id);
    assert_ne!(first.grant_token, again.grant_token);
    let other = us.call(named(&["Decrypt"])).unwrap();
    assert_ne!(first.grant_id, other.grant_id, "another request");
    let nameless = us.call(request(&key, &["Encrypt"])).unwrap();
    assert_ne!(
        nameless.grant_id,
        us.call(request(&key, &["Encrypt"])).unwrap().grant_id
    );
    assert_eq!(listed(&mut us, &key).len(), 4);
}

#[test]
fn operations_and_constraints_have_to_fit_the_key() {
    let mut us = TestRegion::new("us-east-1");
    let key = us.create();
    assert_eq!(
        refusal(us.call(request(&key, &["Encrypt", "Sign", "GetPublicKey"]))),
        "ValidationException: Operations [Sign, GetPublicKey] are not supported when creating a \
         grant for a symmetric KMS key with key usage ENCRYPT_DECRYPT. Valid operations are \
         [CreateGrant, RetireGrant, DescribeKey, Encrypt, Decrypt, ReEncryptFrom, ReEncryptTo, \
         GenerateDataKey, GenerateDataKeyWithoutPlaintext, GenerateDataKeyPair, \
         GenerateDataKeyPairWithoutPlaintext]"
    );
    let pair = || [("a".to_owned(), "1".to_owned())].into();
    let mut both = request(&key, &["Encrypt"]);
    both.constraints = Some(GrantConstraints {
        encryption_context_subset: pair(),
        encryption_context_equals: pair(),
        ..Default::default()
    });
    assert!(refusal(us.call(both)).starts_with("ValidationException"));
}

#[test]
fn the_state_of_the_key_is_looked_at_and_a_dry_run_makes_nothing() {
    let mut us = TestRegion::new("us-east-1");
    let key = us.create();
    let mut dry = request(&key, &["Encrypt"]);
    dry.dry_run = Some(true);
    assert!(refusal(us.call(dry.clone())).starts_with("DryRunOperationException"));
    us.disable(&key).unwrap();
    assert!(refusal(us.call(dry)).starts_with("DisabledException"));
    assert!(listed(&mut us, &key).is_empty());
}

#[test]
fn another_account_uses_a_key_by_a_grant_and_only_so() {
    let mut us = TestRegion::new("us-east-1");
    let key = us.create();
    assert_eq!(encrypt_elsewhere(&mut us, &key, |_| {}), denied());
    let grant = us.call(to_bob(&key, &["Decrypt"])).unwrap();
    assert_eq!(encrypt_elsewhere(&mut us, &key, |_| {}), denied());
    us.call(to_bob(&key, &["Encrypt"])).unwrap();
    assert_eq!(encrypt_elsewhere(&mut us, &key, |_| {}), "success");
    let blob = us.encrypt(&key, "hello").unwrap();
    us.caller.account = OTHER.parse().unwrap();
    us.caller.principal = format!("arn:aws:iam::{OTHER}:user/bob");
    assert_eq!(
        us.decrypt(&blob).unwrap(),
        "hello",
        "without naming the key"
    );
    us.caller.principal = format!("arn:aws:iam::{OTHER}:user/eve");
    assert!(refusal(us.decrypt(&blob)).contains("does not exist in this region"));
    us.caller.account = "111122223333".parse().unwrap();
    us.caller.principal = ALICE.into();
    us.call(RevokeGrantRequest {
        key_id: Some(key.clone()),
        grant_id: grant.grant_id,
        ..Default::default()
    })
    .unwrap();
    assert_eq!(listed(&mut us, &key).len(), 1);
}

#[test]
fn constraints_have_to_be_met() {
    let mut us = TestRegion::new("us-east-1");
    let key = us.create();
    let mut grant = to_bob(&key, &["Encrypt"]);
    grant.constraints = Some(GrantConstraints {
        encryption_context_equals: [("a".to_owned(), "1".to_owned())].into(),
        ..Default::default()
    });
    us.call(grant).unwrap();
    assert_eq!(encrypt_elsewhere(&mut us, &key, |_| {}), denied());
    let answer = encrypt_elsewhere(&mut us, &key, |request| {
        request.encryption_context.insert("a".into(), "1".into());
    });
    assert_eq!(answer, "success");
}

#[test]
fn a_grant_spreads_and_its_token_works_at_once() {
    let mut us = TestRegion::new("us-east-1");
    let key = us.create();
    us.spread_grants = Some(us.region.clone());
    let token = us.call(to_bob(&key, &["Encrypt"])).unwrap().grant_token;
    let with_token = |request: &mut EncryptRequest| request.grant_tokens.extend(token.clone());
    assert_eq!(encrypt_elsewhere(&mut us, &key, |_| {}), denied());
    assert_eq!(encrypt_elsewhere(&mut us, &key, with_token), "success");
    us.spread_grants = Some(us.region.clone());
    assert_eq!(encrypt_elsewhere(&mut us, &key, |_| {}), "success");
}

#[test]
fn a_retired_grant_works_until_its_end_has_spread() {
    let mut us = TestRegion::new("us-east-1");
    let key = us.create();
    let grant_id = us.call(to_bob(&key, &["Encrypt"])).unwrap().grant_id;
    us.spread_grants = Some(us.region.clone());
    us.call(RevokeGrantRequest {
        key_id: Some(key.clone()),
        grant_id,
        ..Default::default()
    })
    .unwrap();
    assert_eq!(encrypt_elsewhere(&mut us, &key, |_| {}), "success");
    us.spread_grants = None;
    assert_eq!(encrypt_elsewhere(&mut us, &key, |_| {}), denied());
}

#[test]
fn a_token_that_names_no_grant_is_refused() {
    let mut us = TestRegion::new("us-east-1");
    let key = us.create();
    let made = us.call(request(&key, &["Encrypt"])).unwrap();
    let encrypt = |token: &str| EncryptRequest {
        key_id: Some(key.clone()),
        plaintext: Some("hello".into()),
        grant_tokens: vec![token.into()],
        ..Default::default()
    };
    let token = made.grant_token.unwrap();
    assert_eq!(refusal(us.call(encrypt(&token))), "success");
    assert_eq!(
        refusal(us.call(encrypt("token"))),
        "InvalidGrantTokenException"
    );
    us.call(RevokeGrantRequest {
        key_id: Some(key.clone()),
        grant_id: made.grant_id,
        ..Default::default()
    })
    .unwrap();
    assert_eq!(
        refusal(us.call(encrypt(&token))),
        "InvalidGrantTokenException"
    );
}

#[test]
fn grants_are_handed_on_only_by_those_who_may_and_only_in_part() {
    let mut us = TestRegion::new("us-east-1");
    let key = us.create();
    us.call(to_bob(&key, &["CreateGrant", "Encrypt"])).unwrap();
    let child = |operations: &[&str], arn: &str| CreateGrantRequest {
        grantee_principal: Some(format!("arn:aws:iam::{OTHER}:user/eve")),
        ..request(arn, operations)
    };
    let arn = us.arn(&key);
    us.caller.account = OTHER.parse().unwrap();
    us.caller.principal = format!("arn:aws:iam::{OTHER}:user/bob");
    assert_eq!(refusal(us.call(child(&["Encrypt"], &arn))), "success");
    let more = refusal(us.call(child(&["Encrypt", "Decrypt"], &arn)));
    assert!(more.starts_with("AccessDeniedException"), "{more}");
}

#[test]
fn grants_go_with_their_key() {
    let mut us = TestRegion::new("us-east-1");
    let key = us.create();
    let mut grant = request(&key, &["Encrypt"]);
    grant.retiring_principal = Some(ALICE.into());
    let token = us.call(grant).unwrap().grant_token;
    us.schedule_deletion(&key).unwrap();
    assert_eq!(listed(&mut us, &key).len(), 1);
    us.pass_days(8);
    let retirable = ListRetirableGrantsRequest {
        retiring_principal: Some(ALICE.into()),
        ..Default::default()
    };
    assert!(us.call(retirable).unwrap().grants.is_empty());
    let retire = RetireGrantRequest {
        grant_token: token,
        ..Default::default()
    };
    assert_eq!(refusal(us.call(retire)), "InvalidGrantTokenException");
}

#[test]
fn a_key_has_at_most_50_000_grants_and_the_same_one_is_made_again() {
    let mut us = TestRegion::new("us-east-1");
    let key = us.create();
    let named = |name: &str| CreateGrantRequest {
        name: Some(name.into()),
        ..request(&key, &["Decrypt"])
    };
    let first = us.call(named("first")).unwrap();
    let mut full = Key::clone(us.region.key(&us.reference(&key)).unwrap());
    let grant = full.grants.values().next().unwrap().clone();
    for number in 1..50_000_u32 {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&number.to_be_bytes());
        full.grants.insert(GrantId(id), grant.clone());
    }
    us.region.put(full.clone());
    us.shadow.put(full);
    let refused = refusal(us.call(named("one too many")));
    assert_eq!(
        refused,
        "LimitExceededException: The key has the maximum number of grants (50000)."
    );
    let again = us.call(named("first")).unwrap();
    assert_eq!(again.grant_id, first.grant_id);
    us.call(RevokeGrantRequest {
        key_id: Some(key.clone()),
        grant_id: first.grant_id,
        ..Default::default()
    })
    .unwrap();
    us.call(named("one too many")).unwrap();
}
