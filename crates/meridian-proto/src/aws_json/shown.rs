//! A member of any message, looked up by AWS's name: what a rule reads that is
//! about many operations at once, such as a condition of a policy.

use std::collections::BTreeMap;

use prost_types::Timestamp;

/// The value of a member that is neither secret bytes nor a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MemberValue<'a> {
    /// A text.
    Text(&'a str),
    /// A list of texts; never an empty one.
    Texts(&'a [String]),
    /// A number.
    Number(i32),
    /// A truth value.
    Flag(bool),
    /// A point in time, in seconds since 1970.
    Time(i64),
    /// Texts by texts; never an empty map.
    Map(&'a BTreeMap<String, String>),
}

/// A field whose value can be shown.
pub(crate) trait Shown {
    fn shown(&self) -> Option<MemberValue<'_>>;
}

impl Shown for Option<String> {
    fn shown(&self) -> Option<MemberValue<'_>> {
        self.as_deref().map(MemberValue::Text)
    }
}

impl Shown for Vec<String> {
    fn shown(&self) -> Option<MemberValue<'_>> {
        (!self.is_empty()).then_some(MemberValue::Texts(self))
    }
}

impl Shown for Option<i32> {
    fn shown(&self) -> Option<MemberValue<'_>> {
        self.map(MemberValue::Number)
    }
}

impl Shown for Option<bool> {
    fn shown(&self) -> Option<MemberValue<'_>> {
        self.map(MemberValue::Flag)
    }
}

impl Shown for Option<Timestamp> {
    fn shown(&self) -> Option<MemberValue<'_>> {
        self.as_ref().map(|time| MemberValue::Time(time.seconds))
    }
}

impl Shown for BTreeMap<String, String> {
    fn shown(&self) -> Option<MemberValue<'_>> {
        (!self.is_empty()).then_some(MemberValue::Map(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AwsJson;
    use crate::v1::{CreateKeyRequest, EncryptRequest, ImportKeyMaterialRequest};

    #[test]
    fn members_are_found_by_the_names_that_aws_gives_them() {
        let create = CreateKeyRequest {
            multi_region: Some(true),
            key_spec: Some("RSA_2048".into()),
            ..Default::default()
        };
        assert_eq!(create.member("MultiRegion"), Some(MemberValue::Flag(true)));
        assert_eq!(
            create.member("KeySpec"),
            Some(MemberValue::Text("RSA_2048"))
        );
        assert_eq!(create.member("KeyUsage"), None, "it is absent");
        assert_eq!(create.member("key_spec"), None, "that is not its name");
        let import = ImportKeyMaterialRequest {
            valid_to: Some(Timestamp {
                seconds: 7,
                nanos: 0,
            }),
            ..Default::default()
        };
        assert_eq!(import.member("ValidTo"), Some(MemberValue::Time(7)));
    }

    #[test]
    fn secrets_and_empty_collections_are_not_shown() {
        let mut encrypt = EncryptRequest {
            plaintext: Some("secret".into()),
            ..Default::default()
        };
        assert_eq!(encrypt.member("Plaintext"), None);
        assert_eq!(encrypt.member("EncryptionContext"), None);
        assert_eq!(encrypt.member("GrantTokens"), None);
        encrypt.grant_tokens.push("t".into());
        let tokens = ["t".to_owned()];
        assert_eq!(
            encrypt.member("GrantTokens"),
            Some(MemberValue::Texts(&tokens))
        );
    }
}
