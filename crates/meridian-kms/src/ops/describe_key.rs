//! DescribeKey: the key's metadata, in every key state.

use meridian_proto::v1::{DescribeKeyRequest, DescribeKeyResponse};

use crate::context::Context;
use crate::error::KmsError;
use crate::metadata;
use crate::ops::Operation;
use crate::region::Region;

/// Describes.
pub fn plan(
    region: &Region,
    cx: &mut Context<'_>,
    request: &DescribeKeyRequest,
) -> Result<DescribeKeyResponse, KmsError> {
    let operation = Operation::DescribeKey;
    let key = region.admit_use(cx, operation, &request.key_id)?;
    Ok(DescribeKeyResponse {
        key_metadata: Some(metadata::of(key, region.name()).into()),
    })
}
