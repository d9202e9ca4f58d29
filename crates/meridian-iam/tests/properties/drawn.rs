//! Questions drawn from few names, so that they often meet.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

/// Whose the key is.
pub const OWNER: &str = "111122223333";

const OWN: &str = "arn:aws:iam::111122223333:user/ann";
const STRANGER: &str = "arn:aws:iam::444455556666:user/bob";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/ops/ann";
const ROLE: &str = "arn:aws:iam::111122223333:role/team/ops";
const ROOTS: [&str; 2] = [
    "arn:aws:iam::111122223333:root",
    "arn:aws:iam::444455556666:root",
];
const SERVICE: &str = "s3.amazonaws.com";

const KEYS: [&str; 3] = [
    "arn:aws:kms:us-east-1:111122223333:key/a",
    "arn:aws:kms:us-east-1:111122223333:key/ann",
    "arn:aws:kms:eu-west-1:111122223333:key/a",
];

/// Everything that one evaluation looks at.
#[derive(Clone, Debug)]
pub struct Question {
    pub principal: String,
    pub role_arn: Option<String>,
    pub action: String,
    pub resource: String,
    pub conditions: Vec<(String, Vec<String>)>,
    pub identity_policies: Vec<Value>,
    pub key_policy: Option<Value>,
    /// How a grant names the principal, if one does.
    pub granted: Option<String>,
}

pub fn question() -> impl Strategy<Value = Question> {
    let who = select(vec![
        (OWN, None),
        (STRANGER, None),
        (SESSION, Some(ROLE)),
        (ROOTS[0], None),
        (ROOTS[1], None),
        (SERVICE, None),
    ]);
    let action = select(vec!["kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom"]);
    let identity = prop::collection::vec(policy(false), 0..3);
    let key = prop::option::weighted(0.9, policy(true));
    let granted = prop::option::weighted(0.2, select(vec!["directly", "by account"]));
    (
        who,
        action,
        select(KEYS.to_vec()),
        conditions(),
        identity,
        key,
        granted,
    )
        .prop_map(
            |(
                (principal, role),
                action,
                resource,
                conditions,
                identity_policies,
                key_policy,
                granted,
            )| {
                Question {
                    principal: principal.into(),
                    role_arn: role.map(Into::into),
                    action: action.into(),
                    resource: resource.into(),
                    conditions,
                    identity_policies,
                    key_policy,
                    granted: granted.map(Into::into),
                }
            },
        )
}

/// Of each key none, one or two values.
fn conditions() -> impl Strategy<Value = Vec<(String, Vec<String>)>> {
    let values = |all: &[&'static str]| {
        let most = all.len().min(2);
        subsequence(all.to_vec(), 0..=most)
    };
    let each = (
        values(&["ann", "Ann", "a*"]),
        values(&["5", "7.5", "x"]),
        values(&["2026-01-01T00:00:00Z", "1767225601"]),
        values(&["true", "FALSE"]),
        values(&["203.0.113.9", "198.51.100.1", "2001:db8::1"]),
        values(&["arn:aws:sns:us-east-1:111122223333:ann", "none"]),
    );
    each.prop_map(|(text, number, date, truth, ip, arn)| {
        let all = [
            ("aws:Text", text),
            ("aws:Number", number),
            ("aws:Date", date),
            ("aws:Truth", truth),
            ("aws:Ip", ip),
            ("aws:Arn", arn),
        ];
        let own = |(key, values): (&str, Vec<&str>)| {
            (
                key.to_owned(),
                values.into_iter().map(str::to_owned).collect(),
            )
        };
        let there = all
            .into_iter()
            .filter(|(_, values): &(&str, Vec<&str>)| !values.is_empty());
        there.map(own).collect()
    })
}

fn policy(of_key: bool) -> impl Strategy<Value = Value> {
    let version = select(vec![Some("2012-10-17"), Some("2008-10-17"), None]);
    let statements = prop::collection::vec(statement(of_key), 1..4);
    (version, statements).prop_map(|(version, statements)| {
        let mut policy = json!({"Statement": statements});
        if let Some(version) = version {
            policy["Version"] = version.into();
        }
        policy
    })
}

fn statement(of_key: bool) -> impl Strategy<Value = Value> {
    let effect = prop::bool::weighted(0.75);
    let actions = some(&[
        "*",
        "kms:*",
        "KMS:encrypt",
        "kms:Re*",
        "kms:?ecrypt",
        "s3:*",
    ]);
    let resources = some(&[
        "*",
        KEYS[0],
        "arn:aws:kms:*:*:key/${aws:username}",
        "arn:aws:kms:*:111122223333:key/*",
        "arn:aws:kms:us-east-1",
        "arn:aws:kms:us-*-1:*:*/?",
        "arn:aws:kms:us-east-1:key/a",
        "arn:aws:kms:*:*:key/${aws:text, 'a'}",
    ]);
    let opposites = prop::array::uniform3(prop::bool::weighted(0.15));
    let condition = prop::option::weighted(0.5, condition());
    (
        effect,
        principals(),
        actions,
        resources,
        opposites,
        condition,
    )
        .prop_map(
            move |(
                allow,
                principal,
                actions,
                resources,
                [not_who, not_do, not_what],
                condition,
            )| {
                let not = |negated: bool, name: &str| {
                    if negated {
                        format!("Not{name}")
                    } else {
                        name.to_owned()
                    }
                };
                let mut statement = json!({"Effect": if allow { "Allow" } else { "Deny" }});
                statement[not(not_do, "Action")] = json!(actions);
                statement[not(not_what, "Resource")] = json!(resources);
                if of_key {
                    statement[not(not_who, "Principal")] = principal;
                }
                if let Some(condition) = condition {
                    statement["Condition"] = condition;
                }
                statement
            },
        )
}

fn principals() -> impl Strategy<Value = Value> {
    let names = some(&[OWN, STRANGER, SESSION, ROLE, ROOTS[0], ROOTS[1], OWNER]);
    prop_oneof![
        1 => Just(json!("*")),
        1 => Just(json!({"AWS": "*"})),
        1 => Just(json!({"Service": SERVICE})),
        6 => names.prop_map(|names| json!({"AWS": names})),
        2 => names_and_service(),
    ]
}

fn names_and_service() -> impl Strategy<Value = Value> {
    some(&[OWN, SESSION, ROLE, ROOTS[0]])
        .prop_map(|names| json!({"AWS": names, "Service": [SERVICE, "sns.amazonaws.com"]}))
}

/// One operator of each kind may be there, with values that it can read.
fn condition() -> impl Strategy<Value = Value> {
    let texts = some(&["ann", "ANN", "a*", "?nn", "${aws:username}", "${*}", "x"]);
    let text = (
        select(vec![
            "StringEquals",
            "StringNotEquals",
            "StringEqualsIgnoreCase",
            "StringNotEqualsIgnoreCase",
            "StringLike",
            "StringNotLike",
        ]),
        select(vec![
            "aws:Text",
            "AWS:tEXT",
            "aws:username",
            "aws:PrincipalAccount",
            "aws:Gone",
        ]),
        texts,
    );
    let ordered = |kind: &'static str, key: &'static str, values: &[&'static str]| {
        let orders = [
            "Equals",
            "NotEquals",
            "LessThan",
            "LessThanEquals",
            "GreaterThan",
            "GreaterThanEquals",
        ];
        let name = select(orders.to_vec()).prop_map(move |order| format!("{kind}{order}"));
        (name, Just(key), some(values))
    };
    let plain = |names: &[&'static str], key: &'static str, values: &[&'static str]| {
        (
            select(names.to_vec()).prop_map(str::to_owned),
            Just(key),
            some(values),
        )
    };
    let dates = ["2026-01-01", "2026-01-01T01:00:01+01:00"];
    let networks = [
        "203.0.113.0/24",
        "0.0.0.0/0",
        "2001:db8::/32",
        "198.51.100.1",
    ];
    let arns = [
        "arn:aws:sns:*:*:a*",
        "arn:aws:sns",
        "*",
        "arn:aws:sns:*:ann",
        "*:*:*:*:*:none",
    ];
    let test = prop_oneof![
        4 => text.prop_map(|(name, key, values)| (name.to_owned(), key, values)),
        2 => ordered("Numeric", "aws:Number", &["5", "6", "7.5"]),
        2 => ordered("Date", "aws:Date", &dates),
        1 => plain(&["Bool"], "aws:Truth", &["true", "false"]),
        1 => plain(&["IpAddress", "NotIpAddress"], "aws:Ip", &networks),
        2 => plain(&["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"], "aws:Arn", &arns),
    ];
    let modifiers = (
        select(vec!["", "", "ForAnyValue:", "ForAllValues:"]),
        prop::bool::ANY,
    );
    let null = (
        select(vec!["aws:Text", "aws:Ip"]),
        select(vec!["true", "false"]),
    );
    prop_oneof![
        5 => (test, modifiers).prop_map(|((name, key, values), (quantifier, if_exists))| {
            let end = if if_exists { "IfExists" } else { "" };
            json!({format!("{quantifier}{name}{end}"): {key: values}})
        }),
        1 => null.prop_map(|(key, value)| json!({"Null": {key: value}})),
    ]
}

/// One or two of them.
fn some(all: &[&'static str]) -> impl Strategy<Value = Vec<&'static str>> + use<> {
    subsequence(all.to_vec(), 1..=2)
}

/// Any bytes, and policies with a few bytes changed.
pub fn bytes_near_a_policy() -> impl Strategy<Value = Vec<u8>> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    let near = (policy(true), changes).prop_map(|(policy, changes)| {
        let mut bytes = policy.to_string().into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    });
    prop_oneof![prop::collection::vec(any::<u8>(), 0..200), near]
}
