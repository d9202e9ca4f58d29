//! The signing key: a secret narrowed down to a day, a region and a service.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

pub(crate) type HmacSha256 = Hmac<Sha256>;

/// What every scope ends with.
pub(crate) const TERMINATOR: &str = "aws4_request";

/// A day, a region and a service.
pub(crate) type Scope<'a> = [&'a str; 3];

/// The chain of HMACs from the secret to the scope: a MAC that has taken in its
/// key and no message.
pub(crate) fn signing_key(secret: &[u8], scope: Scope<'_>) -> HmacSha256 {
    let mut start = Zeroizing::new(Vec::with_capacity(secret.len() + 4));
    start.extend_from_slice(b"AWS4");
    start.extend_from_slice(secret);
    let mut key = hmac(&start, scope[0].as_bytes());
    for part in [scope[1], scope[2], TERMINATOR] {
        key = hmac(&*key, part.as_bytes());
    }
    keyed(&*key)
}

fn hmac(key: &[u8], message: &[u8]) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(mac(key, message).finalize().into_bytes().into())
}

pub(crate) fn mac(key: &[u8], message: &[u8]) -> HmacSha256 {
    let mut mac = keyed(key);
    mac.update(message);
    mac
}

fn keyed(key: &[u8]) -> HmacSha256 {
    HmacSha256::new_from_slice(key).expect("HMAC takes keys of any length")
}
