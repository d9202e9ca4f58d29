//! The names in a SigV4 Authorization header: who calls, and which region.
//!
//! Nothing is verified here: not the signature, nor the date, nor that the
//! caller holds a secret. An access key ID of twelve digits stands for the
//! account with that number; any other one for a user of account 000000000000.

use http::HeaderValue;
use meridian_kms::{AccountId, Caller, RegionName};

use crate::refusal::Refusal;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "kms";
const TERMINATOR: &str = "aws4_request";

/// The access key ID of a credential, and its scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Credential<'a> {
    access_key_id: &'a str,
    /// The region for which the request was signed.
    pub(crate) region: &'a str,
    service: &'a str,
    terminator: &'a str,
}

impl<'a> Credential<'a> {
    /// Reads the header's value.
    ///
    /// # Errors
    /// The header is missing, or lacks a part.
    pub(crate) fn parse(header: Option<&'a HeaderValue>) -> Result<Credential<'a>, Refusal> {
        let header = header.ok_or(Refusal::MissingAuthenticationToken)?;
        let text = header.to_str().map_err(|_| {
            Refusal::IncompleteSignature("Authorization header must be ASCII.".into())
        })?;
        let (algorithm, parameters) = text.split_once(' ').unwrap_or((text, ""));
        if algorithm != ALGORITHM {
            let message = format!("Unsupported AWS 'algorithm': '{algorithm}'.");
            return Err(Refusal::IncompleteSignature(message));
        }
        let [mut credential, mut signature, mut signed_headers] = [""; 3];
        for parameter in parameters.split(',') {
            match parameter.trim().split_once('=') {
                Some(("Credential", value)) => credential = value,
                Some(("Signature", value)) => signature = value,
                Some(("SignedHeaders", value)) => signed_headers = value,
                _ => {}
            }
        }
        if credential.is_empty() || signature.is_empty() || signed_headers.is_empty() {
            let found = [
                ("Credential", credential),
                ("Signature", signature),
                ("SignedHeaders", signed_headers),
            ];
            return Err(Refusal::IncompleteSignature(missing(&found)));
        }
        Credential::from_scope(credential)
    }

    fn from_scope(credential: &'a str) -> Result<Credential<'a>, Refusal> {
        let mut elements = credential.split('/');
        let mut next = || elements.next().filter(|element| !element.is_empty());
        match (next(), next(), next(), next(), next(), elements.next()) {
            (
                Some(access_key_id),
                Some(_date),
                Some(region),
                Some(service),
                Some(terminator),
                None,
            ) => Ok(Credential {
                access_key_id,
                region,
                service,
                terminator,
            }),
            _ => Err(Refusal::IncompleteSignature(format!(
                "Credential must have exactly 5 slash-delimited elements, \
                 e.g. keyid/date/region/service/term, got '{credential}'"
            ))),
        }
    }

    /// The access key ID has the characters of a name; an ARN made from it
    /// means one principal and cannot be mistaken for another or for a pattern.
    ///
    /// # Errors
    /// UnrecognizedClientException.
    pub(crate) fn check_access_key(&self) -> Result<(), Refusal> {
        let named = |byte: u8| byte.is_ascii_alphanumeric() || b"+=.@_-".contains(&byte);
        match self.access_key_id.len() <= 128 && self.access_key_id.bytes().all(named) {
            true => Ok(()),
            false => Err(Refusal::UnrecognizedClient),
        }
    }

    /// The rest of the scope, once the region is known to be right.
    ///
    /// # Errors
    /// InvalidSignatureException.
    pub(crate) fn check_service(&self) -> Result<(), Refusal> {
        if self.service != SERVICE {
            let message = "Credential should be scoped to correct service: 'kms'.";
            return Err(Refusal::InvalidSignature(message.into()));
        }
        if self.terminator != TERMINATOR {
            return Err(Refusal::InvalidSignature(
                format!(
                    "Credential should be scoped with a valid terminator: '{TERMINATOR}', \
                     not '{}'.",
                    self.terminator
                )
                .into(),
            ));
        }
        Ok(())
    }

    /// Who calls.
    pub(crate) fn caller(&self, region: &RegionName, request_id: String) -> Caller {
        match self.access_key_id.parse() {
            Ok(account) => root(account, region, request_id),
            Err(_) => {
                let account = AccountId::default();
                let (partition, user) = (region.partition(), self.access_key_id);
                let principal = format!("arn:{partition}:iam::{account}:user/{user}");
                Caller {
                    account,
                    principal,
                    request_id,
                }
            }
        }
    }
}

/// The account itself as a caller.
pub(crate) fn root(account: AccountId, region: &RegionName, request_id: String) -> Caller {
    let principal = format!("arn:{}:iam::{account}:root", region.partition());
    Caller {
        account,
        principal,
        request_id,
    }
}

fn missing(parameters: &[(&str, &str)]) -> String {
    let absent = parameters.iter().filter(|(_, value)| value.is_empty());
    let texts: Vec<String> = absent
        .map(|(name, _)| format!("Authorization header requires '{name}' parameter."))
        .collect();
    texts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header(credential: &str) -> HeaderValue {
        let text = format!("{ALGORITHM} Credential={credential}, SignedHeaders=host, Signature=00");
        text.parse().unwrap()
    }

    fn caller(access_key_id: &str, region: &str) -> Caller {
        let header = header(&format!(
            "{access_key_id}/20260405/{region}/kms/aws4_request"
        ));
        let credential = Credential::parse(Some(&header)).unwrap();
        credential.check_access_key().unwrap();
        credential.check_service().unwrap();
        credential.caller(&credential.region.parse().unwrap(), String::new())
    }

    fn message(value: &str) -> String {
        let value = value.parse().unwrap();
        Credential::parse(Some(&value))
            .unwrap_err()
            .message()
            .unwrap()
            .to_owned()
    }

    #[test]
    fn twelve_digits_are_the_root_of_that_account() {
        let caller = caller("111122223333", "eu-west-1");
        assert_eq!(caller.account.to_string(), "111122223333");
        assert_eq!(caller.principal, "arn:aws:iam::111122223333:root");
    }

    #[test]
    fn another_access_key_is_a_user_of_account_zero() {
        let caller = caller("AKIDEXAMPLE", "eu-west-1");
        assert_eq!(caller.account.to_string(), "000000000000");
        assert_eq!(
            caller.principal,
            "arn:aws:iam::000000000000:user/AKIDEXAMPLE"
        );
    }

    #[test]
    fn the_principal_is_in_the_partition_of_the_region() {
        let principal = |region| caller("test", region).principal;
        assert_eq!(
            principal("cn-north-1"),
            "arn:aws-cn:iam::000000000000:user/test"
        );
        assert_eq!(
            principal("us-gov-west-1"),
            "arn:aws-us-gov:iam::000000000000:user/test"
        );
    }

    #[test]
    fn commas_need_no_spaces() {
        let value = "AWS4-HMAC-SHA256 Credential=a/b/c/d/e,SignedHeaders=h,Signature=s";
        let value = value.parse().unwrap();
        assert_eq!(Credential::parse(Some(&value)).unwrap().region, "c");
    }

    #[test]
    fn every_missing_part_is_named() {
        assert_eq!(
            message("AWS4-HMAC-SHA256 Credential=a/b/c/d/e"),
            "Authorization header requires 'Signature' parameter. \
             Authorization header requires 'SignedHeaders' parameter."
        );
        assert_eq!(
            message("AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=h, Signature=s"),
            "Credential must have exactly 5 slash-delimited elements, \
             e.g. keyid/date/region/service/term, got 'a/b'"
        );
        assert_eq!(
            message("Bearer token"),
            "Unsupported AWS 'algorithm': 'Bearer'."
        );
    }

    #[test]
    fn an_access_key_id_cannot_smuggle_an_arn() {
        for id in ["a:b", "*", "a b", "ключ"] {
            let value = HeaderValue::from_bytes(header_bytes(id).as_slice()).unwrap();
            let refused = Credential::parse(Some(&value))
                .is_ok_and(|credential| credential.check_access_key().is_ok());
            assert!(!refused, "{id}");
        }
    }

    fn header_bytes(id: &str) -> Vec<u8> {
        format!("{ALGORITHM} Credential={id}/d/r/kms/t, SignedHeaders=h, Signature=s").into_bytes()
    }

    #[test]
    fn only_the_scope_of_this_service_is_taken() {
        for (scope, text) in [
            (
                "s3/aws4_request",
                "Credential should be scoped to correct service: 'kms'.",
            ),
            (
                "kms/aws5",
                "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5'.",
            ),
        ] {
            let header = header(&format!("a/20260405/eu-west-1/{scope}"));
            let refusal = Credential::parse(Some(&header))
                .unwrap()
                .check_service()
                .unwrap_err();
            assert_eq!(refusal.message(), Some(text));
        }
    }

    proptest! {
        #[test]
        fn no_header_can_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let _ = Credential::parse(Some(&value));
            }
        }

        #[test]
        fn no_parameters_can_make_it_panic(
            parts in proptest::collection::vec(
                prop_oneof![
                    Just("Credential=".to_owned()), Just("Signature=".to_owned()),
                    Just("SignedHeaders=".to_owned()), Just(",".to_owned()),
                    Just("/".to_owned()), Just(" ".to_owned()), "[ -~]{0,6}",
                ],
                0..24,
            ),
        ) {
            let value: HeaderValue = format!("{ALGORITHM} {}", parts.concat()).parse().unwrap();
            if let Ok(credential) = Credential::parse(Some(&value)) {
                let _ = (credential.check_access_key(), credential.check_service());
                let caller = credential.caller(&"eu-west-1".parse().unwrap(), String::new());
                prop_assert!(caller.principal.starts_with("arn:aws:iam::"));
            }
        }
    }
}
