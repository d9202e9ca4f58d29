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
