//! A node plans a request, on its own view and with its own clock.

use meridian_chaos::{Property, Staleness};
use meridian_kms::older_view::OlderPart;
use meridian_kms::ops::get_parameters_for_import::wrapping_key_needed;
use meridian_kms::{
    AccountId, Answer, Authority, Caller, Context, KmsError, Plan, Region, Request, Response,
};

use crate::call::ACCOUNT;
use crate::planted::Planted;
use crate::world::{Chance, World};
use crate::wrapping;

/// Who asks, and how old what it sees is.
#[derive(Clone, Default)]
pub(crate) struct Asker {
    /// Another account than that of all clients.
    pub(crate) account: Option<AccountId>,
    /// How old a fault has the view be.
    pub(crate) staleness: Staleness,
}

impl World {
    pub(crate) fn plan_call(&mut self, id: u64, node: usize) -> Result<Plan, KmsError> {
        let call = &self.calls[&id];
        let (region, request, answer) = (call.region, call.request.clone(), call.answer.clone());
        let asker = call.asker.clone();
        self.plan((region, node), &request, answer, asker)
    }

    /// A read, answered by a node at once.
    pub(crate) fn answer_now(
        &mut self,
        region: usize,
        node: usize,
        request: &Request,
    ) -> Result<Response, KmsError> {
        match self.plan((region, node), request, None, Asker::default())? {
            Plan::Reply(response) => Ok(response),
            Plan::Commit(_) | Plan::Ask(_) => unreachable!("a read plans no change"),
        }
    }

    fn plan(
        &mut self,
        (region, node): (usize, usize),
        request: &Request,
        answer: Option<Answer>,
        asker: Asker,
    ) -> Result<Plan, KmsError> {
        let goes_back = self.planted == Some(Planted::ViewGoesBack) && self.dice.one_in(3);
        let group = &self.groups[region];
        let view = match goes_back {
            true => group.states[group.nodes[node].applied.saturating_sub(10)].clone(),
            false => group.newest(node, self.now_ms),
        };
        let view = self.older_in_part((region, node), view, &asker.staleness);
        self.plan_on((region, node), &view, request, answer, asker)
    }

    /// A request planned on what the node had applied at this index, at the
    /// node's time; on its newest view if none is given.
    pub(crate) fn plan_past(
        &mut self,
        (region, node): (usize, usize),
        applied: Option<usize>,
        request: &Request,
        asker: Asker,
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
        if asker.account.is_some() {
            // A grant is there for who shows its token, however old the rest is.
            view = view.with_older(&group.newest(node, self.now_ms), OlderPart::Grants);
        }
        let view = self.older_in_part((region, node), view, &asker.staleness);
        self.plan_on((region, node), &view, request, None, asker)
    }

    /// A view in which some properties are those that a node had seen before.
    fn older_in_part(
        &self,
        (region, node): (usize, usize),
        view: Region,
        staleness: &Staleness,
    ) -> Region {
        staleness.parts().fold(view, |view, (property, lag_ms)| {
            match self.applied_before(region, node, lag_ms) {
                Some(applied) => {
                    let older = &self.groups[region].states[applied];
                    view.with_older(older, part(property))
                }
                None => view,
            }
        })
    }

    fn plan_on(
        &mut self,
        (region, node): (usize, usize),
        view: &Region,
        request: &Request,
        answer: Option<Answer>,
        asker: Asker,
    ) -> Result<Plan, KmsError> {
        let tokens_expire_after_ms = match request {
            Request::ImportKeyMaterial(_) => {
                let mut chance = Chance {
                    dice: &mut self.dice,
                    coverage: &mut self.coverage,
                    queue: &mut self.queue,
                    faults: &self.faults,
                    now_ms: self.now_ms,
                };
                let here = self.names[region].as_str();
                self.faults
                    .tokens_expire_after_ms(here, self.now_ms, &mut chance)
            }
            _ => None,
        };
        // Nobody needs a grant for the keys of their own account.
        let lag_ms = asker.account.and(asker.staleness.of_grants_ms());
        let spread = lag_ms.and_then(|lag_ms| self.applied_before(region, node, lag_ms));
        let group = &mut self.groups[region];
        let now = group.clock(node, self.now_ms);
        let wrapping_key = match request {
            Request::GetParametersForImport(request) => {
                wrapping_key_needed(request).map(|_| wrapping::wrapping_key())
            }
            _ => None,
        };
        let mut cx = Context {
            caller: &caller(asker.account),
            authority: Authority::Open,
            asked: None,
            spread_grants: spread.map(|applied| &group.states[applied]),
            vault: &group.vault,
            entropy: &mut group.entropy,
            now,
            regions: &self.names,
            wrapping_key,
            unwrap: &wrapping::unwrap,
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

fn part(property: Property) -> OlderPart {
    match property {
        Property::KeyState => OlderPart::KeyState,
        Property::Alias => OlderPart::Alias,
        Property::Tag => OlderPart::Tag,
        Property::Policy => OlderPart::Policy,
        Property::SharedProperties => OlderPart::SharedProperties,
        Property::Materials => OlderPart::Materials,
        Property::Grants => OlderPart::Grants,
    }
}

/// Who calls: the client that all are, or the root of another account.
fn caller(account: Option<AccountId>) -> Caller {
    let principal = match account {
        Some(account) => format!("arn:aws:iam::{account}:root"),
        None => format!("arn:aws:iam::{ACCOUNT}:user/client"),
    };
    Caller {
        account: account.unwrap_or_else(|| ACCOUNT.parse().expect("the account has twelve digits")),
        principal,
        request_id: "simulated".into(),
    }
}
