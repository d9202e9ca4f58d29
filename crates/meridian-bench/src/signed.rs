//! AWS JSON requests as an SDK sends them, signed with the one access key of the
//! benchmarks, and a client that signs again before its signature is too old.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use meridian_iam::signature::{Signature, SignedRequest, amz_date};
use serde_json::Value;

use crate::http1::Http1;
use crate::load::Client;

/// Who signs.
pub const ACCESS_KEY_ID: &str = "AKIDEXAMPLE";
/// With what.
pub const SECRET: &str = "the secret of the benchmarks";

/// How long a signature is used: less than the tolerance of a server's clock.
const SIGNED_FOR: Duration = Duration::from_secs(120);

const HOST: &str = "127.0.0.1:4599";
const SIGNED_HEADERS: &str = "content-type;host;x-amz-date;x-amz-target";

/// A whole request, signed now for this region.
pub fn post(region: &str, operation: &str, body: &Value) -> Bytes {
    let body = body.to_string();
    let date = amz_date(now_ms());
    let target = format!("TrentService.{operation}");
    let signed = [
        ("Host", HOST),
        ("X-Amz-Target", &target),
        ("Content-Type", "application/x-amz-json-1.1"),
        ("X-Amz-Date", &date),
    ];
    let authorization = authorization(region, &date, &signed, &body);
    let length = body.len().to_string();
    let more = [
        ("Accept-Encoding", "identity"),
        ("User-Agent", "meridian-bench"),
        ("Authorization", &authorization),
        (
            "amz-sdk-invocation-id",
            "3f8a2c1e-9b47-4d06-8c55-0a7e61d2b9f4",
        ),
        ("amz-sdk-request", "attempt=1"),
        ("Content-Length", &length),
    ];
    let mut head = String::from("POST / HTTP/1.1\r\n");
    for (name, value) in signed.into_iter().chain(more) {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    Bytes::from(format!("{head}\r\n{body}"))
}

fn authorization(region: &str, date: &str, headers: &[(&str, &str)], body: &str) -> String {
    let headers: Vec<(&str, &[u8])> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_bytes()))
        .collect();
    let request = SignedRequest {
        method: "POST",
        path: "/",
        query: "",
        headers: &headers,
        body: body.as_bytes(),
    };
    let unsigned = Signature {
        date: &date[..8],
        region,
        service: "kms",
        signed_headers: SIGNED_HEADERS,
        signature: "",
    };
    unsigned.authorization(&request, (ACCESS_KEY_ID, SECRET.as_bytes()))
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}

/// A connection that repeats one request, freshly signed every two minutes.
pub struct Signing {
    http: Http1,
    region: &'static str,
    operation: &'static str,
    body: Value,
    signed: Instant,
}

impl Signing {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens there.
    pub async fn connect(
        address: &str,
        region: &'static str,
        operation: &'static str,
        body: Value,
    ) -> anyhow::Result<Signing> {
        Ok(Signing {
            http: Http1::connect(address, post(region, operation, &body)).await?,
            region,
            operation,
            body,
            signed: Instant::now(),
        })
    }
}

impl Client for Signing {
    async fn call(&mut self) -> anyhow::Result<()> {
        if self.signed.elapsed() > SIGNED_FOR {
            self.signed = Instant::now();
            let request = post(self.region, self.operation, &self.body);
            self.http.repeat(request);
        }
        self.http.send().await.map(|_| ())
    }
}
