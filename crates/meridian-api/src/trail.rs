//! `Trail`: what the audit log is told of one request, gathered while the
//! request passes.

use std::sync::Arc;

use http::header::USER_AGENT;
use http::{Extensions, HeaderMap};
use meridian_kms::{Caller, Request, Response};
use serde_json::Value;

use crate::audit::{Auditor, ClientAddress, Seen};
use crate::authentication::Authentication;
use crate::cloud_trail::Call;
use crate::kms::Kms;
use crate::machine_clock::machine_now_ms;
use crate::other_region::OtherRegion;
use crate::sigv4::Credential;
use crate::unwritten::Unwritten;

/// One request under way. It is written when it is over; until then nothing of
/// it but what may be shown is kept.
pub(crate) struct Trail {
    auditor: Arc<dyn Auditor>,
    request_id: String,
    source: String,
    user_agent: String,
    access_key_id: Option<String>,
    /// The role of the session that the access key is of.
    role_arn: Option<String>,
    /// Told if the record cannot be written.
    unwritten: Option<Unwritten>,
    other_region: Option<OtherRegion>,
    caller: Option<Caller>,
    seen: Seen,
    alias: Option<String>,
    parameters: Value,
    elements: Value,
    materials: Vec<(&'static str, String)>,
    message: Option<String>,
}

impl Trail {
    /// A request has come in, to a port whose callers prove who they are like
    /// this.
    pub(crate) fn begin(
        auditor: Arc<dyn Auditor>,
        authentication: &Authentication,
        request_id: &str,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Trail {
        let address = extensions.get::<ClientAddress>();
        let text = |name| headers.get(name)?.to_str().ok().map(str::to_owned);
        let credential = Credential::parse(headers.get(http::header::AUTHORIZATION)).ok();
        let access_key_id = credential.map(|it| it.access_key_id.to_owned());
        let role_arn = access_key_id.as_deref();
        let role_arn = role_arn.and_then(|id| authentication.role_arn(id));
        Trail {
            auditor,
            request_id: request_id.to_owned(),
            source: address.map_or_else(String::new, |address| address.0.to_string()),
            user_agent: text(USER_AGENT).unwrap_or_default(),
            role_arn: role_arn.map(str::to_owned),
            access_key_id,
            unwritten: extensions.get().cloned(),
            other_region: None,
            caller: None,
            seen: Seen::default(),
            alias: None,
            parameters: Value::Null,
            elements: Value::Null,
            materials: Vec::new(),
            message: None,
        }
    }

    /// Its region and its caller are known, and what it asks for.
    pub(crate) fn asks(
        &mut self,
        kms: &dyn Kms,
        region: &meridian_kms::RegionName,
        caller: &Caller,
        request: &Request,
    ) {
        self.seen = kms.seen(caller, request);
        self.alias = request.named_alias(caller, region);
        self.other_region = OtherRegion::of(request);
        self.caller = Some(caller.clone());
        self.parameters = shown(&request.to_logged_json());
    }

    /// The region has carried it out.
    pub(crate) fn answered(&mut self, response: &Response) {
        for key in response.named_keys() {
            if !self.seen.keys.contains(&key) {
                self.seen.keys.push(key);
            }
        }
        if !self.seen.hides_materials {
            self.materials = response.materials_used();
        }
        if response.operation().is_write() {
            self.elements = shown(&response.to_logged_json());
            // AWS tells the key also where its answer does not.
            if let (Value::Null, Some(key)) = (&self.elements, self.seen.keys.first()) {
                self.elements = serde_json::json!({ "keyId": key });
            }
        }
    }

    /// It was refused with this text.
    pub(crate) fn refused(&mut self, message: Option<&str>) {
        self.message = message.map(str::to_owned);
    }

    /// It is over. `outcome` is `ok` or the code of the error.
    pub(crate) fn end(self, region: &str, operation: &str, outcome: &str) {
        let record = Call {
            request_id: &self.request_id,
            at_ms: self.seen.now_ms.unwrap_or_else(machine_now_ms),
            operation,
            region,
            source: &self.source,
            user_agent: &self.user_agent,
            caller: self.caller.as_ref(),
            access_key_id: self.access_key_id.as_deref(),
            role_arn: self.role_arn.as_deref(),
            parameters: self.parameters,
            elements: self.elements,
            materials: &self.materials,
            keys: &self.seen.keys,
            alias: self.alias.as_deref(),
            error: (outcome != "ok").then_some((outcome, self.message.as_deref())),
        };
        let record = record.record();
        let mut written = self.auditor.write(region, &record);
        if let (Some(other), "ok") = (&self.other_region, outcome) {
            let second = other.record(&record);
            written = written.and(self.auditor.write(other.region().as_str(), &second));
        }
        if let (Err(error), Some(unwritten)) = (written, &self.unwritten) {
            unwritten.note(&error);
        }
    }
}

/// JSON that this process has written; an object without members is none.
fn shown(json: &str) -> Value {
    match serde_json::from_str(json) {
        Ok(Value::Object(members)) if members.is_empty() => Value::Null,
        Ok(value) => value,
        Err(_) => Value::Null,
    }
}
