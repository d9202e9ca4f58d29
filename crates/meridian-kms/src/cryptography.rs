//! Which material a cryptographic operation uses, and the parameters that all
//! of them share.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use meridian_crypto::{CiphertextKind, HotMaterial, MaterialId, Proxied, Vault};
use zeroize::Zeroizing;

use crate::arn::{KeyRef, KmsArn, RegionName};
use crate::asymmetric;
use crate::context::Context;
use crate::error::{ErrorCode, KmsError};
use crate::key::Key;
use crate::key_set::Origin;
use crate::key_state::KeyState;
use crate::key_store::{Halt, external};
use crate::ops::Operation;
use crate::planted::{Bug, is_planted};
use crate::region::Region;

/// The one algorithm of symmetric keys.
pub const SYMMETRIC_DEFAULT: &str = "SYMMETRIC_DEFAULT";

/// What asks for such a dry run.
const IGNORE_CIPHERTEXT: &str = "IGNORE_CIPHERTEXT";

/// Encrypts under the key's current material. Returns the ciphertext and the
/// material's ID.
pub(crate) fn encrypt(
    cx: &mut Context<'_>,
    key: &Key,
    kind: CiphertextKind,
    context: &BTreeMap<String, String>,
    plaintext: &[u8],
) -> Result<(Vec<u8>, MaterialId), KmsError> {
    let current = key
        .shared
        .current()
        .map(|material| material.id)
        .ok_or_else(internal)?;
    let hot = open(cx.vault, key, &current)?.ok_or_else(internal)?;
    let blob = meridian_crypto::encrypt(
        &hot,
        kind,
        &key.key.id,
        &current,
        context,
        plaintext,
        cx.entropy,
    );
    Ok((blob, current))
}

/// What a ciphertext decrypted to.
pub(crate) struct Decrypted {
    pub key: KeyRef,
    /// None for keys whose materials have no ID that AWS shows: asymmetric ones
    /// and those in a custom key store.
    pub material: Option<MaterialId>,
    pub algorithm: &'static str,
    pub plaintext: Zeroizing<Vec<u8>>,
}

/// What Decrypt and the source side of ReEncrypt are given.
pub(crate) struct Source<'a> {
    pub operation: Operation,
    pub blob: &'a [u8],
    pub key_id: Option<&'a str>,
    pub algorithm: &'a Option<String>,
    pub context: &'a BTreeMap<String, String>,
}

impl Source<'_> {
    /// The permission that it takes.
    pub(crate) fn action(&self) -> &'static str {
        match self.operation {
            Operation::ReEncrypt => "kms:ReEncryptFrom",
            operation => operation.action(),
        }
    }
}

/// Decrypts under the material that the ciphertext names.
pub(crate) fn decrypt(
    region: &Region,
    cx: &mut Context<'_>,
    source: &Source<'_>,
) -> Result<Decrypted, Halt> {
    if is_asymmetric(source.algorithm) {
        if source.key_id.is_none() {
            // Only a symmetric ciphertext says by itself which key it needs.
            return Err(KmsError::validation("KeyId must not be null").into());
        }
        return Ok(asymmetric::decrypt(region, cx, source)?);
    }
    let action = source.action();
    let named = match source.key_id {
        // Recorded: a related key's ARN is the wrong key, not an unknown one.
        Some(id) if names_another_region(id, region.name()) => return Err(incorrect_key().into()),
        Some(id) => {
            let naming = crate::admission::Naming::KeyOrAlias;
            Some(region.find_allowed(cx, action, id, naming)?)
        }
        None => {
            region.check_grant_tokens(cx)?;
            None
        }
    };
    let sealed = Proxied::parse(source.blob);
    let made_by = match &sealed {
        Some(sealed) => sealed.key_id,
        None => {
            meridian_crypto::parse(source.blob)
                .ok_or_else(invalid_ciphertext)?
                .key_id
        }
    };
    let key = match named {
        Some(key) if key.key.id == made_by => key,
        Some(_) => return Err(incorrect_key().into()),
        None => {
            let key = region.key_by_id(cx.caller.account, made_by);
            let key = key.ok_or_else(no_visible_key)?;
            let allowed = region.authorize_by_ciphertext(cx, action, key);
            if key.key.account == cx.caller.account {
                allowed?;
            } else {
                allowed.map_err(|_| no_visible_key())?;
            }
            key
        }
    };
    region.check(source.operation, key)?;
    cx.note_use(key.key);
    let external = key.shared.origin == Origin::ExternalKeyStore;
    let blob = match &sealed {
        // Neither layer is enough by itself.
        _ if external != sealed.is_some() => return Err(invalid_ciphertext().into()),
        Some(sealed) => {
            let context = source.context;
            let inner = external::open(region, cx, source.operation, key, context, sealed)?;
            Cow::Owned(inner)
        }
        None => Cow::Borrowed(source.blob),
    };
    let header = meridian_crypto::parse(&blob).ok_or_else(invalid_ciphertext)?;
    if header.key_id != key.key.id {
        return Err(invalid_ciphertext().into());
    }
    let id = header.material_id;
    // A material that is only pending has encrypted nothing yet, unless another
    // region has switched to it already (R2).
    let rotating_to = key
        .shared
        .rotation
        .as_ref()
        .map(|rotation| rotation.material);
    let usable = key.shared.permanent().any(|material| material.id == id);
    let prepared = rotating_to == Some(id) && !is_planted(Bug::PreparedDoesNotDecrypt);
    if !usable && !prepared {
        return Err(invalid_ciphertext().into());
    }
    let Some(hot) = open(cx.vault, key, &id)? else {
        return Err(KeyState::PendingImport
            .refusal(key.key.arn_in(region.name()))
            .into());
    };
    let plaintext =
        meridian_crypto::decrypt(&hot, &blob, source.context).ok_or_else(invalid_ciphertext)?;
    Ok(Decrypted {
        key: key.key,
        material: (!key.shared.origin.is_custom()).then_some(id),
        algorithm: SYMMETRIC_DEFAULT,
        plaintext,
    })
}

/// Opens what KMS has encrypted under this key a moment ago.
pub(crate) fn reopen(
    vault: &Vault,
    key: &Key,
    blob: &[u8],
    context: &BTreeMap<String, String>,
) -> Result<Zeroizing<Vec<u8>>, KmsError> {
    let header = meridian_crypto::parse(blob).ok_or_else(internal)?;
    let hot = open(vault, key, &header.material_id)?.ok_or_else(internal)?;
    meridian_crypto::decrypt(&hot, blob, context).ok_or_else(internal)
}

/// True for a well-formed ARN of a key or alias in another region.
fn names_another_region(key_id: &str, here: &RegionName) -> bool {
    KmsArn::parse(key_id).is_ok_and(|arn| arn.region != here.as_str())
}

/// Opens a material whose bytes are here; nothing if they are not.
pub(crate) fn open(
    vault: &Vault,
    key: &Key,
    id: &MaterialId,
) -> Result<Option<Arc<HotMaterial>>, KmsError> {
    let Some(sealed) = key.sealed(id) else {
        return Ok(None);
    };
    vault
        .open(&key.key.id, id, sealed)
        .map(Some)
        .map_err(|_| internal())
}

/// Does the request ask for another algorithm than that of symmetric keys?
pub(crate) fn is_asymmetric(algorithm: &Option<String>) -> bool {
    algorithm
        .as_deref()
        .is_some_and(|algorithm| algorithm != SYMMETRIC_DEFAULT)
}

/// A dry run ends here: everything would have worked.
pub(crate) fn stop_dry_run(dry_run: Option<bool>) -> Result<(), KmsError> {
    match dry_run {
        Some(true) => Err(KmsError::new(
            ErrorCode::DryRunOperationException,
            "The request would have succeeded, but the DryRun option is set.",
        )),
        Some(false) | None => Ok(()),
    }
}

/// Does a dry run leave the ciphertext alone, and only check the caller?
pub(crate) fn ignores_ciphertext(dry_run: Option<bool>, modifiers: &[String]) -> bool {
    dry_run == Some(true) && modifiers.iter().any(|it| it == IGNORE_CIPHERTEXT)
}

/// A ciphertext, or its context, that does not open.
pub(crate) fn invalid_ciphertext() -> KmsError {
    KmsError::bare(ErrorCode::InvalidCiphertextException)
}

/// The request names another key than the ciphertext.
pub(crate) fn incorrect_key() -> KmsError {
    KmsError::new(
        ErrorCode::IncorrectKeyException,
        "The key ID in the request does not identify a CMK that can perform this operation.",
    )
}

fn no_visible_key() -> KmsError {
    KmsError::new(
        ErrorCode::AccessDeniedException,
        "The ciphertext refers to a customer master key that does not exist, does not exist in \
         this region, or you are not allowed to access.",
    )
}

/// State and vault do not fit together: a fault of the service.
pub(crate) fn internal() -> KmsError {
    KmsError::bare(ErrorCode::KMSInternalException)
}

/// The ARN of a key in a region, as responses name it.
pub(crate) fn arn(key: &KeyRef, region: &RegionName) -> Option<String> {
    Some(key.arn(region))
}
