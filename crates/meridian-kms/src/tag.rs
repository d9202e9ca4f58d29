//! Tags of a key.

use std::collections::BTreeMap;

use meridian_proto::v1::Tag;

use crate::error::{ErrorCode, KmsError};

/// Tags of one key (AWS resource quota).
const TAGS_PER_KEY_MAX: usize = 50;

/// Checks the tags of a request and puts them in order.
pub(crate) fn collect(tags: &[Tag]) -> Result<BTreeMap<String, String>, KmsError> {
    let mut collected = BTreeMap::new();
    for tag in tags {
        let key = tag.tag_key.clone().unwrap_or_default();
        check_key(&key)?;
        if collected
            .insert(key, tag.tag_value.clone().unwrap_or_default())
            .is_some()
        {
            return Err(refused("Duplicate tag keys"));
        }
    }
    check_count(&collected)?;
    Ok(collected)
}

/// The prefix `aws:` is AWS's own, in any case.
pub(crate) fn check_key(key: &str) -> Result<(), KmsError> {
    let reserved = key
        .get(..4)
        .is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:"));
    match reserved {
        true => Err(refused("Tags beginning with aws: are reserved")),
        false => Ok(()),
    }
}

/// May a key have all of these?
pub(crate) fn check_count(tags: &BTreeMap<String, String>) -> Result<(), KmsError> {
    match tags.len() > TAGS_PER_KEY_MAX {
        true => Err(refused("Too many tags")),
        false => Ok(()),
    }
}

/// A tag as the wires have it.
pub(crate) fn to_proto((key, value): (&String, &String)) -> Tag {
    Tag {
        tag_key: Some(key.clone()),
        tag_value: Some(value.clone()),
    }
}

fn refused(message: &str) -> KmsError {
    KmsError::new(ErrorCode::TagException, message)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::fixture::TestRegion;

    /// A tag of a request.
    pub(crate) fn tag(key: &str, value: &str) -> Tag {
        to_proto((&key.into(), &value.into()))
    }

    /// A key's tags as `key=value`, in order.
    pub(crate) fn listed(region: &mut TestRegion, key: &str) -> String {
        let request = meridian_proto::v1::ListResourceTagsRequest {
            key_id: Some(key.into()),
            ..Default::default()
        };
        let tags = region.call(request).unwrap().tags;
        let pair = |tag: &Tag| format!("{}={}", tag.tag_key(), tag.tag_value());
        tags.iter().map(pair).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn reserved_repeated_and_too_many_tags_are_refused() {
        let tag = |key: &str| tag(key, "v");
        let message = |tags: &[Tag]| collect(tags).unwrap_err().message.unwrap();
        assert_eq!(
            message(&[tag("AWS:x")]),
            "Tags beginning with aws: are reserved"
        );
        assert_eq!(message(&[tag("a"), tag("a")]), "Duplicate tag keys");
        let many: Vec<Tag> = (0..51).map(|n| tag(&n.to_string())).collect();
        assert_eq!(message(&many), "Too many tags");
        assert_eq!(collect(&many[..50]).unwrap().len(), 50);
    }
}
