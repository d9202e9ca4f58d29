//! A signature against the request that it came with.

use hmac::Mac as _;

use super::canonical::SignedRequest;
use super::instant::{self, CLOCK_TOLERANCE_MS, amz_date};
use super::key::{HmacSha256, Scope, TERMINATOR, signing_key};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// How the names of Amazon's own headers begin.
const AMAZONS: &[u8] = b"x-amz-";

/// What an Authorization header claims.
#[derive(Clone, Copy, Debug)]
pub struct Signature<'a> {
    /// The day of the credential's scope, `20150830`.
    pub date: &'a str,
    /// The region of the scope.
    pub region: &'a str,
    /// The service of the scope.
    pub service: &'a str,
    /// Names in lower case, sorted, separated by `;`.
    pub signed_headers: &'a str,
    /// 64 hex digits.
    pub signature: &'a str,
}

/// Why a request is not taken; the texts are AWS's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// IncompleteSignatureException.
    #[error("{0}")]
    Incomplete(String),
    /// InvalidSignatureException.
    #[error("{0}")]
    Invalid(String),
}

impl Signature<'_> {
    /// Is the request of this time, and signed with this secret?
    ///
    /// `now_ms` is the server's clock, in milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// In the order: no date, another day than the scope's, too old or too new,
    /// a header that has to be signed and is not, another signature.
    pub fn verify(
        &self,
        request: &SignedRequest<'_>,
        secret: &str,
        now_ms: i64,
    ) -> Result<(), SignatureError> {
        self.verify_by(request, now_ms, |scope| {
            signing_key(secret.as_bytes(), scope)
        })
    }

    /// The same, with the signing key from somewhere.
    pub(crate) fn verify_by(
        &self,
        request: &SignedRequest<'_>,
        now_ms: i64,
        key: impl FnOnce(Scope<'_>) -> HmacSha256,
    ) -> Result<(), SignatureError> {
        let (date, at_ms) = self.time(request)?;
        check_clock(date, at_ms, now_ms)?;
        self.check_signed_headers(request)?;
        let mut expected = [0; 32];
        let decoded = hex::decode_to_slice(self.signature, &mut expected);
        let lower = !self.signature.bytes().any(|byte| byte.is_ascii_uppercase());
        // In constant time.
        let verified = self.mac(request, date, key).verify_slice(&expected);
        match decoded.is_ok() && lower && verified.is_ok() {
            true => Ok(()),
            false => Err(SignatureError::Invalid(
                "The request signature we calculated does not match the signature you provided. \
                 Check your AWS Secret Access Key and signing method. Consult the service \
                 documentation for details."
                    .to_owned(),
            )),
        }
    }

    /// The signature that this request should have, in hex: for whoever sends
    /// requests. The own `signature` is not looked at.
    pub fn sign(&self, request: &SignedRequest<'_>, secret: &[u8]) -> String {
        let date = request.header("x-amz-date").unwrap_or_default();
        let mac = self.mac(request, date, |scope| signing_key(secret, scope));
        hex::encode(mac.finalize().into_bytes())
    }

    /// The Authorization header of a request that is signed with this access
    /// key. The own `signature` is not looked at.
    pub fn authorization(
        &self,
        request: &SignedRequest<'_>,
        (access_key_id, secret): (&str, &[u8]),
    ) -> String {
        let (day, region, service) = (self.date, self.region, self.service);
        let (signed_headers, signature) = (self.signed_headers, self.sign(request, secret));
        format!(
            "{ALGORITHM} Credential={access_key_id}/{day}/{region}/{service}/{TERMINATOR}, \
             SignedHeaders={signed_headers}, Signature={signature}"
        )
    }

    /// The MAC of the string to sign.
    fn mac(
        &self,
        request: &SignedRequest<'_>,
        date: &str,
        key: impl FnOnce(Scope<'_>) -> HmacSha256,
    ) -> HmacSha256 {
        let (day, region, service) = (self.date, self.region, self.service);
        let hash = request.hash(self.signed_headers);
        let hash = str::from_utf8(&hash).expect("hex is ASCII");
        let text = [
            ALGORITHM, "\n", date, "\n", day, "/", region, "/", service, "/", TERMINATOR, "\n",
            hash,
        ]
        .concat();
        key([day, region, service]).chain_update(text)
    }

    /// The request's time as text, and in milliseconds since the Unix epoch.
    fn time<'r>(&self, request: &'r SignedRequest<'_>) -> Result<(&'r str, i64), SignatureError> {
        let date = request
            .header("x-amz-date")
            .or_else(|| request.header("date"));
        let date = date.ok_or_else(|| {
            SignatureError::Incomplete(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' \
                 header."
                    .to_owned(),
            )
        })?;
        let at_ms = instant::parse(date).ok_or_else(|| {
            // fidelity: assumed, AWS's text for a damaged date is not recorded.
            SignatureError::Incomplete(format!(
                "Date must be in ISO-8601 'basic format'. Got '{date}'."
            ))
        })?;
        match self.date == &date[..8] {
            true => Ok((date, at_ms)),
            false => Err(SignatureError::Invalid(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date \
                 from HTTP: '{}' != '{}', from '{date}'.",
                self.date,
                &date[..8]
            ))),
        }
    }

    /// The host and everything of Amazon's own has to be signed.
    fn check_signed_headers(&self, request: &SignedRequest<'_>) -> Result<(), SignatureError> {
        let signed = || self.signed_headers.split(';');
        if !signed().any(|it| it == "host" || it == ":authority") {
            let text = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.";
            return Err(SignatureError::Invalid(text.to_owned()));
        }
        let has_to_be = |name: &str| {
            let begin = name.as_bytes().get(..AMAZONS.len());
            begin.is_some_and(|begin| begin.eq_ignore_ascii_case(AMAZONS))
        };
        let is_signed = |name: &str| signed().any(|it| it.eq_ignore_ascii_case(name));
        let mut names = request.headers.iter().map(|header| header.0);
        match names.find(|name| has_to_be(name) && !is_signed(name)) {
            None => Ok(()),
            // fidelity: assumed, AWS's text for a header that is not signed is not
            // recorded.
            Some(name) => Err(SignatureError::Invalid(format!(
                "'{}' must be a 'SignedHeader' in the AWS Authorization.",
                name.to_ascii_lowercase()
            ))),
        }
    }
}

fn check_clock(date: &str, at_ms: i64, now_ms: i64) -> Result<(), SignatureError> {
    const MINUTES: i64 = CLOCK_TOLERANCE_MS / 60_000;
    let earliest = now_ms - CLOCK_TOLERANCE_MS;
    let latest = now_ms + CLOCK_TOLERANCE_MS;
    if at_ms < earliest {
        let (now, earliest) = (amz_date(now_ms), amz_date(earliest));
        return Err(SignatureError::Invalid(format!(
            "Signature expired: {date} is now earlier than {earliest} ({now} - {MINUTES} min.)"
        )));
    }
    if at_ms > latest {
        let (now, latest) = (amz_date(now_ms), amz_date(latest));
        return Err(SignatureError::Invalid(format!(
            "Signature not yet current: {date} is still later than {latest} ({now} + {MINUTES} \
             min.)"
        )));
    }
    Ok(())
}
