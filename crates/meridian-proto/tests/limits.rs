//! Every kind of limit, with the exact text of its violation.

use bytes::Bytes;
use meridian_proto::{AwsJson, v1::*, validation_message};
use serde_json::{Value, json};

/// The answer to a body that can be read.
fn refusal<T: AwsJson>(body: Value) -> Option<String> {
    let request = T::from_json(&(&body).into()).expect("the body fits the message");
    let mut violations = Vec::new();
    request.violations(&mut violations);
    validation_message(&violations)
}

fn one(violation: &str) -> Option<String> {
    Some(format!("1 validation error detected: {violation}"))
}

#[test]
fn a_good_request_breaks_nothing() {
    let body = json!({
        "KeyId": "1234abcd-12ab-34cd-56ef-1234567890ab",
        "ReplicaRegion": "us-gov-west-1",
        "Policy": "{\n\t\"Version\": \"2012-10-17\"\r\n}",
        "Description": "",
        "Tags": [{"TagKey": "k", "TagValue": ""}],
    });
    assert_eq!(refusal::<ReplicateKeyRequest>(body), None);
}

#[test]
fn a_required_member_must_be_there() {
    let text = one("Value null at 'keyId' failed to satisfy constraint: Member must not be null");
    assert_eq!(refusal::<DescribeKeyRequest>(json!({})), text);
    assert_eq!(refusal::<DescribeKeyRequest>(json!({"KeyId": null})), text);
}

#[test]
fn a_missing_blob_is_null_unless_it_is_sensitive() {
    assert_eq!(
        refusal::<EncryptRequest>(json!({"KeyId": "k"})),
        one("Value at 'plaintext' failed to satisfy constraint: Member must not be null")
    );
    assert_eq!(
        refusal::<ImportKeyMaterialRequest>(json!({"KeyId": "k", "ImportToken": "AAAA"})),
        one(
            "Value null at 'encryptedKeyMaterial' failed to satisfy constraint: \
             Member must not be null"
        )
    );
}

#[test]
fn a_text_has_a_length() {
    let long = "x".repeat(8193);
    assert_eq!(
        refusal::<CreateKeyRequest>(json!({ "Description": long })),
        one(&format!(
            "Value '{long}' at 'description' failed to satisfy constraint: \
             Member must have length less than or equal to 8192"
        ))
    );
    assert_eq!(
        refusal::<CreateKeyRequest>(json!({"CustomKeyStoreId": ""})),
        one(
            "Value '' at 'customKeyStoreId' failed to satisfy constraint: \
             Member must have length greater than or equal to 1"
        )
    );
}

#[test]
fn the_length_of_a_text_counts_characters() {
    let fits = "é".repeat(8192);
    assert_eq!(
        refusal::<CreateKeyRequest>(json!({ "Description": fits })),
        None
    );
}

#[test]
fn the_length_of_a_blob_counts_decoded_bytes_and_its_value_is_not_shown() {
    let refused = |length: usize| {
        let request = EncryptRequest {
            key_id: Some("k".into()),
            plaintext: Some(Bytes::from(vec![0; length])),
            ..Default::default()
        };
        let mut violations = Vec::new();
        request.violations(&mut violations);
        validation_message(&violations)
    };
    assert_eq!(refused(4096), None);
    assert_eq!(
        refused(4097),
        one("Value at 'plaintext' failed to satisfy constraint: \
             Member must have length less than or equal to 4096")
    );
    assert_eq!(
        refused(0),
        one("Value at 'plaintext' failed to satisfy constraint: \
             Member must have length greater than or equal to 1")
    );
}

#[test]
fn a_number_has_a_range() {
    assert_eq!(
        refusal::<GenerateRandomRequest>(json!({"NumberOfBytes": 1025})),
        one(
            "Value '1025' at 'numberOfBytes' failed to satisfy constraint: \
             Member must have value less than or equal to 1024"
        )
    );
    assert_eq!(
        refusal::<EnableKeyRotationRequest>(json!({"KeyId": "k", "RotationPeriodInDays": 89})),
        one(
            "Value '89' at 'rotationPeriodInDays' failed to satisfy constraint: \
             Member must have value greater than or equal to 90"
        )
    );
    assert_eq!(
        refusal::<GenerateRandomRequest>(json!({"NumberOfBytes": 1024})),
        None
    );
}

#[test]
fn a_number_that_does_not_fit_is_not_shown() {
    assert_eq!(
        refusal::<ListKeysRequest>(json!({"Limit": 99_999_999_999_i64})),
        one("Value at 'limit' failed to satisfy constraint: \
             Member must have value less than or equal to 1000")
    );
}

#[test]
fn a_pattern_must_match_the_whole_value() {
    let refused = |region: &str| {
        refusal::<UpdatePrimaryRegionRequest>(json!({"KeyId": "k", "PrimaryRegion": region}))
    };
    assert_eq!(refused("eu-west-1"), None);
    for region in ["eu-west-1\n", "xx eu-west-1", "eu-west-١", "EU-WEST-1"] {
        assert_eq!(
            refused(region),
            one(&format!(
                "Value '{region}' at 'primaryRegion' failed to satisfy constraint: \
                 Member must satisfy regular expression pattern: ^([a-z]+-){{2,3}}\\d+$"
            ))
        );
    }
    // A pattern without anchors, and one that refuses the empty text though
    // its length allows it.
    assert!(refusal::<ListKeysRequest>(json!({"Marker": "key\u{100}"})).is_some());
    let description = json!({
        "KeyId": "k", "ImportToken": "AAAA", "EncryptedKeyMaterial": "AAAA",
        "KeyMaterialDescription": "",
    });
    assert!(refusal::<ImportKeyMaterialRequest>(description).is_some());
}

#[test]
fn an_enum_has_its_values() {
    assert_eq!(
        refusal::<GenerateDataKeyRequest>(json!({"KeyId": "k", "KeySpec": "AES_512"})),
        one(
            "Value 'AES_512' at 'keySpec' failed to satisfy constraint: \
             Member must satisfy enum value set: [AES_256, AES_128]"
        )
    );
}

#[test]
fn a_list_has_a_length() {
    let tokens = vec!["t"; 11];
    assert_eq!(
        refusal::<DescribeKeyRequest>(json!({"KeyId": "k", "GrantTokens": tokens})),
        one(
            "Value '[t, t, t, t, t, t, t, t, t, t, t]' at 'grantTokens' failed to satisfy \
             constraint: Member must have length less than or equal to 10"
        )
    );
}

#[test]
fn the_items_of_a_list_have_limits() {
    assert_eq!(
        refusal::<DescribeKeyRequest>(json!({"KeyId": "k", "GrantTokens": ["a", ""]})),
        one(
            "Value '[a, ]' at 'grantTokens' failed to satisfy constraint: \
             Member must satisfy constraint: [Member must have length less than or equal to 8192, \
             Member must have length greater than or equal to 1]"
        )
    );
    assert_eq!(
        refusal::<ListKeysRequest>(json!({"ResourceOwners": ["ME"]})),
        one(
            "Value '[ME]' at 'resourceOwners' failed to satisfy constraint: \
             Member must satisfy constraint: \
             [Member must satisfy enum value set: [SELF, OTHER_ACCOUNTS_VIA_RAM]]"
        )
    );
}

#[test]
fn a_member_inside_a_list_is_named_by_its_place() {
    let long = "x".repeat(129);
    assert_eq!(
        refusal::<CreateKeyRequest>(json!({"Tags": [
            {"TagKey": "a", "TagValue": "b"}, {"TagKey": long, "TagValue": "b"},
        ]})),
        one(&format!(
            "Value '{long}' at 'tags.2.member.tagKey' failed to satisfy constraint: \
             Member must have length less than or equal to 128"
        ))
    );
}

#[test]
fn a_member_inside_a_structure_is_named_by_its_path() {
    assert_eq!(
        refusal::<DecryptRequest>(json!({"Recipient": {"AttestationDocument": ""}})),
        one(
            "Value at 'recipient.attestationDocument' failed to satisfy constraint: \
             Member must have length greater than or equal to 1"
        )
    );
}

#[test]
fn all_violations_are_reported_in_the_order_of_the_members() {
    assert_eq!(
        refusal::<GetParametersForImportRequest>(json!({
            "WrappingKeySpec": "RSA_1024", "KeyId": "",
        })),
        Some(
            "4 validation errors detected: \
             Value '' at 'keyId' failed to satisfy constraint: \
             Member must have length greater than or equal to 1; \
             Value '' at 'keyId' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: ^\\p{ASCII}+$; \
             Value null at 'wrappingAlgorithm' failed to satisfy constraint: \
             Member must not be null; \
             Value 'RSA_1024' at 'wrappingKeySpec' failed to satisfy constraint: \
             Member must satisfy enum value set: [RSA_2048, RSA_3072, RSA_4096, SM2]"
                .into()
        )
    );
}

#[test]
fn type_errors_come_before_limits() {
    let body = json!({"KeyId": "", "Limit": "1"});
    let error = ListAliasesRequest::from_json(&(&body).into()).expect_err("a text is no integer");
    let text = "STRING_VALUE can not be converted to an Integer";
    assert_eq!(error.message.as_deref(), Some(text));
}
