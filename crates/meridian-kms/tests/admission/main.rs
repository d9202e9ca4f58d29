//! Admission's decisions against those of a reference that knows policies only
//! as data: random key policies, identity policies, grants and callers.

#![allow(
    clippy::unwrap_used,
    reason = "the functions beside the tests are part of them"
)]

#[path = "../../src/fixture.rs"]
mod fixture;
mod reference;
mod worlds;

use meridian_crypto::SeededEntropy;
use meridian_iam::{Identity, PolicyDocument, Principal};
use meridian_proto::v1::*;

use fixture::{TestRegion, refusal};
use reference::is_allowed;
use worlds::{CALLERS, Caller, OWNER, Use, World};

const WORLDS: u64 = 150;

/// The world's key in a region, as its owner has set it up.
fn set_up(us: &mut TestRegion, world: &World) -> String {
    become_caller(us, &CALLERS[0], world);
    let key = us.create_as(CreateKeyRequest {
        policy: Some(world.key_policy_text()),
        bypass_policy_lockout_safety_check: Some(true),
        ..Default::default()
    });
    // Grants are the owner's, whatever the policy says.
    us.identity = None;
    for grant in &world.grants {
        let context = grant
            .context
            .iter()
            .map(|value| ("c".into(), value.to_string()));
        us.call(CreateGrantRequest {
            key_id: Some(key.clone()),
            grantee_principal: Some(CALLERS[grant.to].arn()),
            operations: vec![grant.action.name().into()],
            constraints: Some(GrantConstraints {
                encryption_context_subset: context.collect(),
                ..Default::default()
            }),
            ..Default::default()
        })
        .unwrap();
    }
    if world.disabled {
        us.disable(&key).unwrap();
    }
    key
}

fn become_caller(us: &mut TestRegion, caller: &Caller, world: &World) {
    let arn = caller.arn();
    let policies = match caller.user {
        None => Vec::new(),
        Some(_) => {
            vec![PolicyDocument::parse_identity(&world.identity_policy_text(caller)).unwrap()]
        }
    };
    us.caller.account = caller.account.parse().unwrap();
    us.caller.principal = arn.clone();
    us.identity = Some(Identity {
        principal: Principal::parse(&arn).unwrap(),
        policies,
    });
}

fn ask(us: &mut TestRegion, arn: &str, usage: &Use) -> String {
    match usage {
        Use::Describe => refusal(us.call(DescribeKeyRequest {
            key_id: Some(arn.into()),
            ..Default::default()
        })),
        Use::Encrypt { context } => {
            let context = context.iter().map(|value| ("c".into(), value.to_string()));
            refusal(us.call(EncryptRequest {
                key_id: Some(arn.into()),
                plaintext: Some("x".into()),
                encryption_context: context.collect(),
                ..Default::default()
            }))
        }
    }
}

#[test]
fn admission_decides_as_the_reference_does() {
    let (mut allowed, mut denied) = (0, 0);
    for seed in 0..WORLDS {
        let world = World::draw(&mut SeededEntropy::new(seed));
        let mut us = TestRegion::new("us-east-1");
        let key = set_up(&mut us, &world);
        let arn = format!("arn:aws:kms:us-east-1:{OWNER}:key/{key}");
        for (at, caller) in CALLERS.iter().enumerate() {
            become_caller(&mut us, caller, &world);
            for usage in Use::ALL {
                let answer = ask(&mut us, &arn, &usage);
                let expected = match is_allowed(&world, at, &usage) {
                    false => "AccessDeniedException",
                    true if world.disabled && usage != Use::Describe => "DisabledException",
                    true => "success",
                };
                assert!(
                    answer.starts_with(expected),
                    "seed {seed}, {} {usage:?}: {answer}, not {expected}\n{}\n{}",
                    caller.arn(),
                    world.key_policy_text(),
                    world.identity_policy_text(caller),
                );
                match expected {
                    "AccessDeniedException" => denied += 1,
                    _ => allowed += 1,
                }
            }
        }
    }
    assert!(
        allowed > WORLDS && denied > WORLDS,
        "{allowed} allowed and {denied} denied show too little"
    );
}
