//! The part of the story about custom key stores, in a region of its own.

use meridian_kms::Change;
use meridian_proto::v1::*;

use crate::fixture::ANCHOR;
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
    sa
}
