//! ListResourceTags: the tags of a key of this region, sorted by tag key.

use meridian_proto::v1::{ListResourceTagsRequest, ListResourceTagsResponse};

use crate::context::Context;
use crate::error::KmsError;
use crate::ops::Operation;
use crate::region::Region;
use crate::{page, tag};

/// Lists one page.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &ListResourceTagsRequest,
) -> Result<ListResourceTagsResponse, KmsError> {
    let limit = page::limit(request.limit, 50, 50)?;
    let key = region.admit(cx, Operation::ListResourceTags, &request.key_id)?;
    let after: Option<String> = page::position(&request.marker)?;
    let rest = key
        .tags
        .iter()
        .filter(|(tag_key, _)| after.as_ref().is_none_or(|after| *tag_key > after));
    let page = page::take(rest, limit, |(tag_key, _)| (*tag_key).clone());
    Ok(ListResourceTagsResponse {
        tags: page.items.into_iter().map(tag::to_proto).collect(),
        truncated: Some(page.next_marker.is_some()),
        next_marker: page.next_marker,
    })
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::{CreateKeyRequest, ListResourceTagsRequest};

    use crate::fixture::{TestRegion, refusal};
    use crate::tag::tests::tag;

    #[test]
    fn tags_are_listed_page_by_page() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create_as(CreateKeyRequest {
            tags: vec![tag("c", "3"), tag("a", "1"), tag("b", "2")],
            ..Default::default()
        });
        let mut list = |marker| {
            us.call(ListResourceTagsRequest {
                key_id: Some(key.clone()),
                limit: Some(2),
                marker,
            })
        };
        let first = list(None).unwrap();
        assert_eq!(first.tags, [tag("a", "1"), tag("b", "2")]);
        assert_eq!(first.truncated, Some(true));
        let second = list(first.next_marker).unwrap();
        assert_eq!(second.tags, [tag("c", "3")]);
        assert_eq!((second.truncated, second.next_marker), (Some(false), None));
        assert_eq!(refusal(list(Some("%".into()))), "InvalidMarkerException");
    }

    #[test]
    fn more_than_fifty_in_a_page_are_refused() {
        let mut us = TestRegion::new("us-east-1");
        let key_id = Some(us.create());
        let request = ListResourceTagsRequest {
            key_id,
            limit: Some(51),
            ..Default::default()
        };
        assert!(refusal(us.call(request)).starts_with("ValidationException"));
    }
}
