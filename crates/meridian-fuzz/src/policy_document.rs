//! A key policy: any text ends in a policy or in an error, and none is an
//! identity policy too, since the one names principals and the other does not.
//! A policy that was read decides, and no grant comes before its Deny.

use std::sync::LazyLock;

use meridian_iam::{
    Conditions, Decision, Naming, PolicyDocument, Principal, Query, Reason, evaluate,
};

/// A call with condition keys of every type.
struct Call {
    principal: Principal,
    conditions: Conditions,
}

static CALL: LazyLock<Call> = LazyLock::new(|| {
    let arn = "arn:aws:iam::111122223333:user/team/ann";
    let conditions = [
        ("kms:EncryptionContext:Department", "Finance"),
        ("kms:ViaService", "s3.us-east-1.amazonaws.com"),
        ("kms:MultiRegion", "true"),
        ("kms:ValidTo", "2026-01-01T00:00:00Z"),
        ("kms:ScheduleKeyDeletionPendingWindowInDays", "7"),
        ("aws:SourceIp", "192.0.2.17"),
        ("aws:CurrentTime", "2026-01-01T00:00:00Z"),
        ("aws:EpochTime", "1767225600"),
        ("aws:SourceArn", "arn:aws:s3:::bucket/some/key"),
        ("aws:username", "ann"),
    ];
    let mut conditions: Conditions = conditions.into_iter().collect();
    conditions.add_all("kms:EncryptionContextKeys", ["Department", "Project"]);
    conditions.add_all("aws:TagKeys", ["Owner"]);
    Call {
        principal: Principal::parse(arn).expect("a user's ARN"),
        conditions,
    }
});

pub(crate) fn run(bytes: &[u8]) -> Option<()> {
    let text = std::str::from_utf8(bytes).ok()?;
    let policy = PolicyDocument::parse(text).ok()?;
    assert!(PolicyDocument::parse_identity(text).is_err(), "both kinds");
    let decided = decide(Some(&policy), &[], false);
    let granted = decide(Some(&policy), &[], true);
    match decided {
        Decision::Denied(Reason::KeyPolicyDenies) => assert_eq!(granted, decided),
        Decision::Denied(_) | Decision::Allowed => assert_eq!(granted, Decision::Allowed),
    }
    Some(())
}

/// What these policies say of an Encrypt of ann's, with a grant or without.
pub(crate) fn decide(
    key_policy: Option<&PolicyDocument>,
    identity_policies: &[PolicyDocument],
    granted: bool,
) -> Decision {
    evaluate(&Query {
        principal: &CALL.principal,
        action: "kms:Encrypt",
        resource: "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        resource_account: "111122223333",
        conditions: &CALL.conditions,
        identity_policies,
        key_policy,
        granted: &|| match granted {
            true => Naming::Directly,
            false => Naming::Not,
        },
    })
}
