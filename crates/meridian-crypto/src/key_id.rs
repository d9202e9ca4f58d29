//! The 17-byte form in which a ciphertext names its key.

/// Prefix of the ids of multi-Region keys.
const MULTI_REGION_PREFIX: &str = "mrk-";
/// First byte of the compact form of a UUID.
const UUID: u8 = 1;
/// First byte of the compact form of a multi-Region key id.
const MULTI_REGION: u8 = 2;
/// Where the dashes of a UUID are.
const DASHES: [usize; 4] = [8, 13, 18, 23];

/// Length in bytes of the compact form.
pub(crate) const COMPACT_LEN: usize = 17;

/// A kind byte, then the 16 bytes that the id's hex digits spell. `None` unless
/// the id is a UUID or `mrk-` and 32 digits, in lower case.
pub(crate) fn compact(key_id: &str) -> Option<[u8; COMPACT_LEN]> {
    let mut digits = [0; 32];
    let kind = match key_id.strip_prefix(MULTI_REGION_PREFIX) {
        Some(rest) => {
            digits = rest.as_bytes().try_into().ok()?;
            MULTI_REGION
        }
        None => {
            if key_id.len() != 36 || DASHES.iter().any(|&at| key_id.as_bytes()[at] != b'-') {
                return None;
            }
            // A dash elsewhere leaves too few digits here, and a zero byte is no digit.
            for (place, digit) in digits.iter_mut().zip(key_id.bytes().filter(|&b| b != b'-')) {
                *place = digit;
            }
            UUID
        }
    };
    if digits.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    let mut out = [kind; COMPACT_LEN];
    hex::decode_to_slice(digits, &mut out[1..]).ok()?;
    Some(out)
}

/// The id that [`compact`] made this from; `None` for an unknown kind byte.
pub(crate) fn expand(compact: &[u8; COMPACT_LEN]) -> Option<String> {
    let [kind, bytes @ ..] = compact;
    let digits = hex::encode(bytes);
    match *kind {
        MULTI_REGION => Some(format!("{MULTI_REGION_PREFIX}{digits}")),
        UUID => Some(format!(
            "{}-{}-{}-{}-{}",
            &digits[..8],
            &digits[8..12],
            &digits[12..16],
            &digits[16..20],
            &digits[20..],
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_forms_of_key_id_come_back() {
        for id in [
            "1234abcd-12ab-34cd-56ef-1234567890ab",
            "mrk-1234abcd12ab34cd56ef1234567890ab",
        ] {
            assert_eq!(expand(&compact(id).unwrap()).unwrap(), id);
        }
    }

    #[test]
    fn the_two_forms_of_the_same_digits_differ() {
        assert_ne!(
            compact("1234abcd-12ab-34cd-56ef-1234567890ab"),
            compact("mrk-1234abcd12ab34cd56ef1234567890ab"),
        );
    }

    #[test]
    fn other_text_has_no_compact_form() {
        for id in [
            "",
            "mrk-",
            "mrk-1234ABCD12ab34cd56ef1234567890ab",
            "mrk-1234abcd12ab34cd56ef1234567890a",
            "mrk-1234abcd12ab34cd56ef1234567890abc",
            "1234ABCD-12ab-34cd-56ef-1234567890ab",
            "1234abcd12ab34cd56ef1234567890ab",
            "1234abcd-12ab-34cd-56ef-1234567890a-",
            "1234abcd012ab-34cd-56ef-1234567890ab",
            "1234abcd-12ab-34cd-56ef-1234567890ag",
            "alias/example",
        ] {
            assert_eq!(compact(id), None, "{id}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_misread(text in "\\PC{0,40}|[0-9a-f-]{36}|mrk-[0-9a-f]{31,33}") {
            if let Some(compact) = compact(&text) {
                prop_assert_eq!(expand(&compact).unwrap(), text);
            }
        }

        #[test]
        fn no_bytes_are_misread(bytes in any::<[u8; COMPACT_LEN]>(), kind in 0u8..4) {
            let mut bytes = bytes;
            bytes[0] = kind;
            match expand(&bytes) {
                Some(id) => prop_assert_eq!(compact(&id).unwrap(), bytes),
                None => prop_assert!(kind != UUID && kind != MULTI_REGION),
            }
        }
    }
}
