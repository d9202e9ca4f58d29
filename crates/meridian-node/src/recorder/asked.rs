//! What a history says of a request before it is carried out.

use std::collections::BTreeMap;

use bytes::Bytes;
use meridian_crypto::{Fingerprints, MaterialId};
use meridian_kms::cryptography::SYMMETRIC_DEFAULT;
use meridian_kms::{Caller, KeyRef, Region, RegionName, Request};
use meridian_proto::v1::DecryptRequest;

use crate::recorder::keepsake::Keepsake;

/// The parts of a request that a promise may be about.
#[derive(Default)]
pub struct Asked {
    /// The key, as the called node finds it.
    pub key: Option<KeyRef>,
    /// The description that the call sets.
    pub description: Option<String>,
    /// The region that the call names.
    pub to: Option<usize>,
    /// What a ciphertext is known to hold, and the material that made it.
    pub ciphertext: Option<(String, MaterialId)>,
    /// The fingerprint of the ciphertext, if it has to open wherever its key is
    /// usable.
    pub opens: Option<String>,
    /// The fingerprint of what is to be encrypted, if the caller brings it.
    pub text: Option<String>,
    /// The context of the ciphertext that the call makes.
    pub context: BTreeMap<String, String>,
    /// The ciphertext that the call opens.
    pub blob: Option<Bytes>,
}

impl Asked {
    /// Reads a request at a node that has this view of its region.
    pub fn of(
        caller: &Caller,
        request: &Request,
        region: &Region,
        regions: &[RegionName],
        fingerprints: &Fingerprints,
        keepsake: &Keepsake,
    ) -> Asked {
        let meant = |name: &str| region.meant(caller, name);
        let place = |name: &Option<String>| {
            let name = name.as_deref()?;
            regions.iter().position(|it| it.as_str() == name)
        };
        let key = request.named_key().and_then(meant);
        let asked = Asked {
            key,
            ..Asked::default()
        };
        match request {
            Request::UpdateKeyDescription(request) => Asked {
                description: request.description.clone(),
                ..asked
            },
            Request::ReplicateKey(request) => Asked {
                to: place(&request.replica_region),
                ..asked
            },
            Request::UpdatePrimaryRegion(request) => Asked {
                to: place(&request.primary_region),
                ..asked
            },
            Request::Encrypt(request) => Asked {
                text: request.plaintext.as_ref().map(|it| fingerprints.of(it)),
                context: request.encryption_context.clone(),
                ..asked
            },
            Request::GenerateDataKey(request) => Asked {
                context: request.encryption_context.clone(),
                ..asked
            },
            Request::GenerateDataKeyWithoutPlaintext(request) => Asked {
                context: request.encryption_context.clone(),
                ..asked
            },
            Request::ReEncrypt(request) => {
                let blob = request.ciphertext_blob.as_ref();
                let known = blob.and_then(|blob| keepsake.known(blob));
                Asked {
                    text: known.and_then(|known| known.text.clone()),
                    context: request.destination_encryption_context.clone(),
                    ..asked
                }
            }
            Request::Decrypt(request) => {
                let made_by = made_by(caller, request);
                let has_to_open = has_to_open(request, made_by, meant);
                let opens = has_to_open.zip(request.ciphertext_blob.as_ref());
                let known = opens.and_then(|(key, blob)| {
                    let kept = keepsake.known(blob)?;
                    let alike = kept.key == key && kept.context == request.encryption_context;
                    alike.then(|| Some((kept.text.clone()?, kept.material)))?
                });
                let context = &request.encryption_context;
                let opens =
                    opens.map(|(key, blob)| ciphertext_print(fingerprints, &key, context, blob));
                Asked {
                    key: key.or(made_by),
                    ciphertext: known,
                    opens,
                    blob: request.ciphertext_blob.clone(),
                    ..asked
                }
            }
            _ => asked,
        }
    }
}

/// The key that a ciphertext names.
fn made_by(caller: &Caller, request: &DecryptRequest) -> Option<KeyRef> {
    let header = meridian_crypto::parse(request.ciphertext_blob.as_ref()?)?;
    Some(KeyRef {
        account: caller.account,
        id: header.key_id,
    })
}

/// The key whose ciphertext the request opens, if it has to succeed wherever that
/// key is usable and the context is the one of its making: nothing else differs
/// from how the ciphertext was made.
fn has_to_open(
    request: &DecryptRequest,
    made_by: Option<KeyRef>,
    meant: impl Fn(&str) -> Option<KeyRef>,
) -> Option<KeyRef> {
    let algorithm = request.encryption_algorithm.as_deref();
    let named = request.key_id.as_deref().map(meant);
    let plain = named.is_none_or(|named| named == made_by)
        && algorithm.is_none_or(|algorithm| algorithm == SYMMETRIC_DEFAULT)
        && request.grant_tokens.is_empty()
        && request.recipient.is_none()
        && request.dry_run != Some(true);
    made_by.filter(|_| plain)
}

/// The fingerprint of a ciphertext together with what has to be named to open it.
pub fn ciphertext_print(
    fingerprints: &Fingerprints,
    key: &KeyRef,
    context: &BTreeMap<String, String>,
    blob: &[u8],
) -> String {
    let named = serde_json::to_vec(&(key, context)).expect("texts are representable");
    fingerprints.of(&[named.as_slice(), blob].concat())
}
