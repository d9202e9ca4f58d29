//! UpdateCustomKeyStore: another name, and what the key store stands on; most of
//! it only while the key store is disconnected.

use meridian_proto::v1::{UpdateCustomKeyStoreRequest, UpdateCustomKeyStoreResponse};
use serde::{Deserialize, Serialize};

use crate::admission::required;
use crate::context::Context;
use crate::error::KmsError;
use crate::key_store::{
    Backing, Connectivity, Credential, CustomKeyStore, Halt, StoreRef, Update, external,
};
use crate::ops::create_custom_key_store::{connectivity, seal};
use crate::ops::{Operation, Planned};
use crate::region::Region;

/// What changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    store: StoreRef,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Update::is_empty")]
    update: Update,
}

/// Checks the change and seals new secrets.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &UpdateCustomKeyStoreRequest,
) -> Result<Planned<Change, UpdateCustomKeyStoreResponse>, Halt> {
    let id = required(&request.custom_key_store_id)?;
    let store = region.key_store(cx.caller.account, id)?;
    let change = Change {
        store: store.store.clone(),
        name: request.new_custom_key_store_name.clone(),
        update: update(cx, store, request)?,
    };
    let changed = changed(region, &change)?;
    if let Backing::Proxy(proxy) = &changed.backing
        && !change.update.is_empty()
    {
        let (operation, owner) = (Operation::UpdateCustomKeyStore, id.as_str());
        external::check_health(region, cx, operation, owner, proxy)?
            .map_err(|failure| failure.of_store())?;
    }
    Ok(Planned::Commit(change))
}

/// Changes it.
pub fn apply(
    region: &mut Region,
    change: &Change,
) -> Result<UpdateCustomKeyStoreResponse, KmsError> {
    let store = changed(region, change)?;
    region.put_key_store(store);
    Ok(UpdateCustomKeyStoreResponse {})
}

/// The key store as it will be, if all of it is allowed.
fn changed(region: &Region, change: &Change) -> Result<CustomKeyStore, KmsError> {
    let (store, update) = (&change.store, &change.update);
    let found = region.key_store(store.account, store.id.as_str())?;
    let mut changed = CustomKeyStore::clone(found);
    if let Some(name) = &change.name {
        region.check_key_store_name(store, name)?;
        changed.name = name.clone();
    }
    changed.backing = update.of(&found.backing)?;
    if !update.works_connected() {
        found.connection.must_be_disconnected()?;
    }
    if let (Backing::Cluster(cluster), Some(_)) = (&changed.backing, &update.cluster) {
        cluster.check_exists()?;
        cluster.check_related()?;
        cluster.check_ready()?;
    }
    if changed.backing != found.backing {
        region.check_backing_is_free(store, &changed.backing)?;
    }
    Ok(changed)
}

fn update(
    cx: &mut Context<'_>,
    store: &CustomKeyStore,
    request: &UpdateCustomKeyStoreRequest,
) -> Result<Update, KmsError> {
    let owner = &store.store;
    let password = request.key_store_password.as_ref();
    let credential = request.xks_proxy_authentication_credential.as_ref();
    let credential = match credential {
        None => None,
        Some(credential) => Some(Credential {
            access_key_id: required(&credential.access_key_id)?.clone(),
            secret: seal(cx, owner, required(&credential.raw_secret_access_key)?),
        }),
    };
    Ok(Update {
        password: password.map(|password| seal(cx, owner, password)),
        cluster: request.cloud_hsm_cluster_id.clone(),
        endpoint: request.xks_proxy_uri_endpoint.clone(),
        path: request.xks_proxy_uri_path.clone(),
        connectivity: new_connectivity(cx, store, request)?,
        credential,
    })
}

/// Connectivity and endpoint service, of which one may be named without the
/// other.
fn new_connectivity(
    cx: &Context<'_>,
    store: &CustomKeyStore,
    request: &UpdateCustomKeyStoreRequest,
) -> Result<Option<Connectivity>, KmsError> {
    let kind = &request.xks_proxy_connectivity;
    let service = &request.xks_proxy_vpc_endpoint_service_name;
    let owner = &request.xks_proxy_vpc_endpoint_service_owner;
    if kind.is_none() && service.is_none() && owner.is_none() {
        return Ok(None);
    }
    let before = match &store.backing {
        Backing::Proxy(proxy) => Some(&proxy.connectivity),
        Backing::Cluster(_) => None,
    };
    let (mut kept_service, mut kept_owner) = (service.clone(), owner.clone());
    let mut kind = kind.as_deref().unwrap_or("PUBLIC_ENDPOINT");
    if let Some(Connectivity::VpcEndpointService { name, owner }) = before
        && (request.xks_proxy_connectivity.is_none() || kind == "VPC_ENDPOINT_SERVICE")
    {
        kind = "VPC_ENDPOINT_SERVICE";
        kept_service.get_or_insert_with(|| name.clone());
        kept_owner.get_or_insert_with(|| owner.clone());
    }
    connectivity(kind, &kept_service, &kept_owner, cx).map(Some)
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::UpdateCustomKeyStoreRequest;

    use crate::fixture::{TestRegion, refusal};

    fn update(
        us: &mut TestRegion,
        store: &str,
        adjust: impl FnOnce(&mut UpdateCustomKeyStoreRequest),
    ) -> String {
        let mut request = UpdateCustomKeyStoreRequest {
            custom_key_store_id: Some(store.into()),
            ..Default::default()
        };
        adjust(&mut request);
        let answer = refusal(us.call(request));
        answer.split(':').next().unwrap().to_owned()
    }

    #[test]
    fn a_name_can_be_changed_at_any_time() {
        let mut us = TestRegion::new("us-east-1");
        let store = us.create_connected_key_store();
        us.create_key_store();
        let rename = |us: &mut TestRegion, name: &str| {
            update(us, &store, |it| {
                it.new_custom_key_store_name = Some(name.into())
            })
        };
        assert_eq!(rename(&mut us, "mine"), "success");
        assert_eq!(rename(&mut us, "mine"), "success", "its own name is free");
        assert_eq!(
            rename(&mut us, "store 1"),
            "CustomKeyStoreNameInUseException"
        );
        let names = us.key_stores().into_iter();
        assert!(
            names
                .filter_map(|it| it.custom_key_store_name)
                .any(|it| it == "mine")
        );
    }

    #[test]
    fn a_right_password_makes_the_connection_work() {
        let mut us = TestRegion::new("us-east-1");
        let store = us.create_key_store_as(|request| {
            request.key_store_password = Some("wrong-password".into());
        });
        let store = store.unwrap();
        us.connect(&store).unwrap();
        us.pass(1000);
        let right = |it: &mut UpdateCustomKeyStoreRequest| {
            it.key_store_password = Some("right-password".into())
        };
        assert_eq!(
            update(&mut us, &store, right),
            "CustomKeyStoreInvalidStateException",
            "failed is not disconnected"
        );
        us.disconnect(&store).unwrap();
        us.pass(1000);
        assert_eq!(update(&mut us, &store, right), "success");
        us.connect(&store).unwrap();
        us.pass(1000);
        assert_eq!(us.connection(&store), "CONNECTED");
    }

    #[test]
    fn keys_show_the_new_cluster() {
        let mut us = TestRegion::new("us-east-1");
        let store = us.create_connected_key_store();
        let key = us.create_in(&store);
        us.disconnect(&store).unwrap();
        us.pass(1000);
        let to = |us: &mut TestRegion, cluster: &str| {
            update(us, &store, |it| {
                it.cloud_hsm_cluster_id = Some(cluster.into())
            })
        };
        assert_eq!(
            to(&mut us, "cluster-strangeraaaa"),
            "CloudHsmClusterNotRelatedException"
        );
        assert_eq!(
            to(&mut us, "cluster-missingaaaaa"),
            "CloudHsmClusterNotFoundException"
        );
        assert_eq!(to(&mut us, "cluster-zzzzzzzzzzz"), "success");
        let shown = us.describe(&key).cloud_hsm_cluster_id;
        assert_eq!(shown.as_deref(), Some("cluster-zzzzzzzzzzz"));
    }

    #[test]
    fn members_of_the_other_type_are_refused() {
        let mut us = TestRegion::new("us-east-1");
        let store = us.create_key_store();
        let answer = update(&mut us, &store, |it| {
            it.xks_proxy_uri_path = Some("/kms/xks/v1".into())
        });
        assert_eq!(answer, "ValidationException");
    }
}
