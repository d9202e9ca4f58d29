//! What planning may use besides the region: secrets, randomness and the
//! answers of others. `apply` gets none of it.

use meridian_crypto::{Entropy, Vault, WrappingKey};

use crate::arn::RegionName;
use crate::caller::Caller;
use crate::replication::preflight::Answer;
use crate::time::Timestamp;

/// The surroundings of one plan.
pub struct Context<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// The region's secrets.
    pub vault: &'a Vault,
    /// Randomness: the operating system in a node, a seed in a simulation.
    pub entropy: &'a mut dyn Entropy,
    /// The node's clock.
    pub now: Timestamp,
    /// Every region of the cluster.
    pub regions: &'a [RegionName],
    /// A wrapping key made ahead, for GetParametersForImport.
    pub wrapping_key: Option<WrappingKey>,
    /// The other region's answer, once it has been asked.
    pub answer: Option<Answer>,
}
