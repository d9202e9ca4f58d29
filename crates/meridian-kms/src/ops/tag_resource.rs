//! TagResource: adds tags to a key of this region, or gives them new values.

use std::collections::BTreeMap;

use meridian_proto::v1::{TagResourceRequest, TagResourceResponse};
use serde::{Deserialize, Serialize};

use crate::arn::KeyRef;
use crate::context::Context;
use crate::error::KmsError;
use crate::key::Key;
use crate::ops::{Operation, Planned};
use crate::region::Region;
use crate::tag;

const OPERATION: Operation = Operation::TagResource;

/// The tags to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    key: KeyRef,
    tags: BTreeMap<String, String>,
}

/// Finds the key and checks the tags.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &TagResourceRequest,
) -> Result<Planned<Change, TagResourceResponse>, KmsError> {
    let key = region.admit(cx, OPERATION, &request.key_id)?;
    let tags = tag::collect(&request.tags)?;
    with(key, &tags)?;
    Ok(Planned::Commit(Change { key: key.key, tags }))
}

/// Tags.
pub fn apply(region: &mut Region, change: &Change) -> Result<TagResourceResponse, KmsError> {
    let mut key = region.readmit(OPERATION, &change.key)?;
    key.tags = with(&key, &change.tags)?;
    region.put(key);
    Ok(TagResourceResponse {})
}

fn with(key: &Key, tags: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, KmsError> {
    let mut all = key.tags.clone();
    all.extend(tags.iter().map(|(key, value)| (key.clone(), value.clone())));
    tag::check_count(&all)?;
    Ok(all)
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::{TagResourceRequest, UntagResourceRequest};

    use crate::fixture::{TestRegion, refusal};
    use crate::tag::tests::{listed, tag};

    fn request(key: &str, tags: &[(&str, &str)]) -> TagResourceRequest {
        TagResourceRequest {
            key_id: Some(key.into()),
            tags: tags.iter().map(|(key, value)| tag(key, value)).collect(),
        }
    }

    #[test]
    fn tags_are_added_and_replaced() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        us.call(request(&key, &[("a", "1"), ("b", "2")])).unwrap();
        us.call(request(&key, &[("b", ""), ("c", "3")])).unwrap();
        assert_eq!(listed(&mut us, &key), "a=1 b= c=3");
    }

    #[test]
    fn a_key_has_at_most_fifty_tags() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        let names: Vec<String> = (0..51).map(|n| format!("t{n:02}")).collect();
        let tags: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "v")).collect();
        us.call(request(&key, &tags[..49])).unwrap();
        assert_eq!(
            refusal(us.call(request(&key, &tags[49..]))),
            "TagException: Too many tags"
        );
        us.call(request(&key, &tags[48..50])).unwrap();
    }

    #[test]
    fn reserved_and_repeated_tags_are_refused() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        assert_eq!(
            refusal(us.call(request(&key, &[("AWS:x", "1")]))),
            "TagException: Tags beginning with aws: are reserved"
        );
        assert_eq!(
            refusal(us.call(request(&key, &[("a", "1"), ("a", "2")]))),
            "TagException: Duplicate tag keys"
        );
    }

    #[test]
    fn a_key_pending_deletion_keeps_the_tags_that_it_has() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        us.call(request(&key, &[("a", "1")])).unwrap();
        us.schedule_deletion(&key).unwrap();
        let arn = us.arn(&key);
        let pending = format!("KMSInvalidStateException: {arn} is pending deletion.");
        assert_eq!(refusal(us.call(request(&key, &[("b", "2")]))), pending);
        let untag = UntagResourceRequest {
            key_id: Some(key.clone()),
            tag_keys: vec!["a".into()],
        };
        assert_eq!(refusal(us.call(untag)), pending);
        assert_eq!(listed(&mut us, &key), "a=1");
    }
}
