//! What a request says about itself, by the condition keys of policies (AWS
//! KMS Developer Guide, "AWS KMS condition keys").
//!
//! Members are read by AWS's names, so an operation with a member of a known
//! name needs nothing here.

use std::borrow::Cow;

use meridian_iam::ConditionValues;
use meridian_proto::MemberValue;

use crate::asked::{
    algorithm, encryption_context, of_grant, request_tags, requested_alias, same_key,
};
use crate::context::Context;
use crate::key::{Key, Role};
use crate::ops::{Operation, Request};
use crate::region::Region;

/// Condition keys of `kms:` whose value is a member's, where names differ.
const RENAMED: &[(&str, &str)] = &[
    ("DataKeyPairSpec", "KeyPairSpec"),
    ("GrantOperations", "Operations"),
    (
        "ScheduleKeyDeletionPendingWindowInDays",
        "PendingWindowInDays",
    ),
    ("KeyOrigin", "Origin"),
    ("CustomerMasterKeySpec", "KeySpec"),
    ("CustomerMasterKeyUsage", "KeyUsage"),
];

/// The others, of the member's name.
const SAME_NAMED: &[&str] = &[
    "BypassPolicyLockoutSafetyCheck",
    "EncryptionAlgorithm",
    "ExpirationModel",
    "GranteePrincipal",
    "GranteeServicePrincipal",
    "KeyAgreementAlgorithm",
    "KeySpec",
    "KeyUsage",
    "MacAlgorithm",
    "MessageType",
    "MultiRegion",
    "PolicyName",
    "PrimaryRegion",
    "ReplicaRegion",
    "RetiringPrincipal",
    "RetiringServicePrincipal",
    "RotationPeriodInDays",
    "SigningAlgorithm",
    "ValidTo",
    "WrappingAlgorithm",
    "WrappingKeySpec",
];

/// What one request says about itself when one permission is asked for.
pub(crate) struct Said<'r, 'c> {
    pub(crate) region: &'r Region,
    pub(crate) cx: &'r Context<'c>,
    pub(crate) action: &'r str,
    pub(crate) key: Option<&'r Key>,
}

type Values<'r> = Vec<Cow<'r, str>>;

impl ConditionValues for Said<'_, '_> {
    fn values(&self, key: &str) -> Values<'_> {
        match key.split_once(':') {
            Some(("aws", name)) => self.of_aws(key, name),
            Some(("kms", name)) => self.of_kms(key, name),
            Some(_) | None => Vec::new(),
        }
    }
}

impl<'r> Said<'r, '_> {
    fn of_aws(&self, key: &str, name: &str) -> Values<'r> {
        let tags = self.cx.asked.map_or(&[][..], request_tags);
        match name.split_once('/') {
            Some(("resourcetag", _)) => {
                let tags = self.key.into_iter().flat_map(|it| &it.tags);
                named(tags, "aws:ResourceTag/", key)
            }
            Some(("requesttag", _)) => {
                let tags = tags.iter().map(|tag| (tag.tag_key(), tag.tag_value()));
                named(tags, "aws:RequestTag/", key)
            }
            None if name == "requestedregion" => vec![self.region.name().as_str().into()],
            None if name == "tagkeys" => {
                let untagged = match self.cx.asked {
                    Some(Request::UntagResource(request)) => request.tag_keys.as_slice(),
                    _ => &[],
                };
                let keys = tags.iter().map(|tag| Cow::from(tag.tag_key()));
                keys.chain(untagged.iter().map(Cow::from)).collect()
            }
            Some(_) | None => Vec::new(),
        }
    }

    fn of_kms(&self, key: &str, name: &str) -> Values<'r> {
        let mut found = self.key.map_or_else(Vec::new, |it| of_key(it, name));
        let Some(request) = self.cx.asked else {
            return found;
        };
        if let Some(member) = self.member(request, name) {
            add(&mut found, member);
        }
        let context = || {
            encryption_context(request, self.action)
                .into_iter()
                .flatten()
        };
        match name {
            "encryptioncontextkeys" => found.extend(context().map(|(name, _)| Cow::from(name))),
            "encryptionalgorithm" => {
                found.extend(algorithm(request, self.action, self.key).map(Cow::from));
            }
            "requestalias" => found.extend(requested_alias(request, self.action)),
            "reencryptonsamekey" => {
                if let Request::ReEncrypt(_) = request {
                    let same = same_key(self.region, self.cx, request);
                    found.push(same.to_string().into());
                }
            }
            _ if name.starts_with("encryptioncontext:") => {
                found.extend(named(context(), "kms:EncryptionContext:", key));
            }
            _ => found.extend(of_grant(request, name)),
        }
        found
    }

    /// The member whose value a condition key of `kms:` has.
    fn member(&self, request: &'r Request, name: &str) -> Option<MemberValue<'r>> {
        let is = |it: &str| it.eq_ignore_ascii_case(name);
        if let Some(member) = SAME_NAMED.iter().find(|it| is(it)) {
            // The data key's length is not the key's spec.
            let of_key = matches!(*member, "KeySpec" | "KeyUsage" | "MultiRegion");
            let says = !of_key || request.operation() == Operation::CreateKey;
            return says.then(|| request.member(member)).flatten();
        }
        let (_, member) = RENAMED.iter().find(|it| is(it.0))?;
        let of_key = matches!(*member, "KeySpec" | "KeyUsage");
        let says = !of_key || self.key.is_none();
        says.then(|| request.member(member)).flatten()
    }
}

/// The values of what has the name that `key` ends with, whatever the case of
/// its letters; `begin` is the rest of that condition key.
fn named<'r, N: AsRef<str> + 'r, V: Into<Cow<'r, str>>>(
    all: impl IntoIterator<Item = (N, V)>,
    begin: &str,
    key: &str,
) -> Values<'r> {
    let is_meant = |name: &str| match name.is_ascii() {
        true => key
            .get(begin.len()..)
            .is_some_and(|it| it.eq_ignore_ascii_case(name)),
        // What a letter's lower case is may depend on those before it.
        false => [begin, name].concat().to_lowercase() == key,
    };
    let found = all.into_iter().filter(|(name, _)| is_meant(name.as_ref()));
    found.map(|(_, value)| value.into()).collect()
}

fn add<'r>(found: &mut Values<'r>, member: MemberValue<'r>) {
    match member {
        MemberValue::Text(text) => found.push(text.into()),
        MemberValue::Number(number) => found.push(number.to_string().into()),
        MemberValue::Flag(flag) => found.push(flag.to_string().into()),
        MemberValue::Time(seconds) => found.push(seconds.to_string().into()),
        MemberValue::Texts(texts) => found.extend(texts.iter().map(Cow::from)),
        MemberValue::Map(_) => {}
    }
}

/// What a condition key of `kms:` says of the key itself.
fn of_key<'r>(key: &'r Key, name: &str) -> Values<'r> {
    let shared = &key.shared;
    let value: Cow<'r, str> = match name {
        "keyspec" | "customermasterkeyspec" => shared.spec.name().into(),
        "keyusage" | "customermasterkeyusage" => shared.usage.name().into(),
        "keyorigin" => shared.origin.name().into(),
        "multiregion" => shared.multi_region.to_string().into(),
        "multiregionkeytype" if shared.multi_region => match key.role {
            Role::Primary { .. } => "PRIMARY".into(),
            Role::Replica { .. } => "REPLICA".into(),
        },
        "resourcealiases" => {
            let aliases = key.aliases.iter().map(|alias| alias.as_str().into());
            return aliases.collect();
        }
        _ => return Vec::new(),
    };
    vec![value]
}
