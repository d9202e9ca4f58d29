//! A grant of a seed, as a request and beside the grant that is there.

use meridian_kms::grant::{Grant, Party};
use meridian_proto::v1::{CreateGrantRequest, GrantConstraints};
use meridian_seed::SeededGrant;

/// Asks for the grant.
pub fn request(key_id: &str, grant: &SeededGrant) -> CreateGrantRequest {
    let (subset, equals) = (&grant.context_subset, &grant.context_equals);
    let constrained = !subset.is_empty() || !equals.is_empty();
    let constraints = constrained.then(|| GrantConstraints {
        encryption_context_subset: subset.clone(),
        encryption_context_equals: equals.clone(),
        source_arn: None,
    });
    CreateGrantRequest {
        key_id: Some(key_id.to_owned()),
        grantee_principal: Some(grant.grantee.clone()),
        retiring_principal: grant.retiring.clone(),
        operations: grant.operations.clone(),
        constraints,
        name: Some(grant.name.clone()),
        ..Default::default()
    }
}

/// Is what is there what the seed says?
pub fn is_same(grant: &SeededGrant, found: &Grant) -> bool {
    let retiring = grant.retiring.clone().map(Party::Principal);
    let operations = found.operations.iter().map(|operation| operation.name());
    found.grantee == Party::Principal(grant.grantee.clone())
        && found.retiring == retiring
        && operations.eq(grant.operations.iter().map(String::as_str))
        && found.constraints.context_subset == grant.context_subset
        && found.constraints.context_equals == grant.context_equals
        && found.constraints.source_arn.is_none()
}
