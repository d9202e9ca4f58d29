//! Signatures of this program's own calls, for clusters that ask for them: by
//! the credentials that AWS's clients take from the environment.

use std::time::{SystemTime, UNIX_EPOCH};

use meridian_iam::signature::{Signature, SignedRequest, amz_date};
use prost::Message;
use tonic::Request;
use zeroize::Zeroizing;

const SIGNED_HEADERS: &str = "host;x-amz-date";
const SIGNED_HEADERS_WITH_TOKEN: &str = "host;x-amz-date;x-amz-security-token";

/// An access key. Where nobody asks for signatures, any will do.
pub struct Credentials {
    access_key_id: String,
    secret: Zeroizing<String>,
    token: Option<Zeroizing<String>>,
}

impl Credentials {
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`;
    /// nothing without the first two, or if they can be no header's.
    pub fn from_environment() -> Option<Credentials> {
        let usable =
            |value: &String| !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic());
        let set = |name: &str| std::env::var(name).ok().filter(usable);
        Some(Credentials {
            access_key_id: set("AWS_ACCESS_KEY_ID")?,
            secret: Zeroizing::new(set("AWS_SECRET_ACCESS_KEY")?),
            token: set("AWS_SESSION_TOKEN").map(Zeroizing::new),
        })
    }

    /// Signs a call to a method, at an endpoint such as `http://127.0.0.1:4599`.
    pub fn sign<T: Message>(
        &self,
        request: &mut Request<T>,
        endpoint: &str,
        region: &str,
        path: &str,
    ) {
        let host = endpoint.trim_start_matches("http://").trim_end_matches('/');
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let now_ms = since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0));
        let date = amz_date(now_ms);
        let body = Zeroizing::new(request.get_ref().encode_to_vec());
        let mut headers = vec![("host", host.as_bytes()), ("x-amz-date", date.as_bytes())];
        let mut signed_headers = SIGNED_HEADERS;
        if let Some(token) = &self.token {
            headers.push(("x-amz-security-token", token.as_bytes()));
            signed_headers = SIGNED_HEADERS_WITH_TOKEN;
        }
        let unsigned = Signature {
            date: &date[..8],
            region,
            service: "kms",
            signed_headers,
            signature: "",
        };
        let signing = SignedRequest {
            method: "POST",
            path,
            query: "",
            headers: &headers,
            body: &body,
        };
        let key = (self.access_key_id.as_str(), self.secret.as_bytes());
        let authorization = unsigned.authorization(&signing, key);
        let token = self.token.as_ref().map(|token| token.as_str());
        let entries = [
            ("authorization", Some(authorization.as_str())),
            ("x-amz-date", Some(&date)),
            ("x-amz-security-token", token),
        ];
        for (name, value) in entries {
            if let Some(value) = value {
                let value = value.parse().expect("it is of visible characters");
                request.metadata_mut().insert(name, value);
            }
        }
    }
}
