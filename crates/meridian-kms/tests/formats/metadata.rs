//! The part of the story about tags, key policies, grants and AWS managed keys,
//! in a region of its own.

use meridian_kms::{Plan, Request};
use meridian_proto::v1::*;

use crate::fixture::ACCOUNT;
use crate::story::Recorded;

/// Where it happens.
pub const REGION: &str = "ap-south-1";

/// Plays it from the beginning.
pub fn play() -> Recorded {
    let mut ap = Recorded::new(REGION);
    let key = ap.call(CreateKeyRequest::default()).key_metadata.unwrap();
    let key_id = || key.key_id.clone();
    let tag = |tag_key: &str| Tag {
        tag_key: Some(tag_key.into()),
        tag_value: Some("golden".into()),
    };
    ap.call(TagResourceRequest {
        key_id: key_id(),
        tags: vec![tag("kept"), tag("taken off")],
    });
    ap.call(UntagResourceRequest {
        key_id: key_id(),
        tag_keys: vec!["taken off".into()],
    });
    let policy = format!(
        r#"{{"Statement":{{"Effect":"Allow","Principal":{{"AWS":"{ACCOUNT}"}},"Action":"kms:*","Resource":"*"}}}}"#
    );
    ap.call(PutKeyPolicyRequest {
        key_id: key_id(),
        policy: Some(policy),
        ..Default::default()
    });
    let grant = |name: &str| CreateGrantRequest {
        key_id: key_id(),
        grantee_principal: Some(format!("arn:aws:iam::{ACCOUNT}:role/golden")),
        operations: vec!["Encrypt".into(), "RetireGrant".into()],
        name: Some(name.into()),
        ..Default::default()
    };
    let revoked = ap.call(grant("revoked"));
    let retired = ap.call(grant("retired"));
    ap.call(CreateGrantRequest {
        grantee_principal: None,
        grantee_service_principal: Some("service.amazonaws.com".into()),
        retiring_service_principal: Some("service.amazonaws.com".into()),
        constraints: Some(GrantConstraints {
            encryption_context_subset: [("a".to_owned(), "1".to_owned())].into(),
            source_arn: Some(format!("arn:aws:s3:ap-south-1:{ACCOUNT}:bucket")),
            ..Default::default()
        }),
        name: None,
        ..grant("")
    });
    ap.call(CreateGrantRequest {
        retiring_principal: Some(ACCOUNT.into()),
        constraints: Some(GrantConstraints {
            encryption_context_equals: [("a".to_owned(), "1".to_owned())].into(),
            ..Default::default()
        }),
        ..grant("kept")
    });
    ap.call(RevokeGrantRequest {
        key_id: key_id(),
        grant_id: revoked.grant_id,
        ..Default::default()
    });
    ap.call(RetireGrantRequest {
        grant_token: retired.grant_token,
        ..Default::default()
    });
    let describe = Request::DescribeKey(DescribeKeyRequest {
        key_id: Some("alias/aws/s3".into()),
        ..Default::default()
    });
    let Ok(Plan::Commit(change)) = ap.it.plan(&describe, None) else {
        panic!("an AWS managed key is made first");
    };
    ap.commit(change);
    ap
}
