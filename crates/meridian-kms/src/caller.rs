//! Who is asking.

use serde::{Deserialize, Serialize};

use crate::arn::AccountId;

/// The identity behind one request, as the wire established it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The account that owns what the caller creates and that bare key IDs are
    /// looked up in.
    pub account: AccountId,
    /// The principal's ARN.
    pub principal: String,
    /// The ID under which this request is logged and answered.
    pub request_id: String,
}
