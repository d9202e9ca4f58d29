//! X.509 certificates as Nitro enclaves have them: ECDSA on P-384 with SHA-384
//! (RFC 5280, RFC 5758).

use std::time::SystemTime;

use aws_lc_rs::signature::{ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_FIXED, UnparsedPublicKey};

use super::der::{
    BIT_STRING, BOOLEAN, Element, GENERALIZED_TIME, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING,
    Reader, SEQUENCE, UTC_TIME,
};

/// `id-ecPublicKey` on `secp384r1`.
const P384: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22";
/// `ecdsa-with-SHA384`.
const ECDSA_SHA384: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03";
/// `basicConstraints`.
const BASIC_CONSTRAINTS: &[u8] = b"\x55\x1d\x13";

/// The parts of one certificate.
pub struct Certificate<'a> {
    signed: &'a [u8],
    signature: &'a [u8],
    issuer: &'a [u8],
    subject: &'a [u8],
    /// From and to, in milliseconds since 1970.
    valid: (i64, i64),
    /// A point on P-384.
    public_key: &'a [u8],
    is_authority: bool,
}

impl<'a> Certificate<'a> {
    /// Reads DER; `None` for anything but a certificate of that kind.
    pub fn read(der: &'a [u8]) -> Option<Certificate<'a>> {
        let mut outer = Reader(der);
        let mut parts = outer.expect(SEQUENCE)?.inside();
        let tbs = parts.expect(SEQUENCE)?;
        if !outer.0.is_empty() || parts.expect(SEQUENCE)?.content != ECDSA_SHA384 {
            return None;
        }
        let signature = bits(parts.expect(BIT_STRING)?)?;
        let mut fields = tbs.inside();
        fields.optional(0xa0)?;
        fields.expect(INTEGER)?;
        fields.expect(SEQUENCE)?;
        let issuer = fields.expect(SEQUENCE)?.whole;
        let mut validity = fields.expect(SEQUENCE)?.inside();
        let valid = (time_ms(validity.next()?)?, time_ms(validity.next()?)?);
        let subject = fields.expect(SEQUENCE)?.whole;
        let mut key = fields.expect(SEQUENCE)?.inside();
        if key.expect(SEQUENCE)?.content != P384 {
            return None;
        }
        Some(Certificate {
            signed: tbs.whole,
            signature,
            issuer,
            subject,
            valid,
            public_key: bits(key.expect(BIT_STRING)?)?,
            is_authority: is_authority(fields),
        })
    }

    /// Did the other certificate's owner sign this one, and may it?
    pub fn is_signed_by(&self, issuer: &Certificate<'_>) -> bool {
        let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, issuer.public_key);
        issuer.is_authority
            && self.issuer == issuer.subject
            && key.verify(self.signed, self.signature).is_ok()
    }

    /// Is this time within its life?
    pub fn is_valid_at(&self, now_ms: i64) -> bool {
        (self.valid.0..=self.valid.1).contains(&now_ms)
    }

    /// Did its owner sign this message, as COSE has it?
    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, self.public_key);
        key.verify(message, signature).is_ok()
    }
}

fn bits(element: Element<'_>) -> Option<&[u8]> {
    element.content.strip_prefix(&[0])
}

fn is_authority(mut fields: Reader<'_>) -> bool {
    let mut read = || {
        let mut extensions = fields.optional(0xa3)?.inside().expect(SEQUENCE)?.inside();
        while let Some(extension) = extensions.next() {
            let mut parts = extension.inside();
            let name = parts.expect(OBJECT_IDENTIFIER)?;
            parts.optional(BOOLEAN);
            if name.content == BASIC_CONSTRAINTS {
                let value = parts.expect(OCTET_STRING)?.inside().expect(SEQUENCE)?;
                return value.inside().optional(BOOLEAN);
            }
        }
        None
    };
    read().is_some_and(|it| it.content == [0xff])
}

/// UTCTime or GeneralizedTime, in milliseconds since 1970.
fn time_ms(element: Element<'_>) -> Option<i64> {
    let text = std::str::from_utf8(element.content).ok()?;
    let digits = text.strip_suffix('Z')?;
    let digits = match element.tag {
        // RFC 5280: two digits mean the years from 1950 to 2049.
        UTC_TIME if digits < "50" => format!("20{digits}"),
        UTC_TIME => format!("19{digits}"),
        GENERALIZED_TIME => digits.to_owned(),
        _ => return None,
    };
    if digits.len() != 14 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| &digits[from..to];
    let (year, month, day) = (part(0, 4), part(4, 6), part(6, 8));
    let (hour, minute, second) = (part(8, 10), part(10, 12), part(12, 14));
    let text = format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z");
    let time = humantime::parse_rfc3339(&text).ok()?;
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(tag: u8, text: &str) -> Option<i64> {
        let content = text.as_bytes();
        let whole = content;
        time_ms(Element {
            tag,
            content,
            whole,
        })
    }

    #[test]
    fn both_forms_of_a_time_are_read() {
        let leap_day = Some(1_709_210_096_000);
        assert_eq!(read(UTC_TIME, "240229123456Z"), leap_day);
        assert_eq!(read(GENERALIZED_TIME, "20240229123456Z"), leap_day);
        assert_eq!(read(UTC_TIME, "700101000000Z"), Some(0));
        assert_eq!(read(UTC_TIME, "491231235959Z"), Some(2_524_607_999_000));
        let year_2120 = read(GENERALIZED_TIME, "21200101000000Z");
        assert_eq!(year_2120, Some(4_733_510_400_000));
    }

    #[test]
    fn what_is_no_day_or_no_digits_is_no_time() {
        for text in [
            "240230000000Z",
            "241301000000Z",
            "24+101000000Z",
            "2402290000Z",
            "240229000000",
            "",
        ] {
            assert_eq!(read(UTC_TIME, text), None, "{text}");
        }
        assert_eq!(read(INTEGER, "240229123456Z"), None);
    }
}
