//! Which texts are policies.

use meridian_iam::{PolicyDocument, PolicyError};

/// The default key policy of a key made through the API.
const DEFAULT: &str = r#"{
  "Version": "2012-10-17",
  "Id": "key-default-1",
  "Statement": [{
    "Sid": "Enable IAM User Permissions",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
    "Action": "kms:*",
    "Resource": "*"
  }]
}"#;

fn key_policy(text: &str) -> Result<(), PolicyError> {
    PolicyDocument::parse(text).map(|_| ())
}

fn with_statement(members: &str) -> Result<(), PolicyError> {
    key_policy(&format!(
        r#"{{"Version": "2012-10-17", "Statement": {{{members}}}}}"#
    ))
}

fn with_principal(principal: &str) -> Result<(), PolicyError> {
    with_statement(&format!(
        r#""Effect": "Allow", "Principal": {principal}, "Action": "kms:*", "Resource": "*""#
    ))
}

fn with_condition(condition: &str) -> Result<(), PolicyError> {
    with_statement(&format!(
        r#""Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*",
           "Condition": {condition}"#
    ))
}

fn syntax(result: Result<(), PolicyError>) -> bool {
    matches!(result, Err(PolicyError::Syntax(_)))
}

#[test]
fn the_default_policy_is_one() {
    assert_eq!(key_policy(DEFAULT), Ok(()));
}

#[test]
fn a_statement_needs_its_elements() {
    let all = [
        r#""Effect": "Allow""#,
        r#""Principal": "*""#,
        r#""Action": "kms:*""#,
        r#""Resource": "*""#,
    ];
    assert_eq!(with_statement(&all.join(",")), Ok(()));
    for left_out in 0..all.len() {
        let mut some = all.to_vec();
        some.remove(left_out);
        let result = with_statement(&some.join(","));
        match left_out {
            1 => assert_eq!(
                result.unwrap_err().to_string(),
                "Policy contains a statement with no principal."
            ),
            _ => assert!(syntax(result), "without {}", all[left_out]),
        }
    }
}

#[test]
fn what_is_no_element_is_refused() {
    for text in [
        "",
        "[]",
        "{",
        "{}",
        r#"{"Version": "2012-10-17"}"#,
        r#"{"Version": "2012-10-17", "Statement": []}"#,
        r#"{"Version": "2012-10-17", "Statement": "x"}"#,
        &DEFAULT.replace("2012-10-17", "2013-01-01"),
        &DEFAULT.replace("\"Id\"", "\"Name\""),
        &DEFAULT.replace("\"Sid\"", "\"Title\""),
        &DEFAULT.replace("Allow", "allow"),
        &DEFAULT.replace("kms:*", "Encrypt"),
        &DEFAULT.replace("kms:*", "kms:"),
        &DEFAULT.replace("\"kms:*\"", "[]"),
        &DEFAULT.replace("\"*\"", "\"mine\""),
        &DEFAULT.replace("\"*\"", "\"\""),
        &DEFAULT.replace("\"*\"", "7"),
        &DEFAULT.replace("\"Resource\"", "\"Action\": \"kms:*\", \"Resource\""),
        &DEFAULT.replace("\"Resource\"", "\"NotAction\": \"kms:*\", \"Resource\""),
        &DEFAULT.replace("\"Principal\"", "\"NotPrincipal\": \"*\", \"Principal\""),
    ] {
        assert!(syntax(key_policy(text)), "{text}");
    }
}

#[test]
fn principals_are_accounts_and_identities_without_wildcards() {
    for good in [
        r#""*""#,
        r#"{"AWS": "*"}"#,
        r#"{"AWS": ["111122223333", "arn:aws:iam::111122223333:user/team/ann"]}"#,
        r#"{"AWS": "arn:aws-cn:iam::111122223333:role/ops"}"#,
        r#"{"AWS": "arn:aws:sts::111122223333:assumed-role/ops/ann@example.com"}"#,
        r#"{"AWS": "arn:aws:sts::111122223333:federated-user/ann"}"#,
        r#"{"Service": ["s3.amazonaws.com", "logs.us-east-1.amazonaws.com"]}"#,
        r#"{"Federated": "cognito-identity.amazonaws.com", "CanonicalUser": "79a5"}"#,
    ] {
        assert_eq!(with_principal(good), Ok(()), "{good}");
    }
    for bad in [
        r#""ann""#,
        r#"{"AWS": "ann"}"#,
        r#"{"AWS": "1111"}"#,
        r#"{"AWS": "arn:aws:iam::111122223333:user/*"}"#,
        r#"{"AWS": "arn:aws:iam::111122223333:role/ops*"}"#,
        r#"{"AWS": "arn:aws:iam::111122223333:group/ops"}"#,
        r#"{"AWS": "AIDACKCEVSQ6C2EXAMPLE"}"#,
        r#"{"Service": "s3"}"#,
    ] {
        assert_eq!(
            with_principal(bad).unwrap_err().to_string(),
            "Policy contains a statement with one or more invalid principals.",
            "{bad}"
        );
    }
    assert_eq!(with_principal("{}"), Err(PolicyError::NoPrincipal));
    for bad in [
        r#"{"User": "ann"}"#,
        "[]",
        r#"{"AWS": []}"#,
        r#"{"AWS": 7}"#,
    ] {
        assert!(syntax(with_principal(bad)), "{bad}");
    }
}

#[test]
fn every_operator_is_known_with_its_modifiers() {
    let plain = [
        ("StringEquals", "x"),
        ("StringNotEquals", "x"),
        ("StringEqualsIgnoreCase", "x"),
        ("StringNotEqualsIgnoreCase", "x"),
        ("StringLike", "x*"),
        ("StringNotLike", "x*"),
        ("NumericEquals", "1"),
        ("NumericNotEquals", "1.5"),
        ("NumericLessThan", "-1"),
        ("NumericLessThanEquals", "1"),
        ("NumericGreaterThan", "1"),
        ("NumericGreaterThanEquals", "1"),
        ("DateEquals", "2026-01-01T00:00:00Z"),
        ("DateNotEquals", "2026-01-01"),
        ("DateLessThan", "1700000000"),
        ("DateLessThanEquals", "2026-01-01T00:00:00+01:00"),
        ("DateGreaterThan", "2026-01-01"),
        ("DateGreaterThanEquals", "2026-01-01"),
        ("Bool", "true"),
        ("BinaryEquals", "QmluYXJ5"),
        ("IpAddress", "203.0.113.0/24"),
        ("NotIpAddress", "2001:db8::/32"),
        ("ArnEquals", "arn:aws:sns:*:*:x"),
        ("ArnNotEquals", "arn:aws:sns:*:*:x"),
        ("ArnLike", "arn:aws:sns:*:*:x"),
        ("ArnNotLike", "arn:aws:sns:*:*:x"),
    ];
    for (operator, value) in plain {
        for quantifier in ["", "ForAnyValue:", "ForAllValues:"] {
            for end in ["", "IfExists"] {
                let name = format!("{quantifier}{operator}{end}");
                let condition = format!(r#"{{"{name}": {{"aws:x": ["{value}"]}}}}"#);
                assert_eq!(with_condition(&condition), Ok(()), "{name}");
            }
        }
    }
    assert_eq!(with_condition(r#"{"Null": {"aws:x": true}}"#), Ok(()));
    assert_eq!(
        with_condition(r#"{"NumericEquals": {"aws:x": 365}}"#),
        Ok(())
    );
}

#[test]
fn conditions_that_cannot_be_evaluated_are_refused() {
    for bad in [
        r#"{"StringIs": {"aws:x": "y"}}"#,
        r#"{"NotStringEquals": {"aws:x": "y"}}"#,
        r#"{"NumericNotLessThan": {"aws:x": "1"}}"#,
        r#"{"NotBool": {"aws:x": "true"}}"#,
        r#"{"NullIfExists": {"aws:x": "true"}}"#,
        r#"{"ForSomeValues:StringEquals": {"aws:x": "y"}}"#,
        r#"{"NumericEquals": {"aws:x": "many"}}"#,
        r#"{"DateEquals": {"aws:x": "soon"}}"#,
        r#"{"IpAddress": {"aws:x": "here"}}"#,
        r#"{"Bool": {"aws:x": "maybe"}}"#,
        r#"{"BinaryEquals": {"aws:x": "?"}}"#,
        r#"{"Null": {"aws:x": "maybe"}}"#,
        r#"{"StringEquals": {"x": "y"}}"#,
        r#"{"StringEquals": {"aws:x": []}}"#,
        r#"{"StringEquals": {"aws:x": {}}}"#,
        r#"{"StringEquals": {"aws:x": "1", "aws:x": "2"}}"#,
        r#"{"StringEquals": "x"}"#,
        "[]",
    ] {
        assert!(syntax(with_condition(bad)), "{bad}");
    }
}

#[test]
fn an_identity_policy_names_no_principal() {
    let without = r#"{"Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}}"#;
    assert!(PolicyDocument::parse_identity(without).is_ok());
    assert_eq!(key_policy(without), Err(PolicyError::NoPrincipal));
    assert!(PolicyDocument::parse_identity(DEFAULT).is_err());
}

#[test]
fn a_sid_is_there_once() {
    let statement =
        r#"{"Sid": "a", "Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}"#;
    let twice = format!(r#"{{"Statement": [{statement}, {statement}]}}"#);
    assert!(syntax(key_policy(&twice)));
    let other = format!(
        r#"{{"Statement": [{statement}, {}]}}"#,
        statement.replace("\"a\"", "\"b\"")
    );
    assert_eq!(key_policy(&other), Ok(()));
}
