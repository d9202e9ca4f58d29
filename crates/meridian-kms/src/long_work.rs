//! Which requests take so long to plan that nobody else should wait for it:
//! those that look for the primes of an RSA key.

use crate::ops::Request;

impl Request {
    /// True when planning may take seconds: plan it apart from other requests.
    pub fn takes_long(&self) -> bool {
        let spec = match self {
            Request::CreateKey(request) if request.origin.as_deref() == Some("EXTERNAL") => None,
            Request::CreateKey(request) => request
                .key_spec
                .as_deref()
                .or(request.customer_master_key_spec.as_deref()),
            Request::GenerateDataKeyPair(request) => request.key_pair_spec.as_deref(),
            Request::GenerateDataKeyPairWithoutPlaintext(request) => {
                request.key_pair_spec.as_deref()
            }
            _ => None,
        };
        spec.is_some_and(|spec| spec.starts_with("RSA_"))
    }
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::{CreateKeyRequest, GenerateDataKeyPairRequest};

    use super::*;

    #[test]
    fn only_what_generates_an_rsa_key_takes_long() {
        let create = |spec: &str, origin: &str| {
            Request::CreateKey(CreateKeyRequest {
                key_spec: Some(spec.into()),
                origin: Some(origin.into()),
                ..Default::default()
            })
        };
        assert!(create("RSA_2048", "AWS_KMS").takes_long());
        assert!(!create("RSA_2048", "EXTERNAL").takes_long());
        assert!(!create("ECC_NIST_P256", "AWS_KMS").takes_long());
        let pair = GenerateDataKeyPairRequest {
            key_pair_spec: Some("RSA_4096".into()),
            ..Default::default()
        };
        assert!(Request::GenerateDataKeyPair(pair).takes_long());
    }
}
