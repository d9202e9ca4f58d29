//! ListKeys: the account's keys in this region, sorted by key ID.

use meridian_proto::v1::{KeyListEntry, ListKeysRequest, ListKeysResponse};

use crate::arn::{KeyId, KeyRef};
use crate::context::Context;
use crate::error::KmsError;
use crate::page;
use crate::region::Region;

/// Lists one page.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &ListKeysRequest,
) -> Result<ListKeysResponse, KmsError> {
    let account = cx.caller.account;
    let limit = page::limit(request.limit, 100, 1000)?;
    let after: Option<KeyId> = page::position(&request.marker)?;
    let owners = &request.resource_owners;
    let own = owners.is_empty() || owners.iter().any(|owner| owner == "SELF");
    let first = KeyRef {
        account,
        id: after.unwrap_or(KeyId::LOWEST),
    };
    let keys = region.keys().range(first..).map(|(key, _)| *key);
    let keys = keys
        .filter(|key| Some(key.id) != after)
        .take_while(|key| own && key.account == account);
    let page = page::take(keys, limit, |key| key.id.to_string());
    Ok(ListKeysResponse {
        keys: page.items.iter().map(|key| entry(key, region)).collect(),
        truncated: Some(page.next_marker.is_some()),
        next_marker: page.next_marker,
    })
}

fn entry(key: &KeyRef, region: &Region) -> KeyListEntry {
    KeyListEntry {
        key_id: Some(key.id.to_string()),
        key_arn: Some(key.arn(region.name())),
    }
}
