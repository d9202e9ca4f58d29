//! What a header says, and what no header can do.

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
    credential.caller(&credential.region.parse().unwrap(), "")
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
            let caller = credential.caller(&"eu-west-1".parse().unwrap(), "");
            prop_assert!(caller.principal.starts_with("arn:aws:iam::"));
        }
    }
}
