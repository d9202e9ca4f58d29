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

#[cfg(test)]
mod tests {
    use meridian_proto::v1::ListKeysRequest;

    use crate::fixture::{TestRegion, refusal};

    #[test]
    fn all_keys_of_the_account_are_listed_page_by_page_in_every_state() {
        let mut us = TestRegion::new("us-east-1");
        let mut keys = vec![us.create(), us.create_external(true), us.create()];
        us.schedule_deletion(&keys[0]).unwrap();
        us.caller.account = "999999999999".parse().unwrap();
        us.create();
        us.caller.account = crate::fixture::ACCOUNT.parse().unwrap();
        keys.sort();
        let mut seen = Vec::new();
        let mut marker = None;
        loop {
            let request = ListKeysRequest {
                limit: Some(2),
                marker,
                ..Default::default()
            };
            let page = us.call(request).unwrap();
            assert_eq!(page.truncated, Some(page.next_marker.is_some()));
            for entry in page.keys {
                let id = entry.key_id.unwrap();
                assert_eq!(entry.key_arn, Some(us.arn(&id)));
                seen.push(id);
            }
            marker = page.next_marker;
            if marker.is_none() {
                break;
            }
        }
        seen.sort();
        assert_eq!(seen, keys);
    }

    #[test]
    fn keys_of_others_and_foreign_markers_are_not_served() {
        let mut us = TestRegion::new("us-east-1");
        us.create();
        let shared = ListKeysRequest {
            resource_owners: vec!["OTHER_ACCOUNTS_VIA_RAM".into()],
            ..Default::default()
        };
        assert_eq!(us.call(shared).unwrap().keys, []);
        let request = ListKeysRequest {
            marker: Some("zzz".into()),
            ..Default::default()
        };
        assert_eq!(refusal(us.call(request)), "InvalidMarkerException");
    }
}
