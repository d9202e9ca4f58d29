//! The part of the story about custom key stores, in a region of its own.

use meridian_kms::{Change, ProxyAnswer};
use meridian_proto::v1::*;

use crate::fixture::key_stores::ANCHOR;
use crate::story::Recorded;

/// Where it happens.
pub const REGION: &str = "sa-east-1";

/// Plays it from the beginning.
pub fn play() -> Recorded {
    let mut sa = Recorded::new(REGION);
    let created = sa.call(CreateCustomKeyStoreRequest {
        custom_key_store_name: Some("golden".into()),
        cloud_hsm_cluster_id: Some("cluster-aaaaaaaaaaa".into()),
        trust_anchor_certificate: Some(ANCHOR.into()),
        key_store_password: Some("password".into()),
        ..Default::default()
    });
    let custom_key_store_id = created.custom_key_store_id;
    let pass = |sa: &mut Recorded| {
        sa.it.now = sa.it.now.plus_ms(1000);
        sa.commit(Change::Tick);
    };
    sa.call(UpdateCustomKeyStoreRequest {
        custom_key_store_id: custom_key_store_id.clone(),
        new_custom_key_store_name: Some("renamed".into()),
        key_store_password: Some("wrong password".into()),
        ..Default::default()
    });
    let connect = ConnectCustomKeyStoreRequest {
        custom_key_store_id: custom_key_store_id.clone(),
    };
    let disconnect = DisconnectCustomKeyStoreRequest {
        custom_key_store_id: custom_key_store_id.clone(),
    };
    sa.call(connect.clone());
    pass(&mut sa);
    sa.call(disconnect.clone());
    pass(&mut sa);
    sa.call(UpdateCustomKeyStoreRequest {
        custom_key_store_id: custom_key_store_id.clone(),
        key_store_password: Some("password".into()),
        cloud_hsm_cluster_id: Some("cluster-bbbbbbbbbbb".into()),
        ..Default::default()
    });
    sa.call(connect);
    pass(&mut sa);
    sa.call(CreateKeyRequest {
        origin: Some("AWS_CLOUDHSM".into()),
        custom_key_store_id,
        ..Default::default()
    });
    let other = sa.call(CreateCustomKeyStoreRequest {
        custom_key_store_name: Some("deleted".into()),
        cloud_hsm_cluster_id: Some("cluster-ccccccccccc".into()),
        trust_anchor_certificate: Some(ANCHOR.into()),
        key_store_password: Some("password".into()),
        ..Default::default()
    });
    sa.call(DeleteCustomKeyStoreRequest {
        custom_key_store_id: other.custom_key_store_id,
    });
    sa.call(disconnect);
    external(&mut sa);
    sa
}

/// An external key store with a key, and another path to its proxy.
fn external(sa: &mut Recorded) {
    sa.it.proxy = |question| {
        let body = match question.path.ends_with("/health") {
            true => r#"{"ekmFleetDetails":[{"healthStatus":"ACTIVE"}]}"#,
            false => {
                r#"{"keySpec":"AES_256","keyUsage":["ENCRYPT","DECRYPT"],"keyStatus":"ENABLED"}"#
            }
        };
        ProxyAnswer::Responded {
            status: 200,
            body: body.into(),
        }
    };
    let created = sa.call(CreateCustomKeyStoreRequest {
        custom_key_store_name: Some("external".into()),
        custom_key_store_type: Some("EXTERNAL_KEY_STORE".into()),
        xks_proxy_connectivity: Some("VPC_ENDPOINT_SERVICE".into()),
        xks_proxy_uri_endpoint: Some("https://xks.example.com".into()),
        xks_proxy_uri_path: Some("/kms/xks/v1".into()),
        xks_proxy_vpc_endpoint_service_name: Some(
            "com.amazonaws.vpce.sa-east-1.vpce-svc-0123456789abcdef0".into(),
        ),
        xks_proxy_authentication_credential: Some(XksProxyAuthenticationCredential {
            access_key_id: Some("ABCDEFGHIJKLMNOPQRST".into()),
            raw_secret_access_key: Some("secret".repeat(8)),
        }),
        ..Default::default()
    });
    let custom_key_store_id = created.custom_key_store_id;
    sa.call(ConnectCustomKeyStoreRequest {
        custom_key_store_id: custom_key_store_id.clone(),
    });
    sa.it.now = sa.it.now.plus_ms(1000);
    sa.commit(Change::Tick);
    sa.call(CreateKeyRequest {
        origin: Some("EXTERNAL_KEY_STORE".into()),
        custom_key_store_id: custom_key_store_id.clone(),
        xks_key_id: Some("external-key".into()),
        ..Default::default()
    });
    sa.call(UpdateCustomKeyStoreRequest {
        custom_key_store_id,
        xks_proxy_uri_path: Some("/moved/kms/xks/v1".into()),
        ..Default::default()
    });
}
