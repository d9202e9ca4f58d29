//! Planning a request at one node until it is a reply or a change, with whoever
//! has to be asked on the way asked.

use meridian_chaos::Staleness;
use meridian_crypto::{ImportToken, OsEntropy, WrappingKey};
use meridian_kms::ops::get_parameters_for_import::wrapping_key_needed;
use meridian_kms::{
    Answer, Authority, Caller, Change, Chosen, Context, ErrorCode, Inquiry, KmsError, Plan,
    Question, Region, Request, Response, Told,
};

use crate::kms::NodeKms;
use crate::long_plans::NotPlanned;

/// Questions to proxies in one call: ReEncrypt between two key stores has two,
/// and the key may move meanwhile.
const QUESTIONS_MAX: usize = 4;

/// What the key that an operator makes is to be, if it has chosen.
pub type MakeChosen<'a> = &'a (dyn Fn() -> Option<Chosen> + Sync);

/// A call as it is planned.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// For what.
    pub request: &'a Request,
    /// How old a view answers it.
    pub staleness: &'a Staleness,
    /// Set by an operator, whom policies do not stop.
    pub operator: Option<MakeChosen<'a>>,
}

/// What was brought for one call, however often it is planned.
#[derive(Default)]
pub struct Brought {
    /// What another region has said.
    pub answer: Option<Answer>,
    /// What proxies have said. None is asked the same again.
    told: Vec<Told>,
    wrapping_key: Option<WrappingKey>,
}

/// What a request comes to once nobody is left to ask.
#[allow(
    clippy::large_enum_variant,
    reason = "lives for one call; a box would only cost every answer an allocation"
)]
pub enum Settled {
    /// The answer; nothing changes.
    Reply(Response),
    /// A change to propose. For a read it has to be there first: settle again
    /// once it is.
    Commit(Change),
}

impl NodeKms {
    /// Plans until there is a reply or a change.
    ///
    /// # Errors
    /// A refusal, by the view that the call is answered from.
    pub async fn settle(
        &self,
        asking: Asking<'_>,
        brought: &mut Brought,
    ) -> Result<Settled, KmsError> {
        if let Request::GetParametersForImport(request) = asking.request
            && brought.wrapping_key.is_none()
            && let Some(spec) = wrapping_key_needed(request)
        {
            brought.wrapping_key = Some(self.core().wrapping_keys.take(spec).await);
        }
        loop {
            match self.plan(asking, brought).await? {
                Plan::Reply(response) => return Ok(Settled::Reply(response)),
                Plan::Commit(change) => return Ok(Settled::Commit(change)),
                Plan::Ask(Inquiry::Region(question)) if brought.answer.is_none() => {
                    brought.answer = Some(self.ask_region(&question).await?);
                }
                Plan::Ask(Inquiry::Proxy(question)) if brought.told.len() < QUESTIONS_MAX => {
                    let told = self.core().xks_proxies.ask(*question).await;
                    brought.told.push(told);
                }
                Plan::Ask(inquiry) => return Err(unanswered(&inquiry)),
            }
        }
    }

    /// Plans once, and where it takes long apart from other requests.
    async fn plan(&self, asking: Asking<'_>, brought: &mut Brought) -> Result<Plan, KmsError> {
        let region = self.core().view.as_old_as(asking.staleness);
        if asking.operator.is_some() || !asking.request.takes_long() {
            return self.plan_on(&region, asking, brought);
        }
        let (kms, caller, request) = (self.clone(), asking.caller.clone(), asking.request.clone());
        let (staleness, lent) = (asking.staleness.clone(), std::mem::take(brought));
        let planning = self.core().long_plans.run(move || {
            let asking = Asking {
                caller: &caller,
                request: &request,
                staleness: &staleness,
                operator: None,
            };
            (kms.plan_on(&region, asking, &lent), lent)
        });
        let ended = |NotPlanned| KmsError::bare(ErrorCode::KMSInternalException);
        let (plan, lent) = planning.await.map_err(ended)?;
        *brought = lent;
        plan
    }

    /// Plans once, here and now, and notes which keys were used if that is
    /// already the answer.
    pub(crate) fn plan_on(
        &self,
        region: &Region,
        asking: Asking<'_>,
        brought: &Brought,
    ) -> Result<Plan, KmsError> {
        let (core, request) = (self.core(), asking.request);
        let spread_grants = core.view.spread_grants(asking.staleness);
        let mut entropy = OsEntropy;
        let unwrap = |token: &ImportToken, wrapped: &[u8]| {
            let bytes = token.unwrap(wrapped)?;
            if let Some(recorder) = &core.recorder {
                recorder.imports(asking.caller, &bytes);
            }
            Some(bytes)
        };
        let mut cx = self.context(region, asking, brought, &mut entropy);
        cx.spread_grants = spread_grants.as_deref();
        cx.unwrap = &unwrap;
        let plan = region.plan(&mut cx, request)?;
        let operation = request.operation();
        if let Plan::Reply(_) = plan
            && operation.is_use()
        {
            for key in cx.used.get().into_iter().flatten() {
                let request_id = &cx.caller.request_id;
                core.uses.note(key, operation, cx.now, request_id);
            }
        }
        Ok(plan)
    }

    /// Answers another region's question, for whoever is asking there.
    pub(crate) fn answer(&self, question: &Question) -> Answer {
        let region = self.core().view.newest();
        let Some((caller, request)) = question.asked() else {
            return region.answer(question);
        };
        let asking = crate::kms::asking(caller, &request);
        let (brought, mut entropy) = (Brought::default(), OsEntropy);
        let mut cx = self.context(&region, asking, &brought, &mut entropy);
        region.answer_to(&mut cx, question, &request)
    }

    /// The surroundings of a plan.
    fn context<'a>(
        &'a self,
        region: &Region,
        asking: Asking<'a>,
        brought: &'a Brought,
        entropy: &'a mut OsEntropy,
    ) -> Context<'a> {
        let (core, request) = (self.core(), asking.request);
        Context {
            caller: asking.caller,
            authority: match asking.operator {
                Some(_) => Authority::Open,
                None => core.authority(asking.caller),
            },
            asked: None,
            spread_grants: None,
            vault: &core.vault,
            entropy,
            now: core.now(region),
            regions: &core.regions,
            wrapping_key: brought.wrapping_key.as_ref(),
            unwrap: &ImportToken::unwrap,
            tokens_expire_after_ms: match request {
                Request::ImportKeyMaterial(_) => {
                    core.faults.tokens_expire_after_ms(region.name().as_str())
                }
                _ => None,
            },
            answer: brought.answer.clone(),
            chosen: asking.operator.and_then(|choose| choose()),
            used: Default::default(),
            named_grants: Default::default(),
            told: &brought.told,
            attestation_root: core.attestation_root.as_ref(),
        }
    }

    async fn ask_region(&self, question: &Question) -> Result<Answer, KmsError> {
        let asked = self.core().links.preflight(question).await;
        asked.map_err(|error| {
            let region = &question.region;
            tracing::debug!(%region, error = error.0, "preflight failed");
            KmsError::region_unreachable(region)
        })
    }
}

/// A question that another answer did not help with.
fn unanswered(inquiry: &Inquiry) -> KmsError {
    match inquiry {
        Inquiry::Region(question) => KmsError::region_unreachable(&question.region),
        Inquiry::Proxy(_) => KmsError::bare(ErrorCode::KMSInternalException),
    }
}
