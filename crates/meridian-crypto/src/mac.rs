//! HMAC keys of the specs `HMAC_224` to `HMAC_512` (FIPS 198-1).

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha224, Sha256, Sha384, Sha512};

use crate::KeySpec;

/// The longest HMAC key that AWS imports: 1024 bits.
pub(crate) const MAC_KEY_BYTES_MAX: usize = 128;

/// An HMAC state with its key already worked in. Wiped on drop.
pub(crate) enum MacKey {
    Sha224(Hmac<Sha224>),
    Sha256(Hmac<Sha256>),
    Sha384(Hmac<Sha384>),
    Sha512(Hmac<Sha512>),
}

macro_rules! with_state {
    ($key:expr, $state:ident => $body:expr) => {
        match $key {
            MacKey::Sha224($state) => $body,
            MacKey::Sha256($state) => $body,
            MacKey::Sha384($state) => $body,
            MacKey::Sha512($state) => $body,
        }
    };
}

impl MacKey {
    /// `None` if the spec is not one of HMAC.
    pub(crate) fn new(spec: KeySpec, key: &[u8]) -> Option<Self> {
        let any = "HMAC takes a key of any length";
        Some(match spec {
            KeySpec::Hmac224 => MacKey::Sha224(Hmac::new_from_slice(key).expect(any)),
            KeySpec::Hmac256 => MacKey::Sha256(Hmac::new_from_slice(key).expect(any)),
            KeySpec::Hmac384 => MacKey::Sha384(Hmac::new_from_slice(key).expect(any)),
            KeySpec::Hmac512 => MacKey::Sha512(Hmac::new_from_slice(key).expect(any)),
            _ => return None,
        })
    }

    pub(crate) fn mac(&self, message: &[u8]) -> Vec<u8> {
        with_state!(self, state => {
            let mut state = state.clone();
            state.update(message);
            state.finalize().into_bytes().to_vec()
        })
    }

    /// Whether this is the whole HMAC of the message, in constant time.
    pub(crate) fn verify(&self, message: &[u8], mac: &[u8]) -> bool {
        with_state!(self, state => {
            let mut state = state.clone();
            state.update(message);
            state.verify_slice(mac).is_ok()
        })
    }
}
