//! What policies and grants together come to, and what a denied caller reads.

use std::borrow::Cow;

use meridian_iam::{
    ConditionValues, Conditions, Decision, Naming, PolicyDocument, Principal, Query, Reason,
    Subject, access_denied, evaluate,
};

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const ROOT: &str = "arn:aws:iam::111122223333:root";
const ANN: &str = "arn:aws:iam::111122223333:user/ann";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/ops/ann";
const STRANGER: &str = "arn:aws:iam::444455556666:user/bob";

/// One caller who wants to encrypt.
struct Case {
    principal: Principal,
    identity: Vec<PolicyDocument>,
    key: Option<PolicyDocument>,
    conditions: Conditions,
    granted: Naming,
}

impl Case {
    fn of(arn: &str) -> Case {
        Case {
            principal: Principal::parse(arn).expect("a principal"),
            identity: Vec::new(),
            key: None,
            conditions: Conditions::new(),
            granted: Naming::Not,
        }
    }

    /// The key's policy, of statements without action and resource.
    fn key(mut self, statements: &[&str]) -> Case {
        let all = r#""Action": "kms:*", "Resource": "*""#;
        let each = statements.iter().map(|it| format!("{{{it}, {all}}}"));
        let list = each.collect::<Vec<_>>().join(",");
        let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{list}]}}"#);
        self.key = Some(PolicyDocument::parse(&text).expect("a key policy"));
        self
    }

    fn key_for(self, principal: &str) -> Case {
        self.key(&[&allow(principal)])
    }

    fn identity(mut self, statement: &str) -> Case {
        let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{{{statement}}}]}}"#);
        let policy = PolicyDocument::parse_identity(&text).expect("a policy");
        self.identity.push(policy);
        self
    }

    fn allowed(self) -> Case {
        self.identity(r#""Effect": "Allow", "Action": "kms:Enc*", "Resource": "*""#)
    }

    fn granted(self) -> Case {
        self.granted_to(Naming::Directly)
    }

    fn granted_to(mut self, granted: Naming) -> Case {
        self.granted = granted;
        self
    }

    fn ask<T>(&self, and: impl Fn(&Query<'_>) -> T) -> T {
        and(&Query {
            principal: &self.principal,
            action: "kms:Encrypt",
            resource: if self.key.is_some() { KEY } else { "*" },
            resource_account: "111122223333",
            conditions: &self.conditions,
            identity_policies: &self.identity,
            key_policy: self.key.as_ref(),
            granted: &|| self.granted,
        })
    }

    fn decision(&self) -> Decision {
        self.ask(evaluate)
    }

    fn text(&self) -> String {
        self.ask(|query| match evaluate(query) {
            Decision::Allowed => "allowed".into(),
            Decision::Denied(reason) => access_denied(query, Subject::Resource, reason),
        })
    }
}

fn allow(principal: &str) -> String {
    format!(r#""Effect": "Allow", "Principal": {{"AWS": "{principal}"}}"#)
}

fn deny(principal: &str) -> String {
    format!(r#""Effect": "Deny", "Principal": {{"AWS": "{principal}"}}"#)
}

#[test]
fn the_account_in_a_key_policy_leaves_it_to_the_identity_policies() {
    assert_eq!(
        Case::of(ANN).key_for(ROOT).allowed().decision(),
        Decision::Allowed
    );
    assert_eq!(
        Case::of(ANN).key_for(ROOT).text(),
        format!(
            "User: {ANN} is not authorized to perform: kms:Encrypt on resource: {KEY} because \
             no identity-based policy allows the kms:Encrypt action"
        )
    );
    assert_eq!(Case::of(ROOT).key_for(ROOT).decision(), Decision::Allowed);
    assert_eq!(
        Case::of(ROOT).key_for("111122223333").decision(),
        Decision::Allowed
    );
}

#[test]
fn a_key_policy_allows_by_itself_whom_it_names() {
    for name in [ANN, "*"] {
        assert_eq!(Case::of(ANN).key_for(name).decision(), Decision::Allowed);
    }
    for name in ["arn:aws:iam::111122223333:role/ops", SESSION] {
        assert_eq!(
            Case::of(SESSION).key_for(name).decision(),
            Decision::Allowed
        );
    }
}

#[test]
fn without_the_key_policy_nothing_but_a_grant_helps() {
    let other = "arn:aws:iam::111122223333:user/other";
    assert_eq!(
        Case::of(ANN).key_for(other).allowed().text(),
        format!(
            "User: {ANN} is not authorized to perform: kms:Encrypt on resource: {KEY} because \
             no resource-based policy allows the kms:Encrypt action"
        )
    );
    let root = Case::of(ROOT).key_for(other);
    assert_eq!(root.decision(), Decision::Denied(Reason::NoKeyPolicy));
    assert_eq!(root.granted().decision(), Decision::Allowed);
}

#[test]
fn a_deny_anywhere_wins_over_everything() {
    let in_key = Case::of(ANN)
        .key(&[&allow(ANN), &deny(ROOT)])
        .allowed()
        .granted();
    assert_eq!(
        in_key.text(),
        format!(
            "User: {ANN} is not authorized to perform: kms:Encrypt on resource: {KEY} with an \
             explicit deny in a resource-based policy"
        )
    );
    let in_identity = Case::of(ANN).key_for(ANN).allowed().granted();
    let in_identity =
        in_identity.identity(r#""Effect": "Deny", "NotAction": "kms:Decrypt", "Resource": "*""#);
    assert_eq!(
        in_identity.text(),
        format!(
            "User: {ANN} is not authorized to perform: kms:Encrypt on resource: {KEY} with an \
             explicit deny in an identity-based policy"
        )
    );
}

#[test]
fn another_account_needs_both_sides_and_learns_nothing() {
    for name in [STRANGER, "444455556666", "*"] {
        let both = Case::of(STRANGER).key_for(name).allowed();
        assert_eq!(both.decision(), Decision::Allowed);
        assert_eq!(
            Case::of(STRANGER).key_for(name).text(),
            format!(
                "User: {STRANGER} is not authorized to perform: kms:Encrypt on this resource \
                 because no identity-based policy allows the kms:Encrypt action"
            )
        );
    }
    let unseen = format!(
        "User: {STRANGER} is not authorized to perform: kms:Encrypt on this resource because \
         the resource does not exist in this Region, no resource-based policies allow access, \
         or a resource-based policy explicitly denies access"
    );
    assert_eq!(Case::of(STRANGER).key_for(ANN).allowed().text(), unseen);
    assert_eq!(Case::of(STRANGER).key(&[&deny(STRANGER)]).text(), unseen);
    let account = "arn:aws:iam::444455556666:root";
    assert_eq!(
        Case::of(account).key_for(account).decision(),
        Decision::Allowed
    );
    assert_eq!(
        Case::of(STRANGER).key_for(ANN).granted().decision(),
        Decision::Allowed
    );
}

#[test]
fn without_a_key_the_identity_policies_decide() {
    assert_eq!(Case::of(ANN).allowed().decision(), Decision::Allowed);
    assert_eq!(Case::of(ROOT).decision(), Decision::Allowed);
    assert_eq!(
        Case::of(ANN).text(),
        format!(
            "User: {ANN} is not authorized to perform: kms:Encrypt on resource: * because no \
             identity-based policy allows the kms:Encrypt action"
        )
    );
}

#[test]
fn a_service_is_allowed_by_its_name() {
    let service = r#""Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}"#;
    let s3 = Case::of("s3.amazonaws.com").key(&[service]);
    assert_eq!(s3.decision(), Decision::Allowed);
    let logs = Case::of("logs.amazonaws.com").key(&[service, &allow(ROOT)]);
    assert_eq!(logs.decision(), Decision::Denied(Reason::NoKeyPolicy));
}

#[test]
fn not_principal_excepts_those_it_names_under_all_their_names() {
    let except = |names: &str| format!(r#""Effect": "Deny", "NotPrincipal": {{"AWS": [{names}]}}"#);
    let decision =
        |arn: &str, names: &str| Case::of(arn).key(&[&allow("*"), &except(names)]).decision();
    let all = format!(r#""{ANN}", "{ROOT}""#);
    assert_eq!(decision(ANN, &all), Decision::Allowed);
    assert_eq!(decision(ROOT, &all), Decision::Allowed);
    let denied = Decision::Denied(Reason::KeyPolicyDenies);
    assert_eq!(decision(ANN, &format!("\"{ANN}\"")), denied);
    assert_eq!(decision(SESSION, &all), denied);
}

#[test]
fn conditions_of_the_request_and_of_the_caller_count() {
    let with = |condition: &str, pairs: &[(&str, &str)]| {
        let statement = format!("{}, \"Condition\": {condition}", allow("*"));
        let mut case = Case::of(ANN).key(&[&statement]);
        case.conditions = pairs.iter().copied().collect();
        case.decision() == Decision::Allowed
    };
    let context = r#"{"StringEquals": {"kms:EncryptionContext:Department": "IT"}}"#;
    assert!(with(context, &[("kms:encryptioncontext:DEPARTMENT", "IT")]));
    assert!(!with(
        context,
        &[("kms:EncryptionContext:Department", "it")]
    ));
    assert!(!with(context, &[]));
    let all_of = r#"{"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["a", "b"]}}"#;
    let keys = |names: &[&'static str]| -> Vec<(&'static str, &'static str)> {
        names
            .iter()
            .map(|name| ("kms:EncryptionContextKeys", *name))
            .collect()
    };
    assert!(with(all_of, &keys(&["a", "b"])));
    assert!(with(all_of, &[]));
    assert!(!with(all_of, &keys(&["a", "c"])));
    let any_of = all_of.replace("ForAllValues", "ForAnyValue");
    assert!(with(&any_of, &keys(&["a", "c"])));
    assert!(!with(&any_of, &[]));
    assert!(with(
        r#"{"StringEquals": {"kms:CallerAccount": "111122223333"}}"#,
        &[]
    ));
    assert!(with(
        r#"{"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/a*"}}"#,
        &[]
    ));
    let via = r#"{"StringEqualsIfExists": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}"#;
    assert!(with(via, &[]));
    assert!(!with(
        via,
        &[("kms:ViaService", "sns.us-east-1.amazonaws.com")]
    ));
    let unless = r#"{"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}"#;
    assert!(with(unless, &[]));
    assert!(!with(unless, &[("aws:SourceVpc", "vpc-1")]));
    let absent = r#"{"Null": {"kms:GrantIsForAWSResource": "true"}}"#;
    assert!(with(absent, &[]));
    assert!(!with(absent, &[("kms:GrantIsForAWSResource", "true")]));
    let own = r#"{"StringEquals": {"aws:ResourceTag/owner": "${aws:username}"}}"#;
    assert!(with(own, &[("aws:ResourceTag/Owner", "ann")]));
    assert!(!with(own, &[("aws:ResourceTag/Owner", "${aws:username}")]));
}

#[test]
fn a_ciphertext_is_named_as_such() {
    let case = Case::of(STRANGER).allowed().key_for(ANN);
    let text = case.ask(|query| access_denied(query, Subject::Ciphertext, Reason::NoKeyPolicy));
    assert!(text.contains(
        "is not authorized to perform: kms:Encrypt on the resource associated with this \
         ciphertext because the resource does not exist in this Region"
    ));
}

#[test]
fn a_grant_to_an_account_leaves_it_to_the_identity_policies() {
    let case = |arn| Case::of(arn).key_for(SESSION).granted_to(Naming::ByAccount);
    let bare = case(ANN);
    assert_eq!(bare.decision(), Decision::Denied(Reason::NoIdentityPolicy));
    assert_eq!(bare.allowed().decision(), Decision::Allowed);
    assert_eq!(case(ROOT).decision(), Decision::Allowed);
    assert_eq!(case(STRANGER).allowed().decision(), Decision::Allowed);
    assert_eq!(
        case(STRANGER).decision(),
        Decision::Denied(Reason::NoIdentityPolicy)
    );
}

struct Unasked;

impl ConditionValues for Unasked {
    fn values(&self, key: &str) -> Vec<Cow<'_, str>> {
        panic!("{key} decides nothing")
    }
}

#[test]
fn conditions_and_grants_are_asked_for_only_where_they_decide() {
    let more = r#""Effect": "Allow", "Action": "kms:*", "Resource": "*",
        "Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}"#;
    let case = Case::of(ANN).key_for(ANN).identity(more);
    let decided = case.ask(|query| {
        evaluate(&Query {
            conditions: &Unasked,
            granted: &|| panic!("the key policy has allowed it"),
            ..*query
        })
    });
    assert_eq!(decided, Decision::Allowed);
    let denied = case.key(&[r#""Effect": "Deny", "Principal": "*""#]);
    let decided = denied.ask(|query| {
        evaluate(&Query {
            granted: &|| panic!("no grant is stronger than a Deny"),
            ..*query
        })
    });
    assert_eq!(decided, Decision::Denied(Reason::KeyPolicyDenies));
}
