//! `userIdentity` of a CloudTrail record: who called.

use meridian_kms::Caller;
use serde_json::{Value, json};

/// Who called, as far as the principal's ARN says it. `role_arn` is that of the
/// role that a session is of.
pub(crate) fn identity(
    caller: Option<&Caller>,
    access_key_id: Option<&str>,
    role_arn: Option<&str>,
) -> Value {
    let Some(caller) = caller else {
        return json!({ "type": "Unknown" });
    };
    let account = caller.account.to_string();
    let resource = caller.principal.rsplit(':').next().unwrap_or_default();
    let (kind, name) = resource.split_once('/').unwrap_or((resource, ""));
    let kind = match kind {
        "root" => "Root",
        "user" => "IAMUser",
        "assumed-role" => "AssumedRole",
        "role" => "Role",
        "federated-user" => "FederatedUser",
        _ => "Unknown",
    };
    let principal_id = match (kind, access_key_id) {
        ("Root", _) | (_, None) => &account,
        (_, Some(access_key_id)) => access_key_id,
    };
    let mut identity = json!({
        "type": kind,
        "principalId": principal_id,
        "arn": caller.principal,
        "accountId": account,
    });
    if let Some(access_key_id) = access_key_id {
        identity["accessKeyId"] = access_key_id.into();
    }
    match (kind, role_arn) {
        ("IAMUser", _) => identity["userName"] = last(name).into(),
        ("AssumedRole", Some(role_arn)) => {
            // fidelity: assumed, roles have no unique ID here, so a session goes by the
            // name of its role, where AWS has that ID. When a session of a seed began is
            // not known, so `attributes` has no `creationDate`.
            let (role, session) = (last(role_arn), last(name));
            identity["principalId"] = format!("{role}:{session}").into();
            identity["sessionContext"] = json!({
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": role,
                    "arn": role_arn,
                    "accountId": account,
                    "userName": role,
                },
                "attributes": { "mfaAuthenticated": "false" },
            });
        }
        _ => {}
    }
    identity
}

/// What follows the path.
fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or_default()
}
