//! What an operator does to a region of this process: calls at its leader, as
//! the root of an account, that policies do not decide about.

use std::time::Duration;

use meridian_api::CallError;
use meridian_chaos::Staleness;
use meridian_kms::{AccountId, Caller, RegionName, Request, Response};
use tokio::time::Instant;

use crate::core::LEADER_TIMEOUT;
use crate::kms::{Attempt, NodeKms};
use crate::local_cluster::AllRegions;
use crate::planning::{Asking, Brought, MakeChosen, Settled};

/// How long an operator looks for a leader.
const PATIENCE: Duration = Duration::from_secs(30);

/// An operator at the regions of a process.
pub struct Operator<'a> {
    /// The regions.
    pub regions: &'a AllRegions,
}

impl Operator<'_> {
    /// The node that leads a region.
    ///
    /// # Errors
    /// There is no such region, or it has no leader in time.
    pub async fn leader(&self, region: &RegionName) -> Result<NodeKms, CallError> {
        let nodes = self.regions.regions.get(region.as_str());
        let nodes = nodes.ok_or_else(|| CallError::Unavailable {
            definite: true,
            message: format!("the cluster has no region {region}"),
        })?;
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let Some(node) = nodes.pick() else {
                // All are down; whoever starts first is not known to anybody yet.
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            let core = node.core();
            if core.is_leader() && core.barrier(Instant::now() + LEADER_TIMEOUT).await {
                return Ok(node);
            }
            core.pause(deadline).await;
        }
        Err(CallError::NoLeader)
    }

    /// Carries a request out. CreateKey makes the key that was chosen.
    ///
    /// # Errors
    /// As [`meridian_api::Kms::call`].
    pub async fn call(
        &self,
        region: &RegionName,
        account: AccountId,
        request: Request,
        chosen: MakeChosen<'_>,
    ) -> Result<Response, CallError> {
        let caller = Caller {
            account,
            principal: format!("arn:{}:iam::{account}:root", region.partition()),
            request_id: "seed".into(),
        };
        let deadline = Instant::now() + PATIENCE;
        loop {
            let node = self.leader(region).await?;
            let asking = Asking {
                caller: &caller,
                request: &request,
                staleness: &Staleness::default(),
                operator: Some(chosen),
            };
            let attempt = match node.settle(asking, &mut Brought::default()).await? {
                Settled::Reply(response) => return Ok(response),
                Settled::Commit(change) => node.commit(&caller, change).await,
            };
            match attempt {
                Attempt::Answered(_, answer) => return answer,
                Attempt::NotLeader if Instant::now() >= deadline => {
                    return Err(CallError::NoLeader);
                }
                Attempt::NotLeader => {}
            }
        }
    }
}
