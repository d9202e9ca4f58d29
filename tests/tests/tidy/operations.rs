//! The operations: the list that Meridian promises, the table in the core and
//! the gRPC service are the same.

use std::collections::BTreeSet;

use meridian_kms::Operation;

use crate::repository::read;

const PROMISED: [&str; 56] = [
    "CancelKeyDeletion",
    "ConnectCustomKeyStore",
    "CreateAlias",
    "CreateCustomKeyStore",
    "CreateGrant",
    "CreateKey",
    "Decapsulate",
    "Decrypt",
    "DeleteAlias",
    "DeleteCustomKeyStore",
    "DeleteImportedKeyMaterial",
    "DeriveSharedSecret",
    "DescribeCustomKeyStores",
    "DescribeKey",
    "DisableKey",
    "DisableKeyRotation",
    "DisconnectCustomKeyStore",
    "EnableKey",
    "EnableKeyRotation",
    "Encapsulate",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "GenerateRandom",
    "GetKeyLastUsage",
    "GetKeyPolicy",
    "GetKeyRotationStatus",
    "GetParametersForImport",
    "GetPublicKey",
    "ImportKeyMaterial",
    "ListAliases",
    "ListGrants",
    "ListKeyPolicies",
    "ListKeyRotations",
    "ListKeys",
    "ListResourceTags",
    "ListRetirableGrants",
    "PutKeyPolicy",
    "ReEncrypt",
    "ReplicateKey",
    "RetireGrant",
    "RevokeGrant",
    "RotateKeyOnDemand",
    "ScheduleKeyDeletion",
    "Sign",
    "TagResource",
    "UntagResource",
    "UpdateAlias",
    "UpdateCustomKeyStore",
    "UpdateKeyDescription",
    "UpdatePrimaryRegion",
    "Verify",
    "VerifyMac",
];

/// The methods of a service, and those whose messages are not named after them.
fn methods<'a>(proto: &'a str, service: &str) -> (BTreeSet<&'a str>, Vec<&'a str>) {
    let opening = format!("service {service} {{");
    let body = proto.split_once(&opening).map_or("", |(_, rest)| rest);
    let body = body.split("\n}").next().unwrap_or_default();
    let lines = body
        .lines()
        .filter_map(|line| line.trim().strip_prefix("rpc "));
    let (mut names, mut odd) = (BTreeSet::new(), Vec::new());
    for line in lines {
        let name = line.split('(').next().unwrap_or_default();
        if line != format!("{name}({name}Request) returns ({name}Response);") {
            odd.push(line);
        }
        names.insert(name);
    }
    (names, odd)
}

#[test]
fn every_promised_operation_is_in_the_table_and_in_the_service_and_no_other() {
    let proto = read("proto/meridian/v1/kms.proto");
    let promised = BTreeSet::from(PROMISED);
    let table: BTreeSet<&str> = Operation::ALL.iter().map(|it| it.name()).collect();
    let (service, odd) = methods(&proto, "KeyManagement");
    assert_eq!(table, promised, "the table of operations");
    assert_eq!(service, promised, "the gRPC service");
    assert_eq!(odd, [""; 0], "messages are named after the operation");
}

#[test]
fn methods_are_read_from_their_own_service_and_judged_by_their_messages() {
    let proto = "service KeyManagement {\n  // One.\n  rpc A(ARequest) returns (AResponse);\n  \
                 rpc B(Empty) returns (BResponse);\n}\nservice Other {\n  rpc C(D) returns (E);\n}\n";
    let (names, odd) = methods(proto, "KeyManagement");
    assert_eq!(names, BTreeSet::from(["A", "B"]));
    assert_eq!(odd, ["B(Empty) returns (BResponse);"]);
    assert!(methods(proto, "Absent").0.is_empty());
}
