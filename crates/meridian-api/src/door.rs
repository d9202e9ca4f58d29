//! `Door`: which region a request may reach through a port; the rule that both
//! wires share.

use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Extensions, HeaderMap};
use meridian_kms::{AccountId, Caller, KmsError, RegionName, Request};
use meridian_proto::validation_message;

use crate::audit::Auditor;
use crate::authentication::Authentication;
use crate::front::{Cluster, Front, Scope};
use crate::kms::Kms;
use crate::observer::{Observation, Observer};
use crate::refusal::Refusal;
use crate::sigv4::Credential;
use crate::throttle::Throttle;
use crate::trail::Trail;

/// A [`Front`] at work.
pub(crate) struct Door {
    cluster: Arc<dyn Cluster>,
    scope: Scope,
    authentication: Authentication,
    throttle: Option<Arc<Throttle>>,
    observer: Arc<dyn Observer>,
    auditor: Option<Arc<dyn Auditor>>,
}

impl Door {
    pub(crate) fn new(front: Front) -> Door {
        Door {
            cluster: front.cluster,
            scope: front.scope,
            authentication: front.authentication,
            throttle: front.throttle,
            observer: front.observer,
            auditor: front.auditor,
        }
    }

    /// The region with this name, if it can be reached here.
    pub(crate) fn region(&self, name: &str) -> Option<(RegionName, Arc<dyn Kms>)> {
        match &self.scope {
            Scope::Region(own) if own != name => None,
            Scope::Region(_) | Scope::Cluster => self.cluster.region(name),
        }
    }

    /// Who calls which region, by the signature of a request.
    ///
    /// # Errors
    /// There is no signature, or it is not right.
    pub(crate) fn authenticate(
        &self,
        head: &Parts,
        body: &[u8],
        request_id: &str,
    ) -> Result<(RegionName, Arc<dyn Kms>, Caller), Refusal> {
        let credential = Credential::parse(head.headers.get(AUTHORIZATION))?;
        let holder = self.authentication.holder(&credential)?;
        let (region, kms) = self.region(credential.region).ok_or_else(|| {
            Refusal::InvalidSignature("Credential should be scoped to a valid region.".into())
        })?;
        credential.check_service()?;
        let caller = holder.caller(&credential, &region, (head, body), request_id)?;
        Ok((region, kms, caller))
    }

    /// May a call without a signature name its caller itself?
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.authentication, Authentication::Open)
    }

    /// The region that a request means which names none: the only one there is.
    pub(crate) fn only_region(&self) -> Option<(RegionName, Arc<dyn Kms>)> {
        match &self.scope {
            Scope::Region(own) => self.region(own),
            Scope::Cluster => match self.cluster.regions().as_slice() {
                [only] => self.region(only),
                _ => None,
            },
        }
    }

    /// The names that [`Door::region`] knows, for people.
    pub(crate) fn region_names(&self) -> String {
        match &self.scope {
            Scope::Region(own) => own.clone(),
            Scope::Cluster => self.cluster.regions().join(", "),
        }
    }

    /// Refuses a request that breaks constraints of AWS's model, naming all of
    /// them, or that comes too fast. No region has been asked yet.
    pub(crate) fn check(
        &self,
        region: &RegionName,
        account: AccountId,
        request: &Request,
    ) -> Result<(), KmsError> {
        refuse_violations(&request.violations())?;
        match &self.throttle {
            Some(throttle) => throttle.admit(region, account, request),
            None => Ok(()),
        }
    }

    /// Starts to watch a request. On a region's own port the region is known
    /// before the request has been read.
    pub(crate) fn observe(&self, operation: &'static str) -> Observation {
        let mut observation = Observation::begin(self.observer.clone(), operation);
        if let Scope::Region(own) = &self.scope {
            observation.region = own.parse().ok();
        }
        observation
    }

    /// Who keeps the audit log, if there is one.
    pub(crate) fn auditor(&self) -> Option<&Arc<dyn Auditor>> {
        self.auditor.as_ref()
    }

    /// Has the audit log told of a request, if there is one.
    pub(crate) fn follow(
        &self,
        observation: &mut Observation,
        request_id: &str,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) {
        if let Some(auditor) = &self.auditor {
            let authentication = &self.authentication;
            let auditor = auditor.clone();
            let trail = Trail::begin(auditor, authentication, request_id, headers, extensions);
            observation.trail = Some(Box::new(trail));
        }
    }
}

/// Refuses a request in which violations were found.
pub(crate) fn refuse_violations(found: &[String]) -> Result<(), KmsError> {
    match validation_message(found) {
        None => Ok(()),
        Some(message) => Err(KmsError::validation(message)),
    }
}
