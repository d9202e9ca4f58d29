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
        if key
            .get(..4)
            .is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:"))
        {
            return Err(refused("Tags beginning with aws: are reserved"));
        }
        if collected
            .insert(key, tag.tag_value.clone().unwrap_or_default())
            .is_some()
        {
            return Err(refused("Duplicate tag keys"));
        }
    }
    if collected.len() > TAGS_PER_KEY_MAX {
        return Err(refused("Too many tags"));
    }
    Ok(collected)
}

fn refused(message: &str) -> KmsError {
    KmsError::new(ErrorCode::TagException, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str) -> Tag {
        Tag {
            tag_key: Some(key.into()),
            tag_value: Some("v".into()),
        }
    }

    #[test]
    fn reserved_repeated_and_too_many_tags_are_refused() {
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
