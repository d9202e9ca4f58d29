//! Wrapping without RSA: the simulator's clients and regions share a mask.
//!
//! Half a millisecond for each import would be most of a run's time, and the
//! padding is random. Everything around it is real: the token, its expiry, the
//! binding to one key. RSA is tested where it is, in `meridian-crypto`.

use std::sync::OnceLock;

use meridian_crypto::{ImportToken, WrappingKey};
use zeroize::Zeroizing;

/// What every imported material begins with, so that it is found wherever it
/// should not be.
pub const CANARY: &[u8; 24] = b"canary of the simulator!";

/// Wrapped bytes begin with this.
const MARK: &[u8; 8] = b"wrapped:";
const MASK: u8 = 0xa5;

const KEY: &str = include_str!("../../meridian-crypto/tests/golden/wrapping_key_rsa_2048.hex");

/// The fixed wrapping key of all regions.
pub fn wrapping_key() -> &'static WrappingKey {
    static PARSED: OnceLock<WrappingKey> = OnceLock::new();
    PARSED.get_or_init(|| {
        let digits: String = KEY.split_whitespace().collect();
        let der = hex::decode(digits).expect("the golden key is hexadecimal");
        WrappingKey::from_private_der(&der).expect("the golden key is a key")
    })
}

/// The bytes of an imported material, by number.
pub fn material(number: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..24].copy_from_slice(CANARY);
    bytes[24..].copy_from_slice(&number.to_be_bytes());
    bytes
}

/// Wraps material as a client does.
pub fn wrap(bytes: &[u8]) -> Vec<u8> {
    let masked = bytes.iter().map(|byte| byte ^ MASK);
    MARK.iter().copied().chain(masked).collect()
}

/// Undoes [`wrap`], in the place of [`ImportToken::unwrap`].
pub fn unwrap(_token: &ImportToken, wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let masked = wrapped.strip_prefix(MARK.as_slice())?;
    Some(Zeroizing::new(
        masked.iter().map(|byte| byte ^ MASK).collect(),
    ))
}

/// Is any imported material in these bytes, as it is, in hexadecimal or in
/// base64?
pub fn has_canary(bytes: &[u8]) -> bool {
    static FORMS: OnceLock<[Vec<u8>; 3]> = OnceLock::new();
    let forms = FORMS.get_or_init(|| {
        use base64::Engine as _;
        let base64 = base64::engine::general_purpose::STANDARD.encode(CANARY);
        [
            CANARY.to_vec(),
            hex::encode(CANARY).into_bytes(),
            base64.into_bytes(),
        ]
    });
    forms
        .iter()
        .any(|form| memchr::memmem::find(bytes, form).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canary_is_found_in_every_form_and_not_in_wrapped_bytes() {
        use base64::Engine as _;
        let bytes = material(7);
        let base64 = base64::engine::general_purpose::STANDARD.encode(bytes);
        assert!(has_canary(&bytes));
        assert!(has_canary(hex::encode(bytes).as_bytes()));
        assert!(has_canary(base64.as_bytes()));
        assert!(!has_canary(&wrap(&bytes)));
        assert!(!has_canary(b"a fact"));
    }
}
