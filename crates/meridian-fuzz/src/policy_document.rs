//! A key policy or an identity policy.

use meridian_iam::PolicyDocument;

pub(crate) fn run(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = PolicyDocument::parse(text);
    }
}
