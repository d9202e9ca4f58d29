//! DescribeCustomKeyStores: the account's custom key stores, or one of them,
//! with their connection. Secrets are never shown.

use meridian_proto::v1::{DescribeCustomKeyStoresRequest, DescribeCustomKeyStoresResponse};

use crate::context::Context;
use crate::error::KmsError;
use crate::key_store::{StoreId, not_found};
use crate::page;
use crate::region::Region;

/// Lists one page.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &DescribeCustomKeyStoresRequest,
) -> Result<DescribeCustomKeyStoresResponse, KmsError> {
    let account = cx.caller.account;
    let (id, name) = (&request.custom_key_store_id, &request.custom_key_store_name);
    if id.is_some() && name.is_some() {
        // fidelity: assumed, AWS's text for an ID together with a name is not recorded.
        return Err(KmsError::validation(
            "Specify either CustomKeyStoreId or CustomKeyStoreName, not both.",
        ));
    }
    // fidelity: assumed, AWS does not say how many key stores it lists without a
    // limit.
    let limit = page::limit(request.limit, 100, 1000)?;
    let after: Option<StoreId> = page::position(&request.marker)?;
    let wanted = region.key_stores_of(account).filter(|store| {
        id.as_ref().is_none_or(|id| store.store.id.as_str() == id)
            && name.as_ref().is_none_or(|name| store.name == *name)
    });
    let mut wanted = wanted.peekable();
    if (id.is_some() || name.is_some()) && wanted.peek().is_none() {
        return Err(not_found());
    }
    let rest = wanted.filter(|store| after.as_ref().is_none_or(|after| store.store.id > *after));
    let page = page::take(rest, limit, |store| store.store.id.to_string());
    Ok(DescribeCustomKeyStoresResponse {
        custom_key_stores: page.items.iter().map(|store| store.entry()).collect(),
        truncated: Some(page.next_marker.is_some()),
        next_marker: page.next_marker,
    })
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::{CustomKeyStoresListEntry, DescribeCustomKeyStoresRequest};

    use crate::fixture::key_stores::ANCHOR;
    use crate::fixture::{START, TestRegion, refusal};

    #[test]
    fn everything_but_the_password_is_shown() {
        let mut us = TestRegion::new("us-east-1");
        let store = us.create_key_store();
        let shown = CustomKeyStoresListEntry {
            custom_key_store_id: Some(store),
            custom_key_store_name: Some("store 0".into()),
            cloud_hsm_cluster_id: Some("cluster-aaaaaaaaaaa".into()),
            trust_anchor_certificate: Some(ANCHOR.into()),
            connection_state: Some("DISCONNECTED".into()),
            creation_date: Some(START.to_proto()),
            custom_key_store_type: Some("AWS_CLOUDHSM".into()),
            ..Default::default()
        };
        assert_eq!(us.key_stores(), [shown]);
        let stored = String::from_utf8(us.region.encode()).unwrap();
        assert!(!stored.contains("password-0"));
    }

    #[test]
    fn a_key_store_is_found_by_id_or_by_name() {
        let mut us = TestRegion::new("us-east-1");
        let (one, other) = (us.create_key_store(), us.create_key_store());
        let mut find = |id: Option<&str>, name: Option<&str>| {
            let found = us.call(DescribeCustomKeyStoresRequest {
                custom_key_store_id: id.map(Into::into),
                custom_key_store_name: name.map(Into::into),
                ..Default::default()
            });
            let found = match found {
                Ok(found) => found.custom_key_stores,
                Err(error) => return error.code.name().to_owned(),
            };
            let ids: Vec<_> = found.into_iter().map(|it| it.custom_key_store_id).collect();
            ids.into_iter().flatten().collect::<Vec<_>>().join(",")
        };
        assert_eq!(find(Some(&one), None), one);
        assert_eq!(find(None, Some("store 1")), other);
        assert_eq!(
            find(None, Some("nobody")),
            "CustomKeyStoreNotFoundException"
        );
        assert_eq!(find(Some("cks-1"), None), "CustomKeyStoreNotFoundException");
        assert_eq!(find(Some(&one), Some("store 0")), "ValidationException");
    }

    #[test]
    fn key_stores_are_listed_page_by_page_to_their_owner() {
        let mut us = TestRegion::new("us-east-1");
        let mut stores: Vec<_> = (0..3).map(|_| us.create_key_store()).collect();
        stores.sort();
        let mut seen = Vec::new();
        let mut marker = None;
        loop {
            let request = DescribeCustomKeyStoresRequest {
                limit: Some(2),
                marker,
                ..Default::default()
            };
            let page = us.call(request).unwrap();
            let ids = page.custom_key_stores.into_iter();
            seen.extend(ids.filter_map(|entry| entry.custom_key_store_id));
            marker = page.next_marker;
            if page.truncated != Some(true) {
                break;
            }
        }
        assert_eq!(seen, stores);
        us.caller.account = "999999999999".parse().unwrap();
        assert_eq!(us.key_stores(), []);
        let foreign = DescribeCustomKeyStoresRequest {
            marker: Some("%%".into()),
            ..Default::default()
        };
        assert_eq!(refusal(us.call(foreign)), "InvalidMarkerException");
    }
}
