//! Policies and grants at work, where they decide.

use meridian_iam::{Identity, PolicyDocument, Principal};
use meridian_proto::v1::*;

use crate::fixture::{ACCOUNT, TestRegion, refusal};
use crate::{Answer, KeyState};

const OTHER: &str = "999999999999";

fn allow(actions: &str) -> String {
    format!(r#"{{"Effect":"Allow","Action":{actions},"Resource":"*"}}"#)
}

/// From here on a user calls, with this identity policy if any.
fn become_user(us: &mut TestRegion, account: &str, name: &str, statements: &[String]) {
    let arn = format!("arn:aws:iam::{account}:user/{name}");
    let statements = statements.join(",");
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    us.caller.account = account.parse().unwrap();
    us.caller.principal = arn.clone();
    us.identity = Some(Identity {
        principal: Principal::parse(&arn).unwrap(),
        policies: vec![PolicyDocument::parse_identity(&text).unwrap()],
    });
}

fn become_root(us: &mut TestRegion) {
    let arn = format!("arn:aws:iam::{ACCOUNT}:root");
    us.caller.account = ACCOUNT.parse().unwrap();
    us.caller.principal = arn.clone();
    us.identity = Some(Identity {
        principal: Principal::parse(&arn).unwrap(),
        policies: Vec::new(),
    });
}

/// A key whose policy is the default one and these statements.
fn key_with(us: &mut TestRegion, statements: &[String]) -> String {
    become_root(us);
    let root = format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":"{ACCOUNT}"}},"Action":"kms:*","Resource":"*"}}"#
    );
    let all: Vec<String> = [root].into_iter().chain(statements.to_vec()).collect();
    let all = all.join(",");
    us.create_as(CreateKeyRequest {
        policy: Some(format!(r#"{{"Version":"2012-10-17","Statement":[{all}]}}"#)),
        ..Default::default()
    })
}

#[test]
fn the_account_leaves_it_to_identity_policies() {
    let mut us = TestRegion::new("us-east-1");
    let key = key_with(&mut us, &[]);
    let arn = us.arn(&key);
    become_user(&mut us, ACCOUNT, "bob", &[allow(r#""kms:Encrypt""#)]);
    assert_eq!(refusal(us.encrypt(&key, "x")), "success");
    assert_eq!(
        refusal(us.disable(&key)),
        format!(
            "AccessDeniedException: User: arn:aws:iam::{ACCOUNT}:user/bob is not authorized to \
             perform: kms:DisableKey on resource: {arn} because no identity-based policy allows \
             the kms:DisableKey action"
        )
    );
}

#[test]
fn a_key_policy_allows_by_itself_and_its_deny_wins() {
    let mut us = TestRegion::new("us-east-1");
    let bob = format!(r#""Principal":{{"AWS":"arn:aws:iam::{ACCOUNT}:user/bob"}}"#);
    let key = key_with(
        &mut us,
        &[
            format!(r#"{{"Effect":"Allow",{bob},"Action":"kms:*","Resource":"*"}}"#),
            format!(r#"{{"Effect":"Deny",{bob},"Action":"kms:Decrypt","Resource":"*"}}"#),
        ],
    );
    let arn = us.arn(&key);
    let blob = us.encrypt(&key, "x").unwrap();
    become_user(&mut us, ACCOUNT, "bob", &[allow(r#""s3:*""#)]);
    assert_eq!(refusal(us.encrypt(&key, "x")), "success");
    let named = DecryptRequest {
        key_id: Some(key.clone()),
        ciphertext_blob: Some(blob.into()),
        ..Default::default()
    };
    assert_eq!(
        refusal(us.call(named)),
        format!(
            "AccessDeniedException: User: arn:aws:iam::{ACCOUNT}:user/bob is not authorized to \
             perform: kms:Decrypt on resource: {arn} with an explicit deny in a resource-based \
             policy"
        )
    );
}

#[test]
fn authorization_comes_before_the_state_and_after_the_key() {
    let mut us = TestRegion::new("us-east-1");
    let key = key_with(&mut us, &[]);
    us.disable(&key).unwrap();
    become_user(&mut us, ACCOUNT, "bob", &[allow(r#""s3:*""#)]);
    assert!(refusal(us.encrypt(&key, "x")).starts_with("AccessDeniedException"));
    let unknown = "1234abcd-12ab-34cd-56ef-1234567890ab";
    assert!(refusal(us.encrypt(unknown, "x")).starts_with("NotFoundException"));
}

#[test]
fn conditions_look_at_what_is_asked() {
    let mut us = TestRegion::new("us-east-1");
    let key = key_with(&mut us, &[]);
    let only = |condition: &str| {
        vec![format!(
            r#"{{"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{{"StringEquals":{{{condition}}}}}}}"#
        )]
    };
    let encrypt = |context: &[(&str, &str)]| EncryptRequest {
        key_id: Some(key.clone()),
        plaintext: Some("x".into()),
        encryption_context: context
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect(),
        ..Default::default()
    };
    for (condition, context, allowed) in [
        (
            r#""kms:EncryptionContext:dept":"it""#,
            &[("dept", "it")][..],
            true,
        ),
        (
            r#""kms:EncryptionContext:dept":"it""#,
            &[("dept", "hr")],
            false,
        ),
        (r#""kms:EncryptionContext:dept":"it""#, &[], false),
        (
            r#""kms:EncryptionAlgorithm":"SYMMETRIC_DEFAULT""#,
            &[],
            true,
        ),
        (r#""kms:KeySpec":"SYMMETRIC_DEFAULT""#, &[], true),
        (r#""kms:KeySpec":"RSA_2048""#, &[], false),
        (r#""kms:MultiRegion":"false""#, &[], true),
        (r#""aws:RequestedRegion":"us-east-1""#, &[], true),
        (r#""kms:CallerAccount":"111122223333""#, &[], true),
        (r#""kms:RequestAlias":"alias/mine""#, &[], false),
    ] {
        become_user(&mut us, ACCOUNT, "bob", &only(condition));
        let answer = refusal(us.call(encrypt(context)));
        assert_eq!(answer == "success", allowed, "{condition}: {answer}");
    }
}

#[test]
fn tags_and_aliases_of_a_key_can_decide() {
    let mut us = TestRegion::new("us-east-1");
    let key = key_with(&mut us, &[]);
    us.call(TagResourceRequest {
        key_id: Some(key.clone()),
        tags: vec![crate::tag::tests::tag("team", "it")],
    })
    .unwrap();
    us.call(CreateAliasRequest {
        alias_name: Some("alias/mine".into()),
        target_key_id: Some(key.clone()),
    })
    .unwrap();
    for (condition, allowed) in [
        (r#""StringEquals":{"aws:ResourceTag/team":"it"}"#, true),
        (r#""StringEquals":{"aws:ResourceTag/team":"hr"}"#, false),
        (
            r#""ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/mine"}"#,
            true,
        ),
        (r#""StringEquals":{"kms:RequestAlias":"alias/mine"}"#, true),
    ] {
        let statement = format!(
            r#"{{"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{{{condition}}}}}"#
        );
        become_user(&mut us, ACCOUNT, "bob", &[statement]);
        let answer = refusal(us.encrypt("alias/mine", "x"));
        assert_eq!(answer == "success", allowed, "{condition}: {answer}");
    }
}

#[test]
fn reencrypt_asks_for_both_sides() {
    let mut us = TestRegion::new("us-east-1");
    let (from, to) = (key_with(&mut us, &[]), key_with(&mut us, &[]));
    let blob = us.encrypt(&from, "x").unwrap();
    let request = |to: &str| ReEncryptRequest {
        ciphertext_blob: Some(blob.clone().into()),
        destination_key_id: Some(to.into()),
        ..Default::default()
    };
    become_user(&mut us, ACCOUNT, "bob", &[allow(r#""kms:ReEncryptFrom""#)]);
    let half = refusal(us.call(request(&to)));
    assert!(half.contains("perform: kms:ReEncryptTo on"), "{half}");
    let both = allow(r#""kms:ReEncrypt*""#);
    become_user(&mut us, ACCOUNT, "bob", std::slice::from_ref(&both));
    assert_eq!(refusal(us.call(request(&to))), "success");
    let not_same = r#"{"Effect":"Deny","Action":"kms:ReEncrypt*","Resource":"*","Condition":{"Bool":{"kms:ReEncryptOnSameKey":"true"}}}"#;
    become_user(&mut us, ACCOUNT, "bob", &[both, not_same.into()]);
    assert_eq!(refusal(us.call(request(&to))), "success");
    let same = refusal(us.call(request(&from)));
    assert!(
        same.contains("explicit deny in an identity-based policy"),
        "{same}"
    );
}

#[test]
fn another_account_needs_both_sides() {
    let mut us = TestRegion::new("us-east-1");
    let share = format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{OTHER}:root"}},"Action":"kms:Encrypt","Resource":"*"}}"#
    );
    let key = key_with(&mut us, &[share]);
    let arn = us.arn(&key);
    become_user(&mut us, OTHER, "eve", &[allow(r#""kms:*""#)]);
    assert_eq!(refusal(us.encrypt(&arn, "x")), "success");
    assert!(refusal(us.disable(&arn)).starts_with("AccessDeniedException"));
    become_user(&mut us, OTHER, "eve", &[allow(r#""s3:*""#)]);
    assert!(refusal(us.encrypt(&arn, "x")).starts_with("AccessDeniedException"));
}

#[test]
fn an_open_region_lets_another_account_in_by_key_policy() {
    let mut us = TestRegion::new("us-east-1");
    let share = format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":"{OTHER}"}},"Action":"kms:Encrypt","Resource":"*"}}"#
    );
    let key = key_with(&mut us, &[share]);
    let arn = us.arn(&key);
    us.identity = None;
    us.caller.account = OTHER.parse().unwrap();
    us.caller.principal = format!("arn:aws:iam::{OTHER}:root");
    assert_eq!(refusal(us.encrypt(&arn, "x")), "success");
    let describe = DescribeKeyRequest {
        key_id: Some(arn),
        ..Default::default()
    };
    assert!(refusal(us.call(describe)).starts_with("AccessDeniedException"));
}

#[test]
fn a_grant_lets_in_whom_no_policy_does() {
    let mut us = TestRegion::new("us-east-1");
    let key = key_with(&mut us, &[]);
    us.call(CreateGrantRequest {
        key_id: Some(key.clone()),
        grantee_principal: Some(format!("arn:aws:iam::{ACCOUNT}:user/bob")),
        operations: vec!["Encrypt".into()],
        ..Default::default()
    })
    .unwrap();
    become_user(&mut us, ACCOUNT, "bob", &[allow(r#""s3:*""#)]);
    assert_eq!(refusal(us.encrypt(&key, "x")), "success");
    let deny = r#"{"Effect":"Deny","Action":"kms:Encrypt","Resource":"*"}"#;
    become_user(&mut us, ACCOUNT, "bob", &[deny.into()]);
    assert!(refusal(us.encrypt(&key, "x")).starts_with("AccessDeniedException"));
}

#[test]
fn a_grant_to_an_account_leaves_it_to_the_identity_policies_of_its_users() {
    let mut us = TestRegion::new("us-east-1");
    let key = key_with(&mut us, &[]);
    let arn = us.arn(&key);
    us.call(CreateGrantRequest {
        key_id: Some(key.clone()),
        grantee_principal: Some(format!("arn:aws:iam::{OTHER}:root")),
        operations: vec!["Encrypt".into(), "RetireGrant".into()],
        ..Default::default()
    })
    .unwrap();
    let grant_id = us
        .region
        .key(&us.reference(&key))
        .unwrap()
        .grants
        .keys()
        .next()
        .copied();
    let retire = RetireGrantRequest {
        key_id: Some(arn.clone()),
        grant_id: grant_id.map(|it| it.to_string()),
        ..Default::default()
    };
    become_user(&mut us, OTHER, "eve", &[allow(r#""s3:*""#)]);
    let answer = refusal(us.encrypt(&arn, "x"));
    assert!(
        answer.contains("because no identity-based policy allows the kms:Encrypt action"),
        "{answer}"
    );
    assert!(refusal(us.call(retire.clone())).starts_with("AccessDeniedException"));
    become_user(&mut us, OTHER, "dora", &[allow(r#""kms:*""#)]);
    assert_eq!(refusal(us.encrypt(&arn, "x")), "success");
    assert_eq!(refusal(us.call(retire)), "success");
}

#[test]
fn what_has_no_key_takes_an_identity_policy() {
    let mut us = TestRegion::new("us-east-1");
    become_user(&mut us, ACCOUNT, "bob", &[allow(r#""kms:CreateKey""#)]);
    let key = us.create();
    let list = refusal(us.call(ListKeysRequest::default()));
    assert_eq!(
        list,
        format!(
            "AccessDeniedException: User: arn:aws:iam::{ACCOUNT}:user/bob is not authorized to \
             perform: kms:ListKeys on resource: * because no identity-based policy allows the \
             kms:ListKeys action"
        )
    );
    let tagged = CreateKeyRequest {
        tags: vec![crate::tag::tests::tag("a", "1")],
        ..Default::default()
    };
    assert!(refusal(us.call(tagged)).contains("kms:TagResource"));
    let alias = CreateAliasRequest {
        alias_name: Some("alias/mine".into()),
        target_key_id: Some(key),
    };
    let answer = refusal(us.call(alias));
    assert!(answer.contains(":alias/mine because"), "{answer}");
}

#[test]
fn nobody_puts_a_policy_that_locks_them_out() {
    let mut us = TestRegion::new("us-east-1");
    become_user(&mut us, ACCOUNT, "bob", &[allow(r#""kms:CreateKey""#)]);
    let policy = |who: &str| CreateKeyRequest {
        policy: Some(format!(
            r#"{{"Statement":{{"Effect":"Allow","Principal":{{"AWS":"{who}"}},"Action":"kms:*","Resource":"*"}}}}"#
        )),
        ..Default::default()
    };
    let locked = refusal(us.call(policy(ACCOUNT)));
    assert!(
        locked.starts_with("MalformedPolicyDocumentException"),
        "{locked}"
    );
    let own = format!("arn:aws:iam::{ACCOUNT}:user/bob");
    assert_eq!(refusal(us.call(policy(&own))), "success");
}

fn grant(us: &mut TestRegion, key: &str, grantee: &str, operations: &[&str]) -> String {
    let request = CreateGrantRequest {
        key_id: Some(key.into()),
        grantee_principal: Some(format!("arn:aws:iam::{ACCOUNT}:user/{grantee}")),
        operations: operations.iter().map(|it| (*it).into()).collect(),
        ..Default::default()
    };
    us.call(request).unwrap().grant_id.unwrap()
}

#[test]
fn a_grant_to_retire_is_about_that_grant_alone() {
    let mut us = TestRegion::new("us-east-1");
    let key = key_with(&mut us, &[]);
    let own = grant(&mut us, &key, "bob", &["Encrypt", "RetireGrant"]);
    let other = grant(&mut us, &key, "carol", &["Encrypt"]);
    let retire = |id: &String| RetireGrantRequest {
        key_id: Some(key.clone()),
        grant_id: Some(id.clone()),
        ..Default::default()
    };
    become_user(&mut us, ACCOUNT, "bob", &[allow(r#""s3:*""#)]);
    assert!(refusal(us.call(retire(&other))).starts_with("AccessDeniedException"));
    assert_eq!(refusal(us.call(retire(&own))), "success");
    become_user(&mut us, ACCOUNT, "bob", &[allow(r#""kms:RetireGrant""#)]);
    assert_eq!(refusal(us.call(retire(&other))), "success");
}

#[test]
fn the_account_that_gave_a_grant_on_anothers_key_retires_it_by_its_policies() {
    let mut us = TestRegion::new("us-east-1");
    let admits = format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":"{OTHER}"}},"Action":"kms:CreateGrant","Resource":"*"}}"#
    );
    let key = key_with(&mut us, &[admits]);
    let arn = us.arn(&key);
    become_user(&mut us, OTHER, "dora", &[allow(r#""kms:CreateGrant""#)]);
    let made = us
        .call(CreateGrantRequest {
            key_id: Some(arn.clone()),
            grantee_principal: Some(format!("arn:aws:iam::{OTHER}:user/eve")),
            operations: vec!["Encrypt".into()],
            ..Default::default()
        })
        .unwrap();
    let retire = RetireGrantRequest {
        key_id: Some(arn),
        grant_id: made.grant_id,
        ..Default::default()
    };
    become_user(&mut us, OTHER, "nobody", &[allow(r#""s3:*""#)]);
    assert!(refusal(us.call(retire.clone())).starts_with("AccessDeniedException"));
    become_user(&mut us, OTHER, "dora", &[allow(r#""kms:RetireGrant""#)]);
    assert_eq!(refusal(us.call(retire)), "success");
}

#[test]
fn nobody_is_shown_what_other_accounts_let_a_service_retire() {
    let mut us = TestRegion::new("us-east-1");
    let key = key_with(&mut us, &[]);
    us.call(CreateGrantRequest {
        key_id: Some(key),
        grantee_service_principal: Some("store.example.com".into()),
        retiring_service_principal: Some("store.example.com".into()),
        operations: vec!["Encrypt".into()],
        constraints: Some(GrantConstraints {
            source_arn: Some(format!("arn:aws:s3:us-east-1:{ACCOUNT}:bucket")),
            ..Default::default()
        }),
        ..Default::default()
    })
    .unwrap();
    let list = ListRetirableGrantsRequest {
        retiring_service_principal: Some("store.example.com".into()),
        ..Default::default()
    };
    assert_eq!(us.call(list.clone()).unwrap().grants.len(), 1);
    become_user(&mut us, OTHER, "dora", &[allow(r#""kms:*""#)]);
    assert_eq!(us.call(list).unwrap().grants, []);
}

#[test]
fn tags_of_a_replica_take_the_permission_to_tag() {
    let mut us = TestRegion::new("us-east-1");
    become_root(&mut us);
    let key = us.create_multi_region();
    let replicate = |tags| ReplicateKeyRequest {
        key_id: Some(key.clone()),
        replica_region: Some("eu-west-1".into()),
        tags,
        ..Default::default()
    };
    let tag = Tag {
        tag_key: Some("team".into()),
        tag_value: Some("red".into()),
    };
    let may = allow(r#"["kms:ReplicateKey","kms:CreateKey"]"#);
    become_user(&mut us, ACCOUNT, "bob", &[may]);
    let answer = refusal(us.call(replicate(vec![tag])));
    assert!(answer.contains("kms:TagResource"), "{answer}");
    let answer = refusal(us.call(replicate(Vec::new())));
    assert!(!answer.starts_with("AccessDenied"), "{answer}");
}

#[test]
fn who_may_not_replicate_a_key_does_not_hear_of_the_key_to_be() {
    let mut us = TestRegion::new("us-east-1");
    become_root(&mut us);
    let key = us.create_multi_region();
    us.disable(&key).unwrap();
    let replicate = ReplicateKeyRequest {
        key_id: Some(key),
        replica_region: Some("eu-west-1".into()),
        ..Default::default()
    };
    for (allowed, asked) in [
        (r#""s3:*""#, "kms:ReplicateKey on resource: arn:"),
        (r#""kms:CreateKey""#, "kms:ReplicateKey on resource: arn:"),
        (r#""kms:ReplicateKey""#, "kms:CreateKey on resource: *"),
    ] {
        become_user(&mut us, ACCOUNT, "bob", &[allow(allowed)]);
        let answer = refusal(us.call(replicate.clone()));
        assert!(answer.starts_with("AccessDeniedException"), "{answer}");
        assert!(answer.contains(asked), "{answer}");
    }
    let both = allow(r#"["kms:ReplicateKey","kms:CreateKey"]"#);
    become_user(&mut us, ACCOUNT, "bob", &[both]);
    assert!(refusal(us.call(replicate)).starts_with("DisabledException"));
}

#[test]
fn the_region_that_is_to_become_the_primary_has_to_allow_it_too() {
    let mut us = TestRegion::new("us-east-1");
    us.answer = Some(Answer::default());
    become_root(&mut us);
    let key = us.create_multi_region();
    let replicate = ReplicateKeyRequest {
        key_id: Some(key.clone()),
        replica_region: Some("eu-west-1".into()),
        ..Default::default()
    };
    us.call(replicate).unwrap();
    let update = UpdatePrimaryRegionRequest {
        key_id: Some(key),
        primary_region: Some("eu-west-1".into()),
    };
    let denied = Answer {
        state: Some(KeyState::Disabled),
        denied: Some("nobody may".into()),
    };
    let root = us.caller.clone();
    let answer = us.call_asking(update.clone(), |question| {
        assert_eq!(question.primary_for.as_ref(), Some(&root));
        Some(denied.clone())
    });
    assert_eq!(refusal(answer), "AccessDeniedException: nobody may");
    us.identity = None;
    let answer = us.call_asking(update, |question| {
        assert_eq!(question.primary_for, None, "an open region asks nobody");
        Some(Answer {
            state: Some(KeyState::Enabled),
            ..Default::default()
        })
    });
    assert_eq!(refusal(answer), "success");
}

#[test]
fn a_lockout_is_judged_with_what_the_key_is() {
    let mut us = TestRegion::new("us-east-1");
    let key = key_with(&mut us, &[]);
    let put = |spec: &str| PutKeyPolicyRequest {
        key_id: Some(key.clone()),
        policy: Some(format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{ACCOUNT}"}},
            "Action":"kms:*","Resource":"*","Condition":{{"StringEquals":{{"kms:KeySpec":"{spec}"}}}}}}]}}"#
        )),
        ..Default::default()
    };
    assert!(refusal(us.call(put("RSA_2048"))).starts_with("MalformedPolicyDocumentException"));
    assert_eq!(refusal(us.call(put("SYMMETRIC_DEFAULT"))), "success");
}
