//! A node plans a request, on its own view and with its own clock.

use meridian_kms::ops::get_parameters_for_import::wrapping_key_needed;
use meridian_kms::{Answer, Authority, Caller, Context, KmsError, Plan, Region, Request, Response};

use crate::call::ACCOUNT;
use crate::planted::Planted;
use crate::world::{Chance, World};
use crate::wrapping;

impl World {
    pub(crate) fn plan_call(&mut self, id: u64, node: usize) -> Result<Plan, KmsError> {
        let call = &self.calls[&id];
        let (region, request, answer) = (call.region, call.request.clone(), call.answer);
        self.plan(region, node, &request, answer)
    }

    /// A read, answered by a node at once.
    pub(crate) fn answer_now(
        &mut self,
        region: usize,
        node: usize,
        request: &Request,
    ) -> Result<Response, KmsError> {
        match self.plan(region, node, request, None)? {
            Plan::Reply(response) => Ok(response),
            Plan::Commit(_) | Plan::Ask(_) => unreachable!("a read plans no change"),
        }
    }

    pub(crate) fn plan(
        &mut self,
        region: usize,
        node: usize,
        request: &Request,
        answer: Option<Answer>,
    ) -> Result<Plan, KmsError> {
        let goes_back = self.planted == Some(Planted::ViewGoesBack) && self.dice.one_in(3);
        let group = &self.groups[region];
        let view = match goes_back {
            true => group.states[group.nodes[node].applied.saturating_sub(10)].clone(),
            false => group.newest(node, self.now_ms),
        };
        self.plan_on(region, node, &view, request, answer)
    }

    /// A request planned on what the node had applied at this index, at the
    /// node's time; on its newest view if none is given.
    pub(crate) fn plan_past(
        &mut self,
        region: usize,
        node: usize,
        applied: Option<usize>,
        request: &Request,
    ) -> Result<Plan, KmsError> {
        let group = &self.groups[region];
        let mut applied = applied.unwrap_or(group.nodes[node].applied);
        if self.planted == Some(Planted::StalerThanAllowed) {
            applied = applied.saturating_sub(20);
        }
        let mut view = group.states[applied].clone();
        let now = group.clock(node, self.now_ms);
        if view.is_due(now) {
            view.advance_to(now);
        }
        self.plan_on(region, node, &view, request, None)
    }

    fn plan_on(
        &mut self,
        region: usize,
        node: usize,
        view: &Region,
        request: &Request,
        answer: Option<Answer>,
    ) -> Result<Plan, KmsError> {
        let tokens_expire_after_ms = match request {
            Request::ImportKeyMaterial(_) => {
                let mut chance = Chance {
                    dice: &mut self.dice,
                    coverage: &mut self.coverage,
                    faults: &self.faults,
                    now_ms: self.now_ms,
                };
                let here = self.names[region].as_str();
                self.faults
                    .tokens_expire_after_ms(here, self.now_ms, &mut chance)
            }
            _ => None,
        };
        let group = &mut self.groups[region];
        let now = group.clock(node, self.now_ms);
        let wrapping_key = match request {
            Request::GetParametersForImport(request) => {
                wrapping_key_needed(request).map(|_| wrapping::wrapping_key())
            }
            _ => None,
        };
        let mut cx = Context {
            caller: &caller(),
            authority: Authority::Open,
            asked: None,
            grants_spread_ms: 0,
            vault: &group.vault,
            entropy: &mut group.entropy,
            now,
            regions: &self.names,
            wrapping_key,
            unwrap: wrapping::unwrap,
            tokens_expire_after_ms,
            answer,
            chosen: None,
            used: Default::default(),
            named_grants: Default::default(),
            told: &[],
            attestation_root: None,
        };
        view.plan(&mut cx, request)
    }
}

/// Who calls.
fn caller() -> Caller {
    Caller {
        account: ACCOUNT.parse().expect("the account has twelve digits"),
        principal: format!("arn:aws:iam::{ACCOUNT}:user/client"),
        request_id: "simulated".into(),
    }
}
