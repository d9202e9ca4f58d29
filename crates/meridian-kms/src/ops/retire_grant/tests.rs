//! Who ends grants, and how lists of them are walked.

use meridian_proto::v1::*;

use crate::fixture::{TestRegion, refusal};

const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
const OTHER: &str = "999999999999";

fn grant(us: &mut TestRegion, key: &str, operations: &[&str]) -> CreateGrantResponse {
    us.call(CreateGrantRequest {
        key_id: Some(key.into()),
        grantee_principal: Some(format!("arn:aws:iam::{OTHER}:user/bob")),
        retiring_principal: Some(format!("arn:aws:iam::{OTHER}:role/Cleaner")),
        operations: operations.iter().map(|it| (*it).into()).collect(),
        ..Default::default()
    })
    .unwrap()
}

fn by_token(made: &CreateGrantResponse) -> RetireGrantRequest {
    RetireGrantRequest {
        grant_token: made.grant_token.clone(),
        ..Default::default()
    }
}

fn become_elsewhere(us: &mut TestRegion, principal: &str) {
    us.caller.account = OTHER.parse().unwrap();
    us.caller.principal = principal.into();
}

#[test]
fn the_account_that_made_a_grant_may_retire_it() {
    let mut us = TestRegion::new("us-east-1");
    let key = us.create();
    let made = grant(&mut us, &key, &["Encrypt"]);
    let by_id = RetireGrantRequest {
        key_id: Some(us.arn(&key)),
        grant_id: made.grant_id.clone(),
        ..Default::default()
    };
    let mut dry = by_id.clone();
    dry.dry_run = Some(true);
    assert!(refusal(us.call(dry)).starts_with("DryRunOperationException"));
    assert_eq!(refusal(us.call(by_id.clone())), "success");
    let id = made.grant_id.clone().unwrap();
    assert_eq!(
        refusal(us.call(by_id)),
        format!("NotFoundException: Grant ID {id} not found")
    );
    assert_eq!(
        refusal(us.call(by_token(&made))),
        "InvalidGrantTokenException"
    );
}

#[test]
fn the_retiring_principal_may_and_the_grantee_only_if_the_grant_says_so() {
    let mut us = TestRegion::new("us-east-1");
    let key = us.create();
    let one = grant(&mut us, &key, &["Encrypt"]);
    let two = grant(&mut us, &key, &["Encrypt", "RetireGrant"]);
    let session = format!("arn:aws:sts::{OTHER}:assumed-role/Cleaner/x");
    become_elsewhere(&mut us, &format!("arn:aws:iam::{OTHER}:user/bob"));
    let denied = refusal(us.call(by_token(&one)));
    assert!(denied.starts_with("AccessDeniedException"), "{denied}");
    assert_eq!(refusal(us.call(by_token(&two))), "success");
    become_elsewhere(&mut us, &session);
    assert_eq!(refusal(us.call(by_token(&one))), "success");
}

#[test]
fn a_grant_is_named_completely_and_once() {
    let mut us = TestRegion::new("us-east-1");
    let key = us.create();
    let made = grant(&mut us, &key, &["Encrypt"]);
    let mut double = by_token(&made);
    double.key_id = Some(key.clone());
    let half = RetireGrantRequest {
        key_id: Some(key.clone()),
        ..Default::default()
    };
    for request in [double, half, RetireGrantRequest::default()] {
        assert!(refusal(us.call(request)).starts_with("ValidationException"));
    }
    let malformed = RetireGrantRequest {
        key_id: Some(key),
        grant_id: Some("x".into()),
        ..Default::default()
    };
    assert_eq!(refusal(us.call(malformed)), "InvalidGrantIdException");
}

#[test]
fn retirable_grants_are_listed_over_all_keys_page_by_page() {
    let mut us = TestRegion::new("us-east-1");
    let keys = [us.create(), us.create()];
    for key in &keys {
        for operation in ["Encrypt", "Decrypt"] {
            us.call(CreateGrantRequest {
                key_id: Some(key.clone()),
                grantee_principal: Some(ALICE.into()),
                retiring_principal: Some(ALICE.into()),
                operations: vec![operation.into()],
                ..Default::default()
            })
            .unwrap();
        }
    }
    grant(&mut us, &keys[0], &["Encrypt"]);
    let mut list = |principal: &str, marker| {
        us.call(ListRetirableGrantsRequest {
            retiring_principal: Some(principal.into()),
            limit: Some(3),
            marker,
            ..Default::default()
        })
    };
    let first = list(ALICE, None).unwrap();
    assert_eq!((first.grants.len(), first.truncated), (3, Some(true)));
    let second = list(ALICE, first.next_marker).unwrap();
    assert_eq!((second.grants.len(), second.truncated), (1, Some(false)));
    assert_eq!(
        refusal(list(ALICE, Some("%".into()))),
        "InvalidMarkerException"
    );
    let foreign = refusal(list(&format!("arn:aws:iam::{OTHER}:role/Cleaner"), None));
    assert!(foreign.starts_with("AccessDeniedException"), "{foreign}");
}

#[test]
fn grants_are_listed_page_by_page_and_by_grantee() {
    let mut us = TestRegion::new("us-east-1");
    let key = us.create();
    let one = grant(&mut us, &key, &["Encrypt"]);
    grant(&mut us, &key, &["Decrypt"]);
    let mut list = |adjust: &dyn Fn(&mut ListGrantsRequest)| {
        let mut request = ListGrantsRequest {
            key_id: Some(key.clone()),
            ..Default::default()
        };
        adjust(&mut request);
        us.call(request)
    };
    let first = list(&|it| it.limit = Some(1)).unwrap();
    let marker = first.next_marker.clone();
    let second = list(&|it| it.marker = marker.clone()).unwrap();
    assert_eq!((first.grants.len(), second.grants.len()), (1, 1));
    assert_ne!(first.grants, second.grants);
    let by_id = list(&|it| it.grant_id = one.grant_id.clone()).unwrap();
    assert_eq!(by_id.grants[0].grant_id, one.grant_id);
    let nobody = list(&|it| it.grantee_principal = Some(ALICE.into())).unwrap();
    assert!(nobody.grants.is_empty());
    let malformed = refusal(list(&|it| it.grant_id = Some("x".into())));
    assert_eq!(malformed, "InvalidGrantIdException");
}
