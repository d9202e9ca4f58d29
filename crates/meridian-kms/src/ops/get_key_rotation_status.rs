//! GetKeyRotationStatus: the schedule, and a rotation on demand under way.

use meridian_proto::v1::{GetKeyRotationStatusRequest, GetKeyRotationStatusResponse};

use crate::context::Context;
use crate::error::KmsError;
use crate::material::RotationType;
use crate::ops::Operation;
use crate::region::Region;

/// Reads it.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &GetKeyRotationStatusRequest,
) -> Result<GetKeyRotationStatusResponse, KmsError> {
    let key = region.admit(cx, Operation::GetKeyRotationStatus, &request.key_id)?;
    // A key pending deletion says false, and gets its setting back on cancel.
    let automatic = key.shared.automatic.filter(|_| key.deletion.is_none());
    let on_demand = key.shared.rotation.as_ref();
    let on_demand = on_demand.filter(|rotation| rotation.kind == RotationType::OnDemand);
    Ok(GetKeyRotationStatusResponse {
        key_rotation_enabled: Some(automatic.is_some()),
        key_id: Some(key.key.arn(region.name())),
        rotation_period_in_days: automatic.map(|automatic| automatic.period_days),
        next_rotation_date: automatic.map(|automatic| automatic.next.to_proto()),
        on_demand_rotation_start_date: on_demand.map(|rotation| rotation.started.to_proto()),
    })
}

#[cfg(test)]
mod tests {
    use meridian_proto::v1::{DisableKeyRotationRequest, GetKeyRotationStatusResponse};

    use crate::fixture::{START, TestRegion, refusal};

    fn off(us: &TestRegion, key: &str) -> GetKeyRotationStatusResponse {
        GetKeyRotationStatusResponse {
            key_rotation_enabled: Some(false),
            key_id: Some(us.arn(key)),
            ..Default::default()
        }
    }

    #[test]
    fn the_schedule_starts_at_the_time_of_enabling() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        us.enable_rotation(&key, None).unwrap();
        let status = us.rotation_status(&key).unwrap();
        let expected = GetKeyRotationStatusResponse {
            key_rotation_enabled: Some(true),
            rotation_period_in_days: Some(365),
            next_rotation_date: Some(START.plus_days(365).to_proto()),
            ..off(&us, &key)
        };
        assert_eq!(status, expected);
    }

    #[test]
    fn enabling_again_keeps_the_period_and_starts_anew() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        us.enable_rotation(&key, Some(100)).unwrap();
        us.pass_days(10);
        us.enable_rotation(&key, None).unwrap();
        let status = us.rotation_status(&key).unwrap();
        assert_eq!(status.rotation_period_in_days, Some(100));
        assert_eq!(
            status.next_rotation_date,
            Some(START.plus_days(110).to_proto())
        );
    }

    #[test]
    fn the_period_is_forgotten_when_the_schedule_ends() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        us.enable_rotation(&key, Some(100)).unwrap();
        let disable = DisableKeyRotationRequest {
            key_id: Some(key.clone()),
        };
        us.call(disable.clone()).unwrap();
        us.call(disable).unwrap();
        assert_eq!(us.rotation_status(&key).unwrap(), off(&us, &key));
        us.enable_rotation(&key, None).unwrap();
        assert_eq!(
            us.rotation_status(&key).unwrap().rotation_period_in_days,
            Some(365)
        );
    }

    #[test]
    fn a_key_on_its_way_out_says_false_and_gets_its_setting_back() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        us.enable_rotation(&key, None).unwrap();
        us.schedule_deletion(&key).unwrap();
        assert_eq!(us.rotation_status(&key).unwrap(), off(&us, &key));
        us.cancel_deletion(&key).unwrap();
        assert_eq!(
            us.rotation_status(&key).unwrap().key_rotation_enabled,
            Some(true)
        );
    }

    #[test]
    fn imported_material_never_rotates_by_itself() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create_external(false);
        let external = format!(
            "UnsupportedOperationException: {} origin is EXTERNAL which is not valid for this \
             operation.",
            us.arn(&key)
        );
        assert_eq!(
            refusal(us.rotation_status(&key)),
            external,
            "while it waits for its import"
        );
        assert_eq!(refusal(us.enable_rotation(&key, None)), external);
        us.import(&key, 1, "NEW_KEY_MATERIAL").unwrap();
        assert_eq!(us.rotation_status(&key).unwrap(), off(&us, &key));
        assert_eq!(refusal(us.enable_rotation(&key, None)), external);
        us.delete_material(&key, None).unwrap();
        us.schedule_deletion(&key).unwrap();
        assert_eq!(
            us.rotation_status(&key).unwrap(),
            off(&us, &key),
            "that state hides the other"
        );
    }

    #[test]
    fn the_schedule_of_a_disabled_key_cannot_be_changed() {
        let mut us = TestRegion::new("us-east-1");
        let key = us.create();
        us.disable(&key).unwrap();
        let disabled = format!("DisabledException: {} is disabled.", us.arn(&key));
        assert_eq!(refusal(us.enable_rotation(&key, None)), disabled);
        let disable = DisableKeyRotationRequest { key_id: Some(key) };
        assert_eq!(refusal(us.call(disable)), disabled);
    }
}
