//! The time of a request, as its headers say it.

use std::time::{Duration, SystemTime};

use crate::moment::rfc3339;

/// How far a request's time may be from the server's, either way.
pub const CLOCK_TOLERANCE_MS: i64 = 5 * 60 * 1000;

/// Milliseconds since the Unix epoch of `20150830T123600Z`.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let basic: &[u8; 16] = text.as_bytes().try_into().ok()?;
    let mut extended = *b"....-..-..T..:..:..Z";
    let mut digits = basic.iter().filter(|byte| byte.is_ascii_digit());
    for byte in extended.iter_mut().filter(|byte| **byte == b'.') {
        *byte = *digits.next()?;
    }
    let whole = digits.next().is_none() && basic[8] == b'T' && basic[15] == b'Z';
    match whole {
        true => rfc3339(str::from_utf8(&extended).ok()?),
        false => None,
    }
}

/// The value of `x-amz-date` for milliseconds since the Unix epoch.
pub fn amz_date(at_ms: i64) -> String {
    let since = Duration::from_millis(u64::try_from(at_ms).unwrap_or(0));
    let text = humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + since).to_string();
    text.replace(['-', ':'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_survives_its_text() {
        let text = "20150830T123600Z";
        assert_eq!(parse(text), Some(1_440_938_160_000));
        assert_eq!(amz_date(1_440_938_160_999), text);
    }

    #[test]
    fn other_texts_are_no_dates() {
        for text in [
            "",
            "20150830",
            "20150830T123600",
            "20150830 123600Z",
            "20150830T1236000",
            "2015-830T123600Z",
            "20151330T123600Z",
            "2015083éT12360Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
