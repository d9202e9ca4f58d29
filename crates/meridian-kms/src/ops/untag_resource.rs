//! UntagResource: takes tags off a key of this region.

use meridian_proto::v1::{UntagResourceRequest, UntagResourceResponse};
use serde::{Deserialize, Serialize};

use crate::arn::KeyRef;
use crate::context::Context;
use crate::error::KmsError;
use crate::ops::{Operation, Planned};
use crate::region::Region;
use crate::tag;

const OPERATION: Operation = Operation::UntagResource;

/// The tags that go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    key: KeyRef,
    tag_keys: Vec<String>,
}

/// Finds the key.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &UntagResourceRequest,
) -> Result<Planned<Change, UntagResourceResponse>, KmsError> {
    let key = region.admit(cx, OPERATION, &request.key_id)?.key;
    let tag_keys = request.tag_keys.clone();
    tag_keys.iter().try_for_each(|key| tag::check_key(key))?;
    Ok(Planned::Commit(Change { key, tag_keys }))
}

/// Takes them off; a tag that is not there is none to take off.
pub fn apply(region: &mut Region, change: &Change) -> Result<UntagResourceResponse, KmsError> {
    let mut key = region.readmit(OPERATION, &change.key)?;
    for tag_key in &change.tag_keys {
        key.tags.remove(tag_key);
    }
    region.put(key);
    Ok(UntagResourceResponse {})
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::{CreateKeyRequest, UntagResourceRequest};

    use crate::fixture::{TestRegion, refusal};
    use crate::tag::tests::{listed, tag};

    #[test]
    fn tags_are_taken_off_and_missing_ones_are_no_error() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create_as(CreateKeyRequest {
            tags: vec![tag("a", "1"), tag("b", "2")],
            ..Default::default()
        });
        let mut untag = |tag_key: &str| {
            refusal(us.call(UntagResourceRequest {
                key_id: Some(key.clone()),
                tag_keys: vec![tag_key.into(), "never".into()],
            }))
        };
        assert_eq!(untag("a"), "success");
        assert_eq!(untag("a"), "success");
        assert_eq!(
            untag("aws:x"),
            "TagException: Tags beginning with aws: are reserved"
        );
        assert_eq!(listed(&mut us, &key), "b=2");
    }
}
