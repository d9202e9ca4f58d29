//! Where CreateKey puts a key whose bytes KMS does not hold by itself.

use meridian_proto::v1::CreateKeyRequest;
use serde::{Deserialize, Serialize};

use crate::arn::AccountId;
use crate::context::Context;
use crate::error::{ErrorCode, KmsError};
use crate::key_set::Origin;
use crate::key_store::{Custody, CustomKeyStore, Halt, StoreId, external};
use crate::region::Region;

/// The place of a key to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Residence {
    /// The key store.
    pub store: StoreId,
    /// The key in the external key manager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xks_key_id: Option<String>,
}

/// Where the key that a request asks for will be; nothing for keys that KMS
/// holds itself.
pub(crate) fn plan(
    region: &Region,
    cx: &Context<'_>,
    origin: Origin,
    request: &CreateKeyRequest,
) -> Result<Option<Residence>, Halt> {
    check_members(origin, request)?;
    let Some(store) = &request.custom_key_store_id else {
        return Ok(None);
    };
    let store = region.key_store(cx.caller.account, store)?;
    let residence = Residence {
        store: store.store.id.clone(),
        xks_key_id: request.xks_key_id.clone(),
    };
    if store.backing.origin() != origin {
        // fidelity: assumed, AWS does not say how it refuses an origin that is not that
        // of the key store.
        return Err(KmsError::unsupported(format!(
            "Origin {} is not that of keys in this custom key store.",
            origin.name()
        ))
        .into());
    }
    custody(region, cx.caller.account, &residence)?;
    if let Some(id) = &request.xks_key_id {
        external::check_external_key(region, cx, store, id)?;
    }
    Ok(Some(residence))
}

/// What a key in this place would know of its key store, if it can be there.
pub(crate) fn custody(
    region: &Region,
    account: AccountId,
    residence: &Residence,
) -> Result<Custody, KmsError> {
    let store = region.key_store(account, residence.store.as_str())?;
    store.connection.must_be_connected()?;
    check_external_key_is_free(region, store, residence)?;
    Ok(Custody::new(store, residence.xks_key_id.clone()))
}

/// One key of KMS at most for each key of the external key manager.
fn check_external_key_is_free(
    region: &Region,
    store: &CustomKeyStore,
    residence: &Residence,
) -> Result<(), KmsError> {
    let Some(id) = &residence.xks_key_id else {
        return Ok(());
    };
    let taken = |custody: &Custody| custody.xks_key_id.as_ref() == Some(id);
    let mut others = region.keys_in(&store.store);
    if others.any(|key| key.custody.as_ref().is_some_and(taken)) {
        return Err(KmsError::new(
            ErrorCode::XksKeyAlreadyInUseException,
            format!("The external key {id} is that of another KMS key in this key store."),
        ));
    }
    Ok(())
}

/// The members about key stores have to fit the origin and each other.
// fidelity: assumed, AWS's texts about parameters of keys in custom key stores are not recorded.
fn check_members(origin: Origin, request: &CreateKeyRequest) -> Result<(), KmsError> {
    if origin != Origin::ExternalKeyStore && request.xks_key_id.is_some() {
        return Err(KmsError::validation(
            "XksKeyId is valid only for keys of origin EXTERNAL_KEY_STORE.",
        ));
    }
    if !origin.is_custom() {
        return match request.custom_key_store_id {
            None => Ok(()),
            Some(_) => Err(KmsError::validation(format!(
                "CustomKeyStoreId is not valid for keys of origin {}.",
                origin.name()
            ))),
        };
    }
    let origin = origin.name();
    if request.custom_key_store_id.is_none() {
        return Err(KmsError::validation(format!(
            "CustomKeyStoreId is required for keys of origin {origin}."
        )));
    }
    if origin == Origin::ExternalKeyStore.name() && request.xks_key_id.is_none() {
        return Err(KmsError::validation(format!(
            "XksKeyId is required for keys of origin {origin}."
        )));
    }
    let spec = request.key_spec.as_deref();
    let spec = spec.or(request.customer_master_key_spec.as_deref());
    if spec.is_some_and(|spec| spec != "SYMMETRIC_DEFAULT") {
        return Err(KmsError::unsupported(format!(
            "Only symmetric encryption keys can have origin {origin}."
        )));
    }
    if request.multi_region == Some(true) {
        return Err(KmsError::unsupported(format!(
            "A multi-Region key cannot have origin {origin}."
        )));
    }
    Ok(())
}
