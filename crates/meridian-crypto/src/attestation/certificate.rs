//! X.509 certificates as Nitro enclaves have them: ECDSA on P-384 with SHA-384
//! (RFC 5280, RFC 5758).

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
    let text = std::str::from_utf8(element.content)
        .ok()?
        .strip_suffix('Z')?;
    let (year, rest) = match element.tag {
        UTC_TIME => {
            let year: i64 = text.get(..2)?.parse().ok()?;
            (
                if year < 50 { 2000 + year } else { 1900 + year },
                &text[2..],
            )
        }
        GENERALIZED_TIME => (text.get(..4)?.parse().ok()?, &text[4..]),
        _ => return None,
    };
    let part = |at: usize| -> Option<i64> { rest.get(at..at + 2)?.parse().ok() };
    if rest.len() != 10 {
        return None;
    }
    // Days since 1970 of a year that begins in March (proleptic Gregorian).
    let (month, day) = (part(0)?, part(2)?);
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = 365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719_468;
    let seconds = days * 86_400 + part(4)? * 3600 + part(6)? * 60 + part(8)?;
    Some(seconds * 1000)
}
