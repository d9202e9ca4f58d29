//! Keys that an external key manager holds: every ciphertext is encrypted twice,
//! first under material that KMS has for the key, then by the proxy. Each alone
//! cannot open it (XKS Proxy API Specification, version 1 of the interface).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use meridian_crypto::{CiphertextKind, MaterialId, Proxied, context_digest};
use serde_json::{Value, json};

use crate::context::Context;
use crate::cryptography;
use crate::error::{ErrorCode, KmsError};
use crate::key::Key;
use crate::key_set::Origin;
use crate::key_store::failure::{Failure, success};
use crate::key_store::{Backing, CustomKeyStore, Halt, Proxy, ProxyQuestion, Told};
use crate::ops::Operation;
use crate::region::Region;

/// A use of a key in an external key store, and where its proxy is.
struct Use<'a> {
    operation: Operation,
    key: &'a Key,
    owner: &'a str,
    proxy: &'a Proxy,
    external_id: &'a str,
}

impl<'a> Use<'a> {
    fn of(region: &'a Region, operation: Operation, key: &'a Key) -> Result<Use<'a>, KmsError> {
        // A key in an external key store names it, and one that has keys stays.
        let broken = || KmsError::bare(ErrorCode::KMSInternalException);
        let custody = key.custody.as_ref().ok_or_else(broken)?;
        let store = region.key_store(key.key.account, custody.store.as_str())?;
        let Backing::Proxy(proxy) = &store.backing else {
            return Err(broken());
        };
        Ok(Use {
            operation,
            key,
            owner: custody.store.as_str(),
            proxy,
            external_id: custody.xks_key_id.as_deref().ok_or_else(broken)?,
        })
    }

    /// A question about the external key.
    fn question(
        &self,
        region: &Region,
        cx: &Context<'_>,
        what: &str,
        mut body: Value,
    ) -> Result<ProxyQuestion, KmsError> {
        let mut metadata = metadata(cx, self.operation);
        metadata["awsPrincipalArn"] = json!(cx.caller.principal);
        metadata["kmsKeyArn"] = json!(self.key.key.arn(region.name()));
        body["requestMetadata"] = metadata;
        body["encryptionAlgorithm"] = json!("AES_GCM");
        let path = format!("keys/{}/{what}", self.external_id);
        ProxyQuestion::new(region, cx.vault, self.owner, self.proxy, &path, &body)
    }

    fn ask_to_encrypt<'c>(
        &self,
        region: &Region,
        cx: &Context<'c>,
        context: &BTreeMap<String, String>,
        inner: Vec<u8>,
    ) -> Result<&'c Told, Halt> {
        let body = json!({
            "plaintext": STANDARD.encode(&inner),
            "additionalAuthenticatedData": STANDARD.encode(context_digest(context)),
            "ciphertextDataIntegrityValueAlgorithm": "SHA_256",
        });
        let mut question = self.question(region, cx, "encrypt", body)?;
        question.inner = Some(inner);
        cx.ask(question)
    }
}

fn metadata(cx: &Context<'_>, operation: Operation) -> Value {
    json!({
        "kmsOperation": operation.name(),
        "kmsRequestId": cx.caller.request_id,
    })
}

/// Encrypts under a key of any origin; under one in an external key store, in
/// two layers. Returns the ciphertext and the material of the inner one.
pub(crate) fn encrypt(
    region: &Region,
    cx: &mut Context<'_>,
    operation: Operation,
    key: &Key,
    kind: CiphertextKind,
    context: &BTreeMap<String, String>,
    plaintext: &[u8],
) -> Result<(Vec<u8>, MaterialId), Halt> {
    let (inner, material) = cryptography::encrypt(cx, key, kind, context, plaintext)?;
    if key.shared.origin != Origin::ExternalKeyStore {
        return Ok((inner, material));
    }
    let told = Use::of(region, operation, key)?.ask_to_encrypt(region, cx, context, inner)?;
    let inner = told.question.inner.as_deref().unwrap_or_default();
    let sealed = read_encrypted(key, context, inner, told).map_err(Failure::of_use)?;
    Ok((sealed.encode(), material))
}

/// What the proxy has encrypted for this call already, if it was asked: a data
/// key must not change between its two copies.
pub(crate) fn encrypted_before(
    region: &Region,
    cx: &Context<'_>,
    operation: Operation,
    key: &Key,
    context: &BTreeMap<String, String>,
) -> Result<Option<Vec<u8>>, KmsError> {
    if key.shared.origin != Origin::ExternalKeyStore {
        return Ok(None);
    }
    let it = Use::of(region, operation, key)?;
    match it.ask_to_encrypt(region, cx, context, Vec::new()) {
        Ok(told) => Ok(told.question.inner.clone()),
        Err(Halt::Ask(_)) => Ok(None),
        Err(Halt::Refused(error)) => Err(error),
    }
}

fn read_encrypted(
    key: &Key,
    context: &BTreeMap<String, String>,
    inner: &[u8],
    told: &Told,
) -> Result<Proxied, Failure> {
    let answer = success(&told.answer)?;
    let metadata = match &answer["ciphertextMetadata"] {
        Value::Null => Vec::new(),
        value => bytes(value)?,
    };
    let (iv, tag) = (
        bytes(&answer["initializationVector"])?,
        bytes(&answer["authenticationTag"])?,
    );
    let ciphertext = bytes(&answer["ciphertext"])?;
    let same_length = ciphertext.len() == inner.len();
    let sealed = Proxied::new(key.key.id, metadata, iv, &tag, ciphertext);
    let sealed = sealed.filter(|_| same_length).ok_or(Failure::Malformed)?;
    let claimed = bytes(&answer["ciphertextDataIntegrityValue"])?;
    if claimed != sealed.integrity_value(&context_digest(context)) {
        return Err(Failure::Malformed);
    }
    Ok(sealed)
}

/// Has the proxy open the outer layer of a ciphertext.
pub(crate) fn open(
    region: &Region,
    cx: &Context<'_>,
    operation: Operation,
    key: &Key,
    context: &BTreeMap<String, String>,
    sealed: &Proxied,
) -> Result<Vec<u8>, Halt> {
    let mut body = json!({
        "ciphertext": STANDARD.encode(&sealed.ciphertext),
        "additionalAuthenticatedData": STANDARD.encode(context_digest(context)),
        "initializationVector": STANDARD.encode(&sealed.iv),
        "authenticationTag": STANDARD.encode(sealed.tag),
    });
    if !sealed.metadata.is_empty() {
        body["ciphertextMetadata"] = json!(STANDARD.encode(&sealed.metadata));
    }
    let it = Use::of(region, operation, key)?;
    let told = cx.ask(it.question(region, cx, "decrypt", body)?)?;
    let answer = success(&told.answer).map_err(Failure::of_use)?;
    Ok(bytes(&answer["plaintext"]).map_err(Failure::of_use)?)
}

/// Asks whether the external key can be a KMS key.
pub(crate) fn check_external_key(
    region: &Region,
    cx: &Context<'_>,
    store: &CustomKeyStore,
    external_id: &str,
) -> Result<(), Halt> {
    let Backing::Proxy(proxy) = &store.backing else {
        return Ok(());
    };
    let mut metadata = metadata(cx, Operation::CreateKey);
    metadata["awsPrincipalArn"] = json!(cx.caller.principal);
    let body = json!({ "requestMetadata": metadata });
    let path = format!("keys/{external_id}/metadata");
    let owner = store.store.id.as_str();
    let question = ProxyQuestion::new(region, cx.vault, owner, proxy, &path, &body)?;
    let told = cx.ask(question)?;
    let answer = success(&told.answer).map_err(Failure::of_new_key)?;
    let (spec, status) = (answer["keySpec"].as_str(), answer["keyStatus"].as_str());
    let (Some(spec), Some(status), Some(usage)) = (spec, status, answer["keyUsage"].as_array())
    else {
        return Err(Failure::Malformed.of_new_key().into());
    };
    let can = |what: &str| usage.iter().any(|it| it.as_str() == Some(what));
    if status != "ENABLED" {
        return Err(Failure::InvalidState.of_new_key().into());
    }
    if spec != "AES_256" || !can("ENCRYPT") || !can("DECRYPT") {
        return Err(Failure::InvalidKeyUsage.of_new_key().into());
    }
    Ok(())
}

/// Asks whether the proxy is there and well.
pub(crate) fn check_health(
    region: &Region,
    cx: &Context<'_>,
    operation: Operation,
    owner: &str,
    proxy: &Proxy,
) -> Result<Result<(), Failure>, Halt> {
    let body = json!({ "requestMetadata": metadata(cx, operation) });
    let question = ProxyQuestion::new(region, cx.vault, owner, proxy, "health", &body)?;
    let told = cx.ask(question)?;
    Ok(success(&told.answer).and_then(|answer| read_health(&answer)))
}

fn read_health(answer: &Value) -> Result<(), Failure> {
    let fleet = answer["ekmFleetDetails"].as_array();
    let fleet = fleet.filter(|fleet| (1..=10).contains(&fleet.len()));
    let states = fleet.ok_or(Failure::Malformed)?.iter();
    let states: Vec<_> = states.map(|it| it["healthStatus"].as_str()).collect();
    if states
        .iter()
        .any(|it| matches!(it, Some("ACTIVE" | "DEGRADED")))
    {
        Ok(())
    } else if states.iter().all(|it| *it == Some("UNAVAILABLE")) {
        Err(Failure::Unavailable)
    } else {
        Err(Failure::Malformed)
    }
}

fn bytes(value: &Value) -> Result<Vec<u8>, Failure> {
    let text = value.as_str().ok_or(Failure::Malformed)?;
    STANDARD.decode(text).map_err(|_| Failure::Malformed)
}

#[cfg(test)]
mod tests;
