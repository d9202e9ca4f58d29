//! HotMaterial: opened material, ready for use.

use zeroize::Zeroizing;

use crate::Material;
use crate::keyed_hash::KeyedHash;

/// Material that a vault has opened, in the form requests use it: an HMAC state
/// from which every message gets its own key. The material's bytes themselves
/// are not kept. Wiped when the last user drops it.
pub struct HotMaterial(KeyedHash);

impl HotMaterial {
    pub(crate) fn new(material: &Material) -> Self {
        Self(KeyedHash::new(material.as_bytes()))
    }

    /// The key of the one message that has this salt.
    pub(crate) fn message_key(&self, salt: &[u8]) -> Zeroizing<[u8; 32]> {
        self.0.derive("meridian message v1", &[salt])
    }
}
