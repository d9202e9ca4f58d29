//! Properties that hold for every input, not only for the examples.

use std::collections::BTreeMap;

use bytes::Bytes;
use meridian_proto::{AwsJson, v1::*, validation_message};
use proptest::{collection, option, prelude::*, sample};
use prost_types::Timestamp;
use serde_json::{Value, json};

/// Member names that some message knows, so that arbitrary values reach every
/// kind of member.
const NAMES: [&str; 12] = [
    "KeyId",
    "Plaintext",
    "EncryptionContext",
    "GrantTokens",
    "DryRun",
    "Recipient",
    "AttestationDocument",
    "Tags",
    "TagKey",
    "ValidTo",
    "Limit",
    "KeySpec",
];

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[A-Za-z0-9+/=]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let name = prop_oneof![
            sample::select(&NAMES[..]).prop_map(String::from),
            any::<String>()
        ];
        prop_oneof![
            collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            collection::vec((name, inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// Reads `body`; if it can be read, everything else must work too.
fn survive<T: AwsJson + PartialEq>(body: &Value) {
    let Ok(message) = T::from_json(&body.into()) else {
        return;
    };
    let mut violations = Vec::new();
    message.violations(&mut violations);
    assert_eq!(
        validation_message(&violations).is_none(),
        violations.is_empty()
    );
    let written: Value = serde_json::from_str(&message.to_json()).expect("valid JSON");
    let again = T::from_json(&(&written).into()).expect("what was written can be read");
    assert!(message == again, "{body} became {written}");
}

proptest! {
    #[test]
    fn arbitrary_json_never_panics_and_what_is_read_can_be_written(body in any_json()) {
        survive::<EncryptRequest>(&body);
        survive::<DecryptRequest>(&body);
        survive::<CreateKeyRequest>(&body);
        survive::<ImportKeyMaterialRequest>(&body);
        survive::<GenerateDataKeyRequest>(&body);
        survive::<ListKeysRequest>(&body);
        survive::<KeyMetadata>(&body);
        survive::<ListAliasesResponse>(&body);
        survive::<KeySetState>(&body);
    }

    #[test]
    fn a_decrypt_request_survives_the_round_trip(
        blob in collection::vec(any::<u8>(), 0..200),
        context in collection::btree_map(any::<String>(), any::<String>(), 0..4),
        key_id in option::of(any::<String>()),
        dry_run in option::of(any::<bool>()),
    ) {
        let request = DecryptRequest {
            ciphertext_blob: Some(Bytes::from(blob)),
            encryption_context: context,
            key_id,
            dry_run,
            ..Default::default()
        };
        let body: Value = serde_json::from_str(&request.to_json()).expect("valid JSON");
        prop_assert_eq!(DecryptRequest::from_json(&(&body).into()), Ok(request));
    }

    #[test]
    fn a_timestamp_survives_to_the_millisecond(ms in -62_135_596_800_000_i64..253_402_300_800_000) {
        let creation_date = Some(Timestamp {
            seconds: ms.div_euclid(1000),
            nanos: ms.rem_euclid(1000) as i32 * 1_000_000,
        });
        let entry = AliasListEntry { creation_date, ..Default::default() };
        let body: Value = serde_json::from_str(&entry.to_json()).expect("valid JSON");
        prop_assert_eq!(AliasListEntry::from_json(&(&body).into()), Ok(entry));
    }

    #[test]
    fn a_map_is_written_as_a_json_library_would(
        context in collection::btree_map(any::<String>(), any::<String>(), 1..4),
    ) {
        let expected = json!({"EncryptionContext": &context});
        let encryption_context: BTreeMap<String, String> = context;
        let request = DecryptRequest { encryption_context, ..Default::default() };
        let body: Value = serde_json::from_str(&request.to_json()).expect("valid JSON");
        prop_assert_eq!(body, expected);
    }
}
