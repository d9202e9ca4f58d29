//! The regions of one process as its front doors see them: each request goes
//! straight to a node, without a socket between.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use meridian_api::{CallError, Cluster, Kms, Seen};
use meridian_kms::{Caller, RegionName, Request, Response};
use meridian_proto::v1::KeySetState;

use crate::kms::NodeKms;

/// One node of a region: gone for the moment while it restarts.
pub type Slot = Arc<Mutex<Option<NodeKms>>>;

/// A region by its nodes in this process: its leader if one is known, since
/// then neither a write nor a strong read has to be handed on.
pub struct LocalRegion {
    /// Its nodes, by ID.
    pub nodes: Vec<Slot>,
}

impl LocalRegion {
    /// The node that answers the next request. Of two that lead, the one in the
    /// earlier term has been replaced and does not know it.
    pub fn pick(&self) -> Option<NodeKms> {
        let mut leading = None;
        for slot in &self.nodes {
            let slot = lock(slot);
            if let Some(kms) = &*slot
                && let Some(term) = kms.core().leads_in_term()
                && leading.as_ref().is_none_or(|(newest, _)| *newest < term)
            {
                leading = Some((term, kms.clone()));
            }
        }
        let first = || self.nodes.iter().find_map(|slot| lock(slot).clone());
        leading.map(|(_, kms)| kms).or_else(first)
    }
}

impl Kms for LocalRegion {
    fn call(&self, caller: Caller, request: Request) -> BoxFuture<'_, Result<Response, CallError>> {
        match self.pick() {
            None => Box::pin(async { Err(CallError::NoLeader) }),
            Some(kms) => kms.begin(caller, request),
        }
    }

    fn seen(&self, caller: &Caller, request: &Request) -> Seen {
        let picked = self.pick();
        picked.map_or_else(Seen::default, |kms| kms.seen(caller, request))
    }

    fn watch_key_set(
        &self,
        caller: Caller,
        key_id: String,
    ) -> BoxStream<'static, Result<KeySetState, CallError>> {
        match self.pick() {
            None => Box::pin(futures::stream::once(async { Err(CallError::NoLeader) })),
            Some(kms) => kms.watch_key_set(caller, key_id),
        }
    }
}

/// Every region of this process.
pub struct AllRegions {
    /// By name.
    pub regions: BTreeMap<RegionName, Arc<LocalRegion>>,
}

impl Cluster for AllRegions {
    fn region(&self, name: &str) -> Option<(RegionName, Arc<dyn Kms>)> {
        let (name, region) = self.regions.get_key_value(name)?;
        Some((name.clone(), region.clone()))
    }

    fn regions(&self) -> Vec<String> {
        self.regions.keys().map(ToString::to_string).collect()
    }
}

/// What is in a slot; a holder never panics half way.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
