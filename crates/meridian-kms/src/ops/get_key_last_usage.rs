//! GetKeyLastUsage: the last successful cryptographic operation with a key in
//! this region, in every key state.

use meridian_proto::v1::{GetKeyLastUsageRequest, GetKeyLastUsageResponse, KeyLastUsageData};

use crate::context::Context;
use crate::error::KmsError;
use crate::ops::Operation;
use crate::region::Region;
use crate::trace::event_id;

/// Reads it.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &GetKeyLastUsageRequest,
) -> Result<GetKeyLastUsageResponse, KmsError> {
    let key = region.admit(cx, Operation::GetKeyLastUsage, &request.key_id)?;
    let last = region.last_use(&key.key);
    let usage = last.map_or_else(KeyLastUsageData::default, |last| KeyLastUsageData {
        operation: Some(last.operation.clone()),
        timestamp: Some(last.at.to_proto()),
        cloud_trail_event_id: Some(event_id(&last.request_id)),
        kms_request_id: Some(last.request_id.clone()),
    });
    let created = Some(key.created.to_proto());
    Ok(GetKeyLastUsageResponse {
        key_id: Some(key.key.arn(region.name())),
        key_last_usage: Some(usage),
        tracking_start_date: created,
        key_creation_date: created,
    })
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::{GetKeyLastUsageRequest, KeyLastUsageData};

    use crate::fixture::TestRegion;
    use crate::last_usage::Use;
    use crate::ops::Change;

    #[test]
    fn a_key_that_was_never_used_says_since_when() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        let request = GetKeyLastUsageRequest {
            key_id: Some(key.clone()),
        };
        let answer = us.call(request.clone()).unwrap();
        assert_eq!(answer.key_id, Some(us.arn(&key)));
        assert_eq!(answer.key_last_usage, Some(KeyLastUsageData::default()));
        assert_eq!(answer.tracking_start_date, answer.key_creation_date);
        us.disable(&key).unwrap();
        us.commit(Change::KeysUsed {
            uses: vec![(
                us.reference(&key),
                Use {
                    operation: "Decrypt".into(),
                    at: us.now,
                    request_id: "2077c3bf-a538-41e6-b6fb-794e83344f84".into(),
                },
            )],
        });
        let usage = us.call(request).unwrap().key_last_usage.unwrap();
        assert_eq!(usage.operation.as_deref(), Some("Decrypt"));
        assert_eq!(usage.timestamp, Some(us.now.to_proto()));
        assert_ne!(usage.cloud_trail_event_id, usage.kms_request_id);
    }
}
