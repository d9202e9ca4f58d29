//! What planning may use besides the region: secrets, randomness and the
//! answers of others. `apply` gets none of it.

use std::cell::{Cell, OnceCell};

use meridian_crypto::{AttestationRoot, Entropy, ImportToken, Material, Vault, WrappingKey};
use zeroize::Zeroizing;

use crate::arn::{KeyId, KeyRef, RegionName};
use crate::authority::Authority;
use crate::caller::Caller;
use crate::error::KmsError;
use crate::grant::GrantId;
use crate::key_store::Told;
use crate::ops::Request;
use crate::region::Region;
use crate::replication::preflight::Answer;
use crate::time::Timestamp;

/// Undoes the wrapping of imported material; nothing if it was not wrapped for
/// this token.
pub type Unwrap<'a> = &'a dyn Fn(&ImportToken, &[u8]) -> Option<Zeroizing<Vec<u8>>>;

/// The surroundings of one plan.
pub struct Context<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// By what rules callers are let in.
    pub authority: Authority<'a>,
    /// What is asked; set by [`Region::plan`](crate::Region::plan).
    pub asked: Option<&'a Request>,
    /// An older value of the region, if grants spread slowly: what it does not
    /// have is in force for who shows a token of it only.
    pub spread_grants: Option<&'a Region>,
    /// The region's secrets.
    pub vault: &'a Vault,
    /// Randomness: the operating system in a node, a seed in a simulation.
    pub entropy: &'a mut dyn Entropy,
    /// The node's clock.
    pub now: Timestamp,
    /// Every region of the cluster.
    pub regions: &'a [RegionName],
    /// A wrapping key made ahead, for GetParametersForImport.
    pub wrapping_key: Option<&'a WrappingKey>,
    /// How wrapped material is unwrapped: by the token's own private key, but
    /// in the simulator, where RSA would take most of the time.
    pub unwrap: Unwrap<'a>,
    /// Import tokens older than this, in milliseconds, count as expired, if a
    /// fault says so.
    pub tokens_expire_after_ms: Option<u64>,
    /// The other region's answer, once it has been asked.
    pub answer: Option<Answer>,
    /// What proxies of external key stores have said about this call.
    pub told: &'a [Told],
    /// What an operator has chosen for the key that CreateKey makes; nothing
    /// for a client's call.
    pub chosen: Option<Chosen>,
    /// What attestation documents have to lead back to; none is accepted without.
    pub attestation_root: Option<&'a AttestationRoot>,
    /// The keys that a cryptographic operation was admitted to, two at most.
    pub used: Cell<[Option<KeyRef>; 2]>,
    /// The grants that the request's tokens name, once they were opened.
    pub named_grants: OnceCell<Result<Vec<(KeyRef, GrantId)>, KmsError>>,
}

/// A key that is made as it was before, elsewhere.
pub struct Chosen {
    /// Its ID.
    pub id: KeyId,
    /// Its material, if KMS would generate it.
    pub material: Option<Material>,
}

impl Context<'_> {
    /// The plan uses this key.
    pub(crate) fn note_use(&self, key: KeyRef) {
        let [first, _] = self.used.get();
        self.used.set(match first {
            None => [Some(key), None],
            Some(_) => [first, Some(key)],
        });
    }
}
