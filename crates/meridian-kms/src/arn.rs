//! Names: regions, accounts, key IDs and ARNs, each parsed once into a type
//! that cannot be wrong.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

pub use meridian_crypto::KeyId;

/// What a string is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {0}")]
pub struct Malformed(&'static str);

/// Stores what has a text as that text.
macro_rules! serde_as_text {
    ($($name:ty),*) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text: std::borrow::Cow<'de, str> = serde::Deserialize::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
pub(crate) use serde_as_text;

serde_as_text!(RegionName, AccountId, KeyRef, AliasName, AliasRef);

/// An AWS Region, such as `eu-west-1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionName(Arc<str>);

impl RegionName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The partition that the Region's name places it in.
    pub fn partition(&self) -> &'static str {
        if self.0.starts_with("cn-") {
            "aws-cn"
        } else if self.0.starts_with("us-gov-") {
            "aws-us-gov"
        } else {
            "aws"
        }
    }
}

/// A region is found by its name as text, without a copy of it.
impl std::borrow::Borrow<str> for RegionName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for RegionName {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (words, number) = text.rsplit_once('-').ok_or(Malformed("region name"))?;
        let lower = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
        let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        let few = (2..=3).contains(&words.split('-').count());
        match text.len() <= 32 && digits && few && words.split('-').all(lower) {
            true => Ok(RegionName(text.into())),
            false => Err(Malformed("region name")),
        }
    }
}

impl fmt::Display for RegionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An AWS account: twelve digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(u64);

impl AccountId {
    /// The account after this one in the order of accounts.
    pub(crate) fn next(self) -> Option<AccountId> {
        self.0.checked_add(1).map(AccountId)
    }
}

impl FromStr for AccountId {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            text.parse()
                .map(AccountId)
                .map_err(|_| Malformed("account"))
        } else {
            Err(Malformed("account"))
        }
    }
}

impl AccountId {
    fn write(self, out: &mut impl fmt::Write) -> fmt::Result {
        let mut digits = [b'0'; 12];
        let mut rest = self.0;
        for digit in digits.iter_mut().rev() {
            *digit += (rest % 10) as u8;
            rest /= 10;
        }
        out.write_str(std::str::from_utf8(&digits).expect("digits are ASCII"))
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}

/// Room for any key ARN.
const KEY_ARN_LEN_MAX: usize = 112;

/// A KMS key within a region: its account and its ID. Related multi-Region
/// keys have the same reference in every region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyRef {
    /// The owning account.
    pub account: AccountId,
    /// The key ID.
    pub id: KeyId,
}

impl KeyRef {
    /// The key ARN in a region.
    pub fn arn(&self, region: &RegionName) -> String {
        let mut text = String::with_capacity(KEY_ARN_LEN_MAX);
        let arn = self.arn_in(region);
        arn.write(&mut text).expect("a String takes any text");
        text
    }

    /// The key ARN in a region, not written yet.
    pub(crate) fn arn_in<'a>(&'a self, region: &'a RegionName) -> KeyArn<'a> {
        KeyArn { key: self, region }
    }
}

/// A key ARN that is written only where somebody reads it.
#[derive(Clone, Copy)]
pub(crate) struct KeyArn<'a> {
    key: &'a KeyRef,
    region: &'a RegionName,
}

impl KeyArn<'_> {
    /// Into a text directly, without what formatting costs.
    fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        for part in [
            "arn:",
            self.region.partition(),
            ":kms:",
            self.region.as_str(),
            ":",
        ] {
            out.write_str(part)?;
        }
        self.key.account.write(out)?;
        out.write_str(":key/")?;
        self.key.id.write(out)
    }
}

impl fmt::Display for KeyArn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}

impl FromStr for KeyRef {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (account, id) = text.split_once('/').ok_or(Malformed("key reference"))?;
        Ok(KeyRef {
            account: account.parse()?,
            id: id.parse().map_err(|_| Malformed("key reference"))?,
        })
    }
}

impl fmt::Display for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.id)
    }
}

/// An alias name with its `alias/` prefix.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AliasName(Arc<str>);

impl AliasName {
    /// The name with its prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AliasName {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        match text.strip_prefix("alias/") {
            Some(name) if !name.is_empty() => Ok(AliasName(text.into())),
            _ => Err(Malformed("alias name")),
        }
    }
}

impl fmt::Display for AliasName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An alias within a region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AliasRef {
    /// The owning account.
    pub account: AccountId,
    /// The name.
    pub name: AliasName,
}

impl AliasRef {
    /// The alias ARN in a region.
    pub fn arn(&self, region: &RegionName) -> String {
        format!(
            "arn:{}:kms:{region}:{}:{}",
            region.partition(),
            self.account,
            self.name
        )
    }
}

impl FromStr for AliasRef {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (account, name) = text.split_once('/').ok_or(Malformed("alias reference"))?;
        Ok(AliasRef {
            account: account.parse()?,
            name: name.parse()?,
        })
    }
}

impl fmt::Display for AliasRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.name)
    }
}

/// A KMS ARN taken apart; nothing in it is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsArn<'a> {
    /// The Region field.
    pub region: &'a str,
    /// The account field.
    pub account: AccountId,
    /// What follows: `key/…` or `alias/…`.
    pub resource: &'a str,
}

impl<'a> KmsArn<'a> {
    /// Takes a string apart that begins with `arn:`.
    pub fn parse(text: &'a str) -> Result<KmsArn<'a>, Malformed> {
        let mut parts = text.splitn(6, ':');
        let mut next = || {
            parts
                .next()
                .filter(|part| !part.is_empty())
                .ok_or(Malformed("ARN"))
        };
        let (scheme, partition, service) = (next()?, next()?, next()?);
        let (region, account, resource) = (next()?, next()?, next()?);
        if scheme != "arn" || !partition.starts_with("aws") || service != "kms" {
            return Err(Malformed("ARN"));
        }
        Ok(KmsArn {
            region,
            account: account.parse()?,
            resource,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn region_names_follow_the_pattern_of_aws() {
        for good in ["us-east-1", "ap-southeast-2", "us-gov-west-1", "cn-north-1"] {
            assert!(good.parse::<RegionName>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "us",
            "us-1",
            "us-east-",
            "US-east-1",
            "a-b-c-d-1",
            "us--1",
        ] {
            assert!(bad.parse::<RegionName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_account_keeps_its_leading_zeros() {
        assert_eq!(
            "000000000012".parse::<AccountId>().unwrap().to_string(),
            "000000000012"
        );
        assert!("12".parse::<AccountId>().is_err());
    }

    #[test]
    fn an_arn_is_taken_apart() {
        let arn = KmsArn::parse("arn:aws:kms:us-east-1:111122223333:alias/a:b").unwrap();
        assert_eq!((arn.region, arn.resource), ("us-east-1", "alias/a:b"));
        assert!(KmsArn::parse("arn:aws:s3:us-east-1:111122223333:key/x").is_err());
    }
}
