//! What goes into and comes out of the AWS JSON encoding, byte for byte.

use std::collections::BTreeMap;

use bytes::Bytes;
use meridian_proto::{AwsJson, v1::*};
use prost_types::Timestamp;
use serde_json::{Value, json};

fn read<T: AwsJson>(body: Value) -> T {
    T::from_json(&(&body).into()).expect("the body fits the message")
}

fn refusal<T: AwsJson>(body: Value) -> Option<String> {
    match T::from_json(&(&body).into()) {
        Ok(_) => panic!("{body} was read"),
        Err(error) => error.message,
    }
}

fn time(seconds: i64, milliseconds: i32) -> Option<Timestamp> {
    Some(Timestamp {
        seconds,
        nanos: milliseconds * 1_000_000,
    })
}

#[test]
fn a_request_is_read_member_by_member() {
    let request: EncryptRequest = read(json!({
        "KeyId": "alias/orders",
        "Plaintext": "aGVsbG8=",
        "EncryptionContext": {"purpose": "test", "a": "b"},
        "GrantTokens": ["one", "two"],
        "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "DryRun": false,
    }));
    let context = [("purpose", "test"), ("a", "b")];
    let expected = EncryptRequest {
        key_id: Some("alias/orders".into()),
        plaintext: Some(Bytes::from_static(b"hello")),
        encryption_context: BTreeMap::from(context.map(|(k, v)| (k.into(), v.into()))),
        grant_tokens: vec!["one".into(), "two".into()],
        encryption_algorithm: Some("SYMMETRIC_DEFAULT".into()),
        dry_run: Some(false),
    };
    assert_eq!(request, expected);
}

#[test]
fn unknown_members_are_ignored_and_null_is_absent() {
    let request: CreateKeyRequest = read(json!({
        "Description": null, "Tags": null, "description": 7, "Colour": {"red": [1]},
    }));
    assert_eq!(request, CreateKeyRequest::default());
}

#[test]
fn of_a_member_that_comes_twice_the_last_counts() {
    let body = r#"{"KeyId":"one","KeyId":"t\u0077o","EncryptionContext":{"a":"b","a":"c"}}"#;
    let request = EncryptRequest::from_json(&serde_json::from_str(body).unwrap()).unwrap();
    assert_eq!(request.key_id.as_deref(), Some("two"));
    let context = BTreeMap::from([("a".to_owned(), "c".to_owned())]);
    assert_eq!(request.encryption_context, context);
}

#[test]
fn null_inside_a_list_or_a_map_is_dropped() {
    let request: DecryptRequest = read(json!({
        "GrantTokens": [null, "one"], "EncryptionContext": {"a": null, "b": "c"},
    }));
    assert_eq!(request.grant_tokens, ["one"]);
    assert_eq!(request.encryption_context.len(), 1);
}

#[test]
fn a_wrong_type_is_refused_in_the_words_of_aws() {
    let cases: [(Value, &str); 17] = [
        (
            json!({"PendingWindowInDays": "7"}),
            "STRING_VALUE can not be converted to an Integer",
        ),
        (
            json!({"PendingWindowInDays": true}),
            "TRUE_VALUE can not be converted to an Integer",
        ),
        (
            json!({"PendingWindowInDays": [7]}),
            "Start of list found where not expected",
        ),
        (
            json!({"PendingWindowInDays": {}}),
            "Start of structure or map found where not expected.",
        ),
        (
            json!({"KeyId": 7}),
            "NUMBER_VALUE can not be converted to a String",
        ),
        (
            json!({"KeyId": false}),
            "FALSE_VALUE can not be converted to a String",
        ),
        (
            json!({"MultiRegion": "true"}),
            "STRING_VALUE can not be converted to a Boolean",
        ),
        (
            json!({"Plaintext": 7}),
            "NUMBER_VALUE can not be converted to a Blob",
        ),
        (
            json!({"ValidTo": "2026-01-01"}),
            "STRING_VALUE can not be converted to milliseconds since epoch",
        ),
        (json!({"GrantTokens": "one"}), "Expected list or null"),
        (
            json!({"GrantTokens": {}}),
            "Start of structure or map found where not expected.",
        ),
        (
            json!({"GrantTokens": [7]}),
            "NUMBER_VALUE can not be converted to a String",
        ),
        (json!({"EncryptionContext": "a=b"}), "Expected map or null"),
        (
            json!({"EncryptionContext": []}),
            "Start of list found where not expected",
        ),
        (
            json!({"EncryptionContext": {"a": 1}}),
            "NUMBER_VALUE can not be converted to a String",
        ),
        (json!({"Recipient": "enclave"}), "Expected null"),
        (
            json!({"Recipient": []}),
            "Start of list found where not expected",
        ),
    ];
    for (body, text) in cases {
        let name = body.as_object().and_then(|b| b.keys().next());
        let refused = match name.map(String::as_str) {
            Some("PendingWindowInDays") => refusal::<ScheduleKeyDeletionRequest>(body),
            Some("MultiRegion") => refusal::<CreateKeyRequest>(body),
            Some("ValidTo") => refusal::<ImportKeyMaterialRequest>(body),
            Some("Recipient") => refusal::<DecryptRequest>(body),
            _ => refusal::<EncryptRequest>(body),
        };
        assert_eq!(refused.as_deref(), Some(text));
    }
}

#[test]
fn a_body_must_be_an_object() {
    for body in [json!(null), json!("x"), json!(1), json!(true)] {
        assert_eq!(refusal::<DescribeKeyRequest>(body), None);
    }
    let text = "Start of list found where not expected";
    assert_eq!(
        refusal::<DescribeKeyRequest>(json!([])).as_deref(),
        Some(text)
    );
}

#[test]
fn every_level_must_be_an_object() {
    let text = refusal::<CreateKeyRequest>(json!({"Tags": [["purpose", "test"]]}));
    assert_eq!(
        text.as_deref(),
        Some("Start of list found where not expected")
    );
}

#[test]
fn a_blob_is_base64_with_padding() {
    for text in ["aGVsbG8", "aGVsbG8==", "aGVsbG9=", "aGV sbG8=", "aGVs_G8="] {
        assert_eq!(refusal::<EncryptRequest>(json!({"Plaintext": text})), None);
    }
    let request: EncryptRequest = read(json!({"Plaintext": ""}));
    assert_eq!(request.plaintext, Some(Bytes::new()));
}

#[test]
fn an_integer_is_cut_to_what_fits() {
    let limit = |number: Value| read::<ListKeysRequest>(json!({ "Limit": number })).limit;
    assert_eq!(limit(json!(12.9)), Some(12));
    assert_eq!(limit(json!(99_999_999_999_i64)), Some(i32::MAX));
    assert_eq!(limit(json!(-1e300)), Some(i32::MIN));
}

#[test]
fn a_timestamp_may_have_a_fraction() {
    let valid_to = |number: Value| {
        let request: ImportKeyMaterialRequest = read(json!({ "ValidTo": number }));
        request.valid_to
    };
    assert_eq!(valid_to(json!(1_609_193_147)), time(1_609_193_147, 0));
    assert_eq!(valid_to(json!(1_609_193_147.831)), time(1_609_193_147, 831));
    assert_eq!(valid_to(json!(-0.5)), time(-1, 500));
    let far = json!({"ValidTo": 1e18});
    assert_eq!(refusal::<ImportKeyMaterialRequest>(far), None);
}

#[test]
fn a_response_leaves_out_what_does_not_apply() {
    let response = DecryptResponse {
        key_id: Some("arn".into()),
        plaintext: Some(Bytes::from_static(b"hello")),
        ..Default::default()
    };
    assert_eq!(
        response.to_json(),
        r#"{"KeyId":"arn","Plaintext":"aGVsbG8="}"#
    );
    assert_eq!(EnableKeyResponse {}.to_json(), "{}");
}

#[test]
fn key_metadata_is_written_in_the_order_of_the_model() {
    let metadata = KeyMetadata {
        aws_account_id: Some("111122223333".into()),
        key_id: Some("mrk-1".into()),
        creation_date: time(1_609_193_147, 831),
        enabled: Some(true),
        description: Some(String::new()),
        encryption_algorithms: vec!["SYMMETRIC_DEFAULT".into()],
        multi_region: Some(true),
        multi_region_configuration: Some(MultiRegionConfiguration {
            multi_region_key_type: Some("PRIMARY".into()),
            primary_key: Some(MultiRegionKey {
                arn: Some("arn".into()),
                region: Some("eu-west-1".into()),
            }),
            replica_keys: vec![],
        }),
        ..Default::default()
    };
    let response = DescribeKeyResponse {
        key_metadata: Some(metadata.into()),
    };
    assert_eq!(
        response.to_json(),
        concat!(
            r#"{"KeyMetadata":{"AWSAccountId":"111122223333","KeyId":"mrk-1","#,
            r#""CreationDate":1609193147.831,"Enabled":true,"Description":"","#,
            r#""EncryptionAlgorithms":["SYMMETRIC_DEFAULT"],"MultiRegion":true,"#,
            r#""MultiRegionConfiguration":{"MultiRegionKeyType":"PRIMARY","#,
            r#""PrimaryKey":{"Arn":"arn","Region":"eu-west-1"},"ReplicaKeys":[]}}}"#
        )
    );
    assert_eq!(
        read::<DescribeKeyResponse>(parsed(&response.to_json())),
        response
    );
}

#[test]
fn an_empty_page_shows_its_empty_list() {
    let truncated = Some(false);
    let keys = ListKeysResponse {
        truncated,
        ..Default::default()
    };
    let aliases = ListAliasesResponse {
        truncated,
        ..Default::default()
    };
    let rotations = ListKeyRotationsResponse {
        truncated,
        ..Default::default()
    };
    assert_eq!(keys.to_json(), r#"{"Keys":[],"Truncated":false}"#);
    assert_eq!(aliases.to_json(), r#"{"Aliases":[],"Truncated":false}"#);
    assert_eq!(rotations.to_json(), r#"{"Rotations":[],"Truncated":false}"#);
    assert_eq!(ReplicateKeyResponse::default().to_json(), "{}");
}

#[test]
fn a_key_set_state_writes_its_plain_fields_always() {
    let state = KeySetState {
        region: "eu-west-1".into(),
        epoch: u64::MAX,
        rotation: Some(KeySetRotation::default()),
        ..Default::default()
    };
    assert_eq!(
        state.to_json(),
        concat!(
            r#"{"Region":"eu-west-1","KeyId":"","Arn":"","Role":"","KeyState":"","#,
            r#""Epoch":18446744073709551615,"Version":0,"PrimaryRegion":"","#,
            r#""Materials":[],"Members":[],"#,
            r#""Rotation":{"KeyMaterialId":"","WaitingForRegions":[]},"#,
            r#""NextRotationWaitsFor":[],"Deleted":false}"#
        )
    );
    assert_eq!(read::<KeySetState>(parsed(&state.to_json())), state);
}

#[test]
fn timestamps_are_numbers_to_the_millisecond() {
    let text = |time| {
        let creation_date = time;
        let entry = AliasListEntry {
            creation_date,
            ..Default::default()
        };
        entry.to_json()
    };
    assert_eq!(
        text(time(1_609_193_147, 0)),
        r#"{"CreationDate":1609193147}"#
    );
    assert_eq!(text(time(12, 5)), r#"{"CreationDate":12.005}"#);
    assert_eq!(text(time(-1, 500)), r#"{"CreationDate":-0.500}"#);
}

#[test]
fn texts_are_escaped() {
    let text = "q\" b\\ n\n t\t r\r nul\0 bell\u{7} é 鍵 \u{1f511}";
    let response = ReplicateKeyResponse {
        replica_policy: Some(text.into()),
        ..Default::default()
    };
    assert_eq!(
        response.to_json(),
        r#"{"ReplicaPolicy":"q\" b\\ n\n t\t r\r nul\u0000 bell\u0007 é 鍵 🔑"}"#
    );
    assert_eq!(parsed(&response.to_json())["ReplicaPolicy"], text);
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("valid JSON")
}
