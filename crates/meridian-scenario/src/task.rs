//! What a performance asks of its driver.

use meridian_chaos::Profile;
use meridian_proto::v1;

use crate::action::{Heal, Probe};
use crate::call::Call;
use crate::scenario::Workload;
use crate::span::Span;

/// Something that the driver has to begin, and to report the end of.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    /// Names it for [`crate::Performance::ended`].
    pub id: u64,
    /// The step that it belongs to, for people.
    pub step: String,
    /// What to do.
    pub task: Task,
}

/// What a driver can do.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// Calls as a client; ends with [`crate::Ending::Call`].
    Call {
        /// The region.
        region: String,
        /// The node, counted from 1; any if none is named.
        node: Option<u64>,
        /// What to call.
        call: Call,
    },
    /// Makes a fault active, with its ID and its duration; ends when it is. A
    /// `key_id` in it may be what the scenario calls a key.
    Fault(v1::Fault),
    /// Ends faults.
    Heal(Heal),
    /// Moves the time of all regions forward.
    Advance(Span),
    /// Asks the user's own application; ends with [`crate::Ending::Probed`], or with
    /// [`crate::Ending::NotRun`] where there is none.
    Probe(Probe),
    /// Sets the lags of the whole performance.
    Profile(Profile),
    /// Lets clients work in the background; ends when they have.
    Workload(Workload),
}
