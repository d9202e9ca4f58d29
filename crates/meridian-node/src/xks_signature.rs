//! The signature of a request to the proxy of an external key store: AWS
//! Signature Version 4 for the service `kms-xks-proxy`, over the host, the time
//! and the body (XKS Proxy API Specification, Appendix A).

use std::time::SystemTime;

use hmac::{Hmac, KeyInit, Mac};
use meridian_kms::ProxyQuestion;
use sha2::{Digest, Sha256};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "kms-xks-proxy";
const SIGNED_HEADERS: &str = "host;x-amz-date";

/// The headers that prove who asks.
pub struct Signature {
    /// `x-amz-date`.
    pub date: String,
    /// `authorization`.
    pub authorization: String,
}

/// Signs a question that is sent to `host` at `now`.
pub fn sign(question: &ProxyQuestion, host: &str, now: SystemTime) -> Signature {
    let date: String = humantime::format_rfc3339_seconds(now)
        .to_string()
        .replace(['-', ':'], "");
    let (day, region) = (&date[..8], question.region.as_str());
    let scope = format!("{day}/{region}/{SERVICE}/aws4_request");
    let request = format!(
        "POST\n{}\n\nhost:{host}\nx-amz-date:{date}\n\n{SIGNED_HEADERS}\n{}",
        question.path,
        hex::encode(Sha256::digest(&question.body))
    );
    let hashed = hex::encode(Sha256::digest(request.as_bytes()));
    let to_sign = format!("{ALGORITHM}\n{date}\n{scope}\n{hashed}");
    let secret = zeroize::Zeroizing::new([b"AWS4", question.secret_access_key.as_slice()].concat());
    let parts = [region, SERVICE, "aws4_request"];
    let of_day = keyed(&secret, day);
    let key = parts.iter().fold(of_day, |key, part| keyed(&key, part));
    let signature = hex::encode(keyed(&key, &to_sign));
    let credential = format!("{}/{scope}", question.access_key_id);
    Signature {
        authorization: format!(
            "{ALGORITHM} Credential={credential}, SignedHeaders={SIGNED_HEADERS}, \
             Signature={signature}"
        ),
        date,
    }
}

fn keyed(key: &[u8], text: &str) -> [u8; 32] {
    let mut hash = Hmac::<Sha256>::new_from_slice(key).expect("an HMAC takes keys of any length");
    hash.update(text.as_bytes());
    hash.finalize().into_bytes().into()
}
