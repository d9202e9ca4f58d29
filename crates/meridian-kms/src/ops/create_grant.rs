//! CreateGrant: lets a principal use a key of this region. A name makes a
//! repeated request return the same grant; its token is always a new one.

use std::collections::BTreeMap;

use meridian_proto::v1::{CreateGrantRequest, CreateGrantResponse};
use serde::{Deserialize, Serialize};

use crate::admission::{Naming, required};
use crate::arn::{KeyRef, RegionName};
use crate::context::Context;
use crate::cryptography::stop_dry_run;
use crate::error::{ErrorCode, KmsError};
use crate::grant::{Constraints, GRANTS_PER_KEY_MAX, Grant, GrantId, Party};
use crate::grant_operation::{self, GrantOperation};
use crate::key::Key;
use crate::key_set::SharedProperties;
use crate::ops::{Operation, Planned};
use crate::region::Region;
use crate::{grant_token, principal_arn};

const OPERATION: Operation = Operation::CreateGrant;

/// Pairs of an encryption context constraint, and characters of a value (AWS
/// KMS Developer Guide, "Using grant constraints").
const CONTEXT_PAIRS_MAX: usize = 8;
const CONTEXT_VALUE_LEN_MAX: usize = 384;

/// The grant to be, and the token that the answer shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    key: KeyRef,
    id: GrantId,
    grant: Grant,
    token: String,
}

/// Checks the parties, the operations and the constraints.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &CreateGrantRequest,
) -> Result<Planned<Change, CreateGrantResponse>, KmsError> {
    let here = region.name();
    check_constraints(request)?;
    let (grantee, retiring) = parties(request, here)?;
    let key_id = required(&request.key_id)?;
    let key = region.find_allowed(cx, OPERATION.action(), key_id, Naming::KeyOnly)?;
    region.check(OPERATION, key)?;
    let constraints = constraints(request);
    let operations = operations(request);
    check_kind(&key.shared, &operations, &constraints)?;
    let grant = Grant {
        created: cx.now.whole_seconds(),
        issuer: cx.caller.account,
        name: request.name.clone(),
        grantee,
        retiring,
        operations,
        constraints,
    };
    let id = id(cx, &key.key, &grant, here);
    check_quota(key, id)?;
    stop_dry_run(request.dry_run)?;
    Ok(Planned::Commit(Change {
        key: key.key,
        id,
        grant,
        token: grant_token::seal(cx, &key.key, id),
    }))
}

/// Keeps the grant; one with the same ID is the same grant.
pub fn apply(region: &mut Region, change: &Change) -> Result<CreateGrantResponse, KmsError> {
    let mut key = region.readmit(OPERATION, &change.key)?;
    if !key.grants.contains_key(&change.id) {
        check_quota(&key, change.id)?;
        key.grants.insert(change.id, change.grant.clone());
        region.put(key);
    }
    Ok(CreateGrantResponse {
        grant_token: Some(change.token.clone()),
        grant_id: Some(change.id.to_string()),
    })
}

/// Does a grant that lets its holder create grants cover this one?
pub(crate) fn is_within(child: &CreateGrantRequest, parent: &Grant) -> bool {
    let given = |operation| parent.operations.contains(operation);
    operations(child).iter().all(given) && parent.constraints.contain(&constraints(child))
}

/// With a name the ID follows from the request, without one it is drawn.
fn id(cx: &mut Context<'_>, key: &KeyRef, grant: &Grant, here: &RegionName) -> GrantId {
    if grant.name.is_none() {
        let mut bytes = [0; 32];
        cx.entropy.fill(&mut bytes);
        return GrantId(bytes);
    }
    let undated = Grant {
        created: Default::default(),
        ..grant.clone()
    };
    let request = serde_json::to_vec(&undated).expect("a grant has no unrepresentable part");
    let arn = key.arn(here);
    GrantId(cx.vault.grant_id(&[arn.as_bytes(), &request]))
}

fn parties(
    request: &CreateGrantRequest,
    here: &RegionName,
) -> Result<(Party, Option<Party>), KmsError> {
    let service = |name: &String| Party::Service(name.clone());
    let grantee = match (
        &request.grantee_principal,
        &request.grantee_service_principal,
    ) {
        (Some(arn), None) => principal_arn::read(arn, "GranteePrincipal", here)?,
        (None, Some(name)) => service(name),
        // fidelity: assumed, the texts for services as parties are not recorded.
        _ => {
            return Err(KmsError::validation(
                "Specify either GranteePrincipal or GranteeServicePrincipal.",
            ));
        }
    };
    let retiring = match (
        &request.retiring_principal,
        &request.retiring_service_principal,
    ) {
        (None, None) => None,
        (Some(arn), None) => Some(principal_arn::read(arn, "RetiringPrincipal", here)?),
        (None, Some(name)) => Some(service(name)),
        (Some(_), Some(_)) => {
            return Err(KmsError::validation(
                "Specify either RetiringPrincipal or RetiringServicePrincipal.",
            ));
        }
    };
    let source = request.constraints.as_ref();
    let source = source.and_then(|constraints| constraints.source_arn.as_ref());
    if matches!(grantee, Party::Service(_)) && (source.is_none() || retiring.is_none()) {
        return Err(KmsError::validation(
            "A GranteeServicePrincipal requires a SourceArn constraint and a retiring principal.",
        ));
    }
    Ok((grantee, retiring))
}

/// In the order of the request, each once.
fn operations(request: &CreateGrantRequest) -> Vec<GrantOperation> {
    let mut operations = Vec::new();
    let named = request.operations.iter();
    for operation in named.filter_map(|name| GrantOperation::from_name(name)) {
        if !operations.contains(&operation) {
            operations.push(operation);
        }
    }
    operations
}

fn constraints(request: &CreateGrantRequest) -> Constraints {
    let given = request.constraints.clone().unwrap_or_default();
    Constraints {
        context_subset: given.encryption_context_subset,
        context_equals: given.encryption_context_equals,
        source_arn: given.source_arn,
    }
}

// fidelity: assumed, AWS's texts for these limits are not recorded.
fn check_constraints(request: &CreateGrantRequest) -> Result<(), KmsError> {
    let Constraints {
        context_subset: subset,
        context_equals: equals,
        ..
    } = constraints(request);
    if !subset.is_empty() && !equals.is_empty() {
        return Err(KmsError::validation(
            "Specify either EncryptionContextSubset or EncryptionContextEquals.",
        ));
    }
    let too_large = |context: &BTreeMap<String, String>| {
        let long = |value: &String| value.chars().count() > CONTEXT_VALUE_LEN_MAX;
        context.len() > CONTEXT_PAIRS_MAX || context.values().any(long)
    };
    if too_large(&subset) || too_large(&equals) {
        return Err(KmsError::validation(format!(
            "An encryption context constraint has at most {CONTEXT_PAIRS_MAX} pairs with values \
             of at most {CONTEXT_VALUE_LEN_MAX} characters."
        )));
    }
    Ok(())
}

/// Does this kind of key have these operations and constraints?
fn check_kind(
    shared: &SharedProperties,
    operations: &[GrantOperation],
    constraints: &Constraints,
) -> Result<(), KmsError> {
    let symmetric = shared.spec == meridian_crypto::KeySpec::SymmetricDefault;
    let has_context =
        !constraints.context_equals.is_empty() || !constraints.context_subset.is_empty();
    if has_context && !symmetric {
        return Err(KmsError::validation(
            "EncryptionContext is supported only when creating a grant for a symmetric \
             encryption KMS key.",
        ));
    }
    let valid = grant_operation::valid(shared.spec, shared.usage);
    let unfit = operations.iter().filter(|it| !valid.contains(it)).copied();
    let unfit = names(unfit);
    if unfit.is_empty() {
        return Ok(());
    }
    // fidelity: assumed, the text for asymmetric keys is not recorded.
    let kind = match shared.spec.is_asymmetric() {
        true => "an asymmetric",
        false => "a symmetric",
    };
    let (usage, valid) = (shared.usage.name(), names(valid.into_iter()));
    Err(KmsError::validation(format!(
        "Operations [{unfit}] are not supported when creating a grant for {kind} KMS key with key \
         usage {usage}. Valid operations are [{valid}]"
    )))
}

fn names(operations: impl Iterator<Item = GrantOperation>) -> String {
    let names: Vec<&str> = operations.map(GrantOperation::name).collect();
    names.join(", ")
}

fn check_quota(key: &Key, id: GrantId) -> Result<(), KmsError> {
    if key.grants.len() < GRANTS_PER_KEY_MAX || key.grants.contains_key(&id) {
        return Ok(());
    }
    // fidelity: assumed, AWS's text for this quota is not recorded.
    Err(KmsError::new(
        ErrorCode::LimitExceededException,
        format!("The key has the maximum number of grants ({GRANTS_PER_KEY_MAX})."),
    ))
}

#[cfg(test)]
mod tests;
