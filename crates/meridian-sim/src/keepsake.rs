//! What clients keep: the keys that they know of, and ciphertexts.

use bytes::Bytes;
use meridian_crypto::MaterialId;
use meridian_kms::{KeyRef, Request};
use meridian_proto::v1::DecryptRequest;

use crate::call::ACCOUNT;
use crate::errand::Errand;

/// A key that some client has created.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    pub(crate) key: KeyRef,
    /// With imported material?
    pub(crate) external: bool,
}

/// A ciphertext, and what it holds.
pub(crate) struct Kept {
    pub(crate) key: KeyRef,
    pub(crate) text: String,
    pub(crate) material: MaterialId,
    pub(crate) blob: Bytes,
}

/// Everything that is kept.
#[derive(Default)]
pub(crate) struct Keepsake {
    pub(crate) keys: Vec<Known>,
    pub(crate) ciphertexts: Vec<Kept>,
}

impl Keepsake {
    /// CreateKey has answered with this key ID.
    pub(crate) fn key_created(&mut self, id: &str, errand: &Errand) {
        let (Ok(account), Ok(id)) = (ACCOUNT.parse(), id.parse()) else {
            return;
        };
        let external = matches!(
            &errand.request,
            Request::CreateKey(request) if request.origin.as_deref() == Some("EXTERNAL")
        );
        self.keys.push(Known {
            key: KeyRef { account, id },
            external,
        });
    }

    /// Encrypt has answered; returns the material that the ciphertext names.
    pub(crate) fn encrypted(
        &mut self,
        key: KeyRef,
        _region: usize,
        text: Option<Vec<u8>>,
        blob: Bytes,
    ) -> Option<MaterialId> {
        let material = meridian_crypto::parse(&blob)?.material_id;
        let text = String::from_utf8(text?).ok()?;
        self.ciphertexts.push(Kept {
            key,
            text,
            material,
            blob,
        });
        Some(material)
    }

    /// An errand that decrypts a kept ciphertext.
    pub(crate) fn decrypt(&self, index: usize) -> Errand {
        let kept = &self.ciphertexts[index];
        let request = DecryptRequest {
            ciphertext_blob: Some(kept.blob.clone()),
            ..Default::default()
        };
        Errand {
            key: Some(kept.key),
            ciphertext: Some((kept.text.clone(), kept.material)),
            words: format!("of {:?}", kept.text),
            ..Errand::new(Request::Decrypt(request))
        }
    }
}
