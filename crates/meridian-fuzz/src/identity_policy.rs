//! A policy of a user or a role: any text ends in a policy or in an error, and
//! none is a key policy too. A policy that was read decides, and no grant comes
//! before its Deny.

use meridian_iam::{Decision, PolicyDocument, Reason};

use crate::policy_document::decide;

pub(crate) fn run(bytes: &[u8]) -> Option<()> {
    let text = std::str::from_utf8(bytes).ok()?;
    let policy = PolicyDocument::parse_identity(text).ok()?;
    assert!(PolicyDocument::parse(text).is_err(), "both kinds");
    let policies = [policy];
    let decided = decide(None, &policies, false);
    let granted = decide(None, &policies, true);
    match decided {
        Decision::Denied(Reason::IdentityPolicyDenies) => assert_eq!(granted, decided),
        Decision::Denied(_) | Decision::Allowed => assert_eq!(granted, Decision::Allowed),
    }
    Some(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_has_conditions_of_every_type() {
        let policy = |statement: &str| {
            format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#).into_bytes()
        };
        let conditions = r#"{"Effect":"Allow","Action":["kms:Encrypt","kms:D*"],"Resource":"*",
            "Condition":{
            "StringLike":{"kms:EncryptionContext:Department":["Fin*","${aws:username}"]},
            "ForAllValues:StringEqualsIgnoreCase":{"kms:EncryptionContextKeys":["department"]},
            "NumericLessThanEquals":{"kms:ScheduleKeyDeletionPendingWindowInDays":10},
            "DateGreaterThanIfExists":{"aws:CurrentTime":"2025-01-01T00:00:00Z"},
            "IpAddress":{"aws:SourceIp":["192.0.2.0/24","2001:db8::/32"]},
            "ArnLike":{"aws:SourceArn":"arn:aws:s3:::*"},
            "Bool":{"kms:MultiRegion":"true"},"Null":{"aws:MultiFactorAuthAge":"true"}}}"#;
        let deny = r#"{"Sid":"a","Effect":"Deny","NotAction":"kms:Describe*",
            "NotResource":"arn:aws:kms:*:111122223333:key/*"}"#;
        crate::corpus::holds(
            "identity_policy",
            &[("conditions", policy(conditions)), ("deny", policy(deny))],
        );
    }
}
