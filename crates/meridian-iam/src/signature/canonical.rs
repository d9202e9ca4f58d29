//! The canonical form of a request: what its sender and its receiver both hash.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// Room for the canonical form of what an SDK sends.
const CANONICAL_LEN: usize = 512;

/// A hash in hex digits.
pub(crate) type HexHash = [u8; 64];

/// What a signature is over.
#[derive(Clone, Copy, Debug)]
pub struct SignedRequest<'a> {
    /// Such as `POST`.
    pub method: &'a str,
    /// As in the request line, percent-encoded there or not.
    pub path: &'a str,
    /// Without `?`; empty if there is none.
    pub query: &'a str,
    /// In the order of the request, names in any case; `host` is among them.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The exact bytes.
    pub body: &'a [u8],
}

impl SignedRequest<'_> {
    /// The hex SHA-256 of the canonical request over the listed headers.
    pub(crate) fn hash(&self, signed_headers: &str) -> HexHash {
        let mut canonical = Vec::with_capacity(CANONICAL_LEN);
        canonical.extend_from_slice(self.method.as_bytes());
        canonical.push(b'\n');
        match self.path {
            "/" => canonical.push(b'/'),
            given => canonical.extend_from_slice(path(given).as_bytes()),
        }
        canonical.push(b'\n');
        if !self.query.is_empty() {
            canonical.extend_from_slice(query(self.query).as_bytes());
        }
        canonical.push(b'\n');
        for name in signed_headers.split(';') {
            canonical.extend_from_slice(name.as_bytes());
            canonical.push(b':');
            for (at, value) in self.values(name).enumerate() {
                if at > 0 {
                    canonical.push(b',');
                }
                trim_into(value, &mut canonical);
            }
            canonical.push(b'\n');
        }
        canonical.push(b'\n');
        canonical.extend_from_slice(signed_headers.as_bytes());
        canonical.push(b'\n');
        canonical.extend_from_slice(&hex_sha256(self.body));
        hex_sha256(&canonical)
    }

    /// The values of a header in the order of the request.
    fn values<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s [u8]> {
        let named = move |header: &&(&str, &[u8])| header.0.eq_ignore_ascii_case(name);
        self.headers.iter().filter(named).map(|header| header.1)
    }

    /// The first value of a header, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut named = self
            .headers
            .iter()
            .filter(|it| it.0.eq_ignore_ascii_case(name));
        std::str::from_utf8(named.next()?.1).ok()
    }
}

/// In lower case.
fn hex_sha256(bytes: &[u8]) -> HexHash {
    let mut digits = [0; 64];
    hex::encode_to_slice(Sha256::digest(bytes), &mut digits).expect("two digits for each byte");
    digits
}

/// Without `.`, `..` and empty segments, and percent-encoded once more.
fn path(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    let mut text = String::from("/");
    for (at, segment) in segments.iter().enumerate() {
        if at > 0 {
            text.push('/');
        }
        encode_into(segment.as_bytes(), &mut text);
    }
    if path.ends_with('/') && !segments.is_empty() {
        text.push('/');
    }
    text
}

/// Sorted by name and value, each percent-encoded in the one canonical way.
fn query(query: &str) -> String {
    let parameters = query.split('&').filter(|parameter| !parameter.is_empty());
    let mut pairs: Vec<(String, String)> = parameters
        .map(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            (encode(&decode(name)), encode(&decode(value)))
        })
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    encode_into(bytes, &mut text);
    text
}

/// RFC 3986: everything but the unreserved characters, in upper-case hex.
fn encode_into(bytes: &[u8], text: &mut String) {
    for byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(char::from(*byte));
            }
            _ => write!(text, "%{byte:02X}").expect("a String takes any text"),
        }
    }
}

/// What is no `%` with two hex digits stays as it is.
fn decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let mut byte = [0];
        match (*first, after.split_at_checked(2)) {
            (b'%', Some((digits, after))) if hex::decode_to_slice(digits, &mut byte).is_ok() => {
                bytes.push(byte[0]);
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

/// Without spaces at the ends, and with one where there are several.
fn trim_into(value: &[u8], canonical: &mut Vec<u8>) {
    if !value.iter().any(u8::is_ascii_whitespace) {
        canonical.extend_from_slice(value);
        return;
    }
    let words = value.split(|byte| byte.is_ascii_whitespace());
    for (at, word) in words.filter(|word| !word.is_empty()).enumerate() {
        if at > 0 {
            canonical.push(b' ');
        }
        canonical.extend_from_slice(word);
    }
}
