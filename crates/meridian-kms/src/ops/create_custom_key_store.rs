//! CreateCustomKeyStore: a custom key store on a CloudHSM cluster or on the
//! proxy of an external key manager. It starts disconnected.

use meridian_crypto::SealedSecret;
use meridian_proto::v1::{CreateCustomKeyStoreRequest, CreateCustomKeyStoreResponse};
use serde::{Deserialize, Serialize};

use crate::admission::required;
use crate::context::Context;
use crate::error::KmsError;
use crate::key_store::{
    Backing, Cluster, Connection, Connectivity, Credential, CustomKeyStore, Halt, Proxy, StoreId,
    StoreRef, external,
};
use crate::ops::{Operation, Planned};
use crate::region::Region;

/// The key store to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    store: StoreRef,
    name: String,
    backing: Backing,
}

/// Checks the parameters, chooses the ID and seals the secrets.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &CreateCustomKeyStoreRequest,
) -> Result<Planned<Change, CreateCustomKeyStoreResponse>, Halt> {
    let name = required(&request.custom_key_store_name)?.clone();
    let mut random = [0; 9];
    cx.entropy.fill(&mut random);
    let store = StoreRef {
        account: cx.caller.account,
        id: StoreId::from_random(random),
    };
    let backing = match request.custom_key_store_type.as_deref() {
        Some("EXTERNAL_KEY_STORE") => Backing::Proxy(proxy(cx, &store, request)?),
        _ => Backing::Cluster(cluster(cx, &store, request)?),
    };
    let change = Change {
        store,
        name,
        backing,
    };
    check(region, &change)?;
    if let Backing::Proxy(proxy) = &change.backing {
        let (operation, owner) = (Operation::CreateCustomKeyStore, change.store.id.as_str());
        external::check_health(region, cx, operation, owner, proxy)?
            .map_err(|failure| failure.of_store())?;
    }
    Ok(Planned::Commit(change))
}

/// Creates the key store.
pub fn apply(
    region: &mut Region,
    change: &Change,
) -> Result<CreateCustomKeyStoreResponse, KmsError> {
    check(region, change)?;
    let Change {
        store,
        name,
        backing,
    } = change.clone();
    let id = store.id.to_string();
    region.put_key_store(CustomKeyStore {
        store,
        name,
        created: region.now(),
        connection: Connection::Disconnected,
        backing,
    });
    Ok(CreateCustomKeyStoreResponse {
        custom_key_store_id: Some(id),
    })
}

fn check(region: &Region, change: &Change) -> Result<(), KmsError> {
    region.check_key_store_quota(change.store.account)?;
    region.check_key_store_name(&change.store, &change.name)?;
    if let Backing::Cluster(cluster) = &change.backing {
        cluster.check_exists()?;
        region.check_backing_is_free(&change.store, &change.backing)?;
        cluster.check_ready()?;
        return cluster.check_trust_anchor();
    }
    region.check_backing_is_free(&change.store, &change.backing)
}

fn cluster(
    cx: &mut Context<'_>,
    store: &StoreRef,
    request: &CreateCustomKeyStoreRequest,
) -> Result<Cluster, KmsError> {
    if request.xks_proxy_uri_endpoint.is_some()
        || request.xks_proxy_uri_path.is_some()
        || request.xks_proxy_connectivity.is_some()
        || request.xks_proxy_authentication_credential.is_some()
        || request.xks_proxy_vpc_endpoint_service_name.is_some()
        || request.xks_proxy_vpc_endpoint_service_owner.is_some()
    {
        return Err(not_for_this_type("AWS_CLOUDHSM"));
    }
    let password = member("KeyStorePassword", &request.key_store_password)?;
    Ok(Cluster {
        id: member("CloudHsmClusterId", &request.cloud_hsm_cluster_id)?,
        trust_anchor: member("TrustAnchorCertificate", &request.trust_anchor_certificate)?,
        password: seal(cx, store, &password),
    })
}

fn proxy(
    cx: &mut Context<'_>,
    store: &StoreRef,
    request: &CreateCustomKeyStoreRequest,
) -> Result<Proxy, KmsError> {
    if request.cloud_hsm_cluster_id.is_some()
        || request.trust_anchor_certificate.is_some()
        || request.key_store_password.is_some()
    {
        return Err(not_for_this_type("EXTERNAL_KEY_STORE"));
    }
    let connectivity = member("XksProxyConnectivity", &request.xks_proxy_connectivity)?;
    let service = &request.xks_proxy_vpc_endpoint_service_name;
    let owner = &request.xks_proxy_vpc_endpoint_service_owner;
    let credential = &request.xks_proxy_authentication_credential;
    let credential = member("XksProxyAuthenticationCredential", credential)?;
    let secret = required(&credential.raw_secret_access_key)?;
    Ok(Proxy {
        connectivity: self::connectivity(&connectivity, service, owner, cx)?,
        endpoint: member("XksProxyUriEndpoint", &request.xks_proxy_uri_endpoint)?,
        path: member("XksProxyUriPath", &request.xks_proxy_uri_path)?,
        credential: Credential {
            access_key_id: required(&credential.access_key_id)?.clone(),
            secret: seal(cx, store, secret),
        },
    })
}

/// A public proxy has no endpoint service, any other has to have one.
pub(crate) fn connectivity(
    connectivity: &str,
    service: &Option<String>,
    owner: &Option<String>,
    cx: &Context<'_>,
) -> Result<Connectivity, KmsError> {
    if connectivity == "PUBLIC_ENDPOINT" {
        if service.is_some() || owner.is_some() {
            // fidelity: assumed, AWS's text for a public proxy with an endpoint service is
            // not recorded.
            return Err(KmsError::validation(
                "A VPC endpoint service cannot be given for PUBLIC_ENDPOINT connectivity.",
            ));
        }
        return Ok(Connectivity::PublicEndpoint);
    }
    Ok(Connectivity::VpcEndpointService {
        name: member("XksProxyVpcEndpointServiceName", service)?,
        owner: match owner {
            Some(owner) => owner.clone(),
            None => cx.caller.account.to_string(),
        },
    })
}

/// Seals a secret of a key store.
pub(crate) fn seal(cx: &mut Context<'_>, store: &StoreRef, secret: &str) -> SealedSecret {
    cx.vault
        .seal_secret(store.id.as_str(), secret.as_bytes(), cx.entropy)
}

/// A member that this type of key store has to have.
fn member<T: Clone>(name: &str, member: &Option<T>) -> Result<T, KmsError> {
    // fidelity: assumed, AWS's texts for members that only one type of key store has
    // are not recorded.
    let missing = || KmsError::validation(format!("{name} is required for this custom key store."));
    member.clone().ok_or_else(missing)
}

fn not_for_this_type(kind: &str) -> KmsError {
    KmsError::validation(format!(
        "A parameter is not valid for a custom key store of type {kind}."
    ))
}

#[cfg(test)]
mod tests {
    use crate::fixture::{TestRegion, refusal};

    fn code<T>(result: Result<T, crate::KmsError>) -> &'static str {
        result.err().map_or("success", |error| error.code.name())
    }

    #[test]
    fn a_cluster_serves_one_key_store() {
        let mut us = TestRegion::new("us-east-1");
        us.create_key_store();
        let again = us.create_key_store_as(|request| {
            request.cloud_hsm_cluster_id = Some("cluster-aaaaaaaaaaa".into());
        });
        assert_eq!(
            refusal(again),
            "CloudHsmClusterInUseException: Another custom key store in this Region has this \
             cluster."
        );
    }

    #[test]
    fn a_name_is_used_once_in_an_account() {
        let mut us = TestRegion::new("us-east-1");
        us.create_key_store();
        let named = |us: &mut TestRegion| {
            us.create_key_store_as(|request| request.custom_key_store_name = Some("store 0".into()))
        };
        assert_eq!(code(named(&mut us)), "CustomKeyStoreNameInUseException");
        us.caller.account = "999999999999".parse().unwrap();
        assert_eq!(code(named(&mut us)), "success");
    }

    #[test]
    fn an_account_has_ten_at_most() {
        let mut us = TestRegion::new("us-east-1");
        for _ in 0..10 {
            us.create_key_store();
        }
        let eleventh = us.create_key_store_as(|_| ());
        assert_eq!(code(eleventh), "LimitExceededException");
    }

    #[test]
    fn the_id_of_a_cluster_says_what_is_wrong_with_it() {
        let mut us = TestRegion::new("us-east-1");
        for (id, answer) in [
            ("cluster-missingaaaaa", "CloudHsmClusterNotFoundException"),
            ("cluster-inactiveaaaa", "CloudHsmClusterNotActiveException"),
            (
                "cluster-brokenaaaaaa",
                "CloudHsmClusterInvalidConfigurationException",
            ),
        ] {
            let refused = us.create_key_store_as(|request| {
                request.cloud_hsm_cluster_id = Some(id.into());
            });
            assert_eq!(code(refused), answer);
        }
        let anchor = us.create_key_store_as(|request| {
            request.trust_anchor_certificate = Some("no certificate".into());
        });
        assert_eq!(code(anchor), "IncorrectTrustAnchorException");
    }

    #[test]
    fn each_type_has_members_of_its_own() {
        let mut us = TestRegion::new("us-east-1");
        let missing = us.create_key_store_as(|request| request.key_store_password = None);
        assert_eq!(
            refusal(missing),
            "ValidationException: KeyStorePassword is required for this custom key store."
        );
        let both = us.create_key_store_as(|request| {
            request.xks_proxy_connectivity = Some("PUBLIC_ENDPOINT".into());
        });
        assert_eq!(
            refusal(both),
            "ValidationException: A parameter is not valid for a custom key store of type \
             AWS_CLOUDHSM."
        );
    }
}
