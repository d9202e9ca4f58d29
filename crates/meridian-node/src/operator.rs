//! What an operator does to a region of this process: calls at its leader, as
//! the root of an account, that policies do not decide about.

use std::time::Duration;

use meridian_api::CallError;
use meridian_crypto::{Material, OsEntropy};
use meridian_kms::ops::get_parameters_for_import::wrapping_key_needed;
use meridian_kms::{
    AccountId, Answer, Authority, Caller, Chosen, Inquiry, KeyId, KmsError, Plan, RegionName,
    Request, Response,
};
use tokio::time::Instant;

use crate::core::LEADER_TIMEOUT;
use crate::kms::{Attempt, NodeKms};
use crate::local_cluster::AllRegions;

/// How long an operator looks for a leader.
const PATIENCE: Duration = Duration::from_secs(30);

/// The ID, and the material if it is given, of a key to be made.
pub type MakeChosen<'a> = &'a (dyn Fn() -> (KeyId, Option<Material>) + Sync);

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
            let node = nodes.pick().filter(|kms| kms.core().is_leader());
            match node {
                Some(node) if node.core().barrier(Instant::now() + LEADER_TIMEOUT).await => {
                    return Ok(node);
                }
                Some(_) | None => tokio::time::sleep(Duration::from_millis(10)).await,
            }
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
        chosen: Option<MakeChosen<'_>>,
    ) -> Result<Response, CallError> {
        let caller = Caller {
            account,
            principal: format!("arn:{}:iam::{account}:root", region.partition()),
            request_id: "seed".into(),
        };
        let deadline = Instant::now() + PATIENCE;
        loop {
            let node = self.leader(region).await?;
            let attempt = match plan(&node, &caller, &request, chosen).await {
                Ok(Plan::Reply(response)) => return Ok(response),
                Ok(Plan::Commit(change)) => node.commit(&caller, change).await,
                Ok(Plan::Ask(_)) => {
                    let text = "one answer of another region was not enough".to_owned();
                    return Err(CallError::Internal(text));
                }
                Err(error) => return Err(error.into()),
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

/// Plans at a leader, asking another region if the plan says so.
async fn plan(
    node: &NodeKms,
    caller: &Caller,
    request: &Request,
    chosen: Option<MakeChosen<'_>>,
) -> Result<Plan, KmsError> {
    let question = match plan_once(node, caller, request, chosen, None).await? {
        Plan::Ask(Inquiry::Region(question)) => question,
        plan @ (Plan::Ask(Inquiry::Proxy(_)) | Plan::Reply(_) | Plan::Commit(_)) => {
            return Ok(plan);
        }
    };
    let answer = node.core().links.preflight(&question).await;
    let answer = answer.map_err(|_| KmsError::region_unreachable(&question.region))?;
    plan_once(node, caller, request, chosen, Some(answer)).await
}

async fn plan_once(
    node: &NodeKms,
    caller: &Caller,
    request: &Request,
    chosen: Option<MakeChosen<'_>>,
    answer: Option<Answer>,
) -> Result<Plan, KmsError> {
    let core = node.core();
    let wrapping_key = match request {
        Request::GetParametersForImport(request) => match wrapping_key_needed(request) {
            Some(spec) => Some(core.wrapping_keys.take(spec).await),
            None => None,
        },
        _ => None,
    };
    let region = core.view.newest();
    let mut entropy = OsEntropy;
    let mut cx = node.context(&region, caller, &mut entropy);
    cx.authority = Authority::Open;
    cx.answer = answer;
    cx.wrapping_key = wrapping_key.as_ref();
    cx.chosen = chosen.map(|make| {
        let (id, material) = make();
        Chosen { id, material }
    });
    region.plan(&mut cx, request)
}
