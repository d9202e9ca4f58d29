//! CloudTrail records: the JSON in which AWS tells of a request to KMS, and of
//! what KMS does by itself.

use meridian_kms::service_event::{ServiceEvent, ServiceEventKind};
use meridian_kms::trace::event_id;
use meridian_kms::{AccountId, Caller, Operation, RegionName};
use meridian_proto::iso_8601;
use serde_json::{Map, Value, json};

use crate::user_identity::identity;

/// Version of the form, as AWS counts it.
const EVENT_VERSION: &str = "1.11";

const SOURCE: &str = "kms.amazonaws.com";

/// How AWS names itself where it acts by itself.
const INTERNAL: &str = "AWS Internal";

/// One request, as far as it got.
pub(crate) struct Call<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) at_ms: i64,
    /// AWS's name, or `Unknown`.
    pub(crate) operation: &'a str,
    pub(crate) region: &'a str,
    pub(crate) source: &'a str,
    pub(crate) user_agent: &'a str,
    pub(crate) caller: Option<&'a Caller>,
    pub(crate) access_key_id: Option<&'a str>,
    /// The role that the caller's session is of.
    pub(crate) role_arn: Option<&'a str>,
    /// Request parameters and response elements that may be shown.
    pub(crate) parameters: Value,
    pub(crate) elements: Value,
    pub(crate) materials: &'a [(&'static str, String)],
    pub(crate) keys: &'a [String],
    pub(crate) alias: Option<&'a str>,
    /// Code and text.
    pub(crate) error: Option<(&'a str, Option<&'a str>)>,
}

impl Call<'_> {
    /// The record of the request.
    pub(crate) fn record(self) -> Value {
        let known = Operation::from_name(self.operation);
        let read_only = known.is_none_or(|operation| !operation.is_write());
        let mut record = json!({
            "eventVersion": EVENT_VERSION,
            "userIdentity": identity(self.caller, self.access_key_id, self.role_arn),
            "eventTime": iso_8601(self.at_ms),
            "eventSource": SOURCE,
            "eventName": self.operation,
            "awsRegion": self.region,
            "sourceIPAddress": self.source,
            "userAgent": self.user_agent,
        });
        if let Some((code, message)) = self.error {
            record["errorCode"] = code.into();
            if let Some(message) = message {
                record["errorMessage"] = message.into();
            }
        }
        let of_keys = self.keys.iter().map(|arn| resource(arn, "AWS::KMS::Key"));
        let of_alias = self.alias.map(|arn| resource(arn, "AWS::KMS::Alias"));
        let resources: Vec<Value> = of_keys.chain(of_alias).collect();
        record["requestParameters"] = self.parameters;
        record["responseElements"] = self.elements;
        if !self.materials.is_empty() {
            let used = self.materials.iter();
            let used = used.map(|(name, id)| ((*name).to_owned(), id.as_str().into()));
            record["additionalEventData"] = Value::Object(used.collect());
        }
        record["requestID"] = self.request_id.into();
        record["eventID"] = event_id(self.request_id).into();
        record["readOnly"] = read_only.into();
        if !resources.is_empty() {
            record["resources"] = resources.into();
        }
        record["eventType"] = "AwsApiCall".into();
        record["managementEvent"] = true.into();
        record["recipientAccountId"] = self.caller.map(|it| it.account.to_string()).into();
        record["eventCategory"] = "Management".into();
        record
    }
}

/// The record of what KMS did by itself. The ID is the event's own: whoever
/// hears of it twice can tell.
pub fn service_record(event: &ServiceEvent, region: &RegionName, id: &str) -> Value {
    let account = event.key.account.to_string();
    let arn = event.key.arn(region);
    let (name, details) = service_details(event);
    let synchronized = event.kind == ServiceEventKind::Synchronized;
    let mut record = json!({
        "eventVersion": EVENT_VERSION,
        "userIdentity": { "accountId": account, "invokedBy": INTERNAL },
        "eventTime": iso_8601(event.at.0),
        "eventSource": SOURCE,
        "eventName": name,
        "awsRegion": region.as_str(),
        "sourceIPAddress": INTERNAL,
        "userAgent": INTERNAL,
        "requestParameters": null,
        "responseElements": synchronized.then(|| json!({ "keyId": arn })),
        "eventID": id,
        "readOnly": false,
        "resources": [resource(&arn, "AWS::KMS::Key")],
        "eventType": if synchronized { "AwsApiCall" } else { "AwsServiceEvent" },
        "managementEvent": true,
        "recipientAccountId": account,
        "eventCategory": "Management",
    });
    match details {
        None => record["requestID"] = event_id(id).into(),
        Some(details) => record["serviceEventDetails"] = Value::Object(details),
    }
    record
}

/// The event's name, and what it says besides, if it says more at all.
fn service_details(event: &ServiceEvent) -> (&'static str, Option<Map<String, Value>>) {
    let mut details = Map::new();
    let mut add = |name: &str, value: String| details.insert(name.to_owned(), value.into());
    let name = match &event.kind {
        ServiceEventKind::Synchronized => return ("SynchronizeMultiRegionKey", None),
        ServiceEventKind::Deleted => "DeleteKey",
        ServiceEventKind::MaterialExpired { material } => {
            add("keyMaterialId", material.to_string());
            "DeleteExpiredKeyMaterial"
        }
        ServiceEventKind::Rotated {
            rotation,
            origin,
            previous,
            current,
        } => {
            add("rotationType", rotation.name().to_owned());
            add("keyOrigin", origin.name().to_owned());
            add("previousKeyMaterialId", previous.to_string());
            add("currentKeyMaterialId", current.to_string());
            "RotateKey"
        }
    };
    add("keyId", event.key.id.to_string());
    (name, Some(details))
}

/// How AWS names the service, as a source and as who called for somebody.
pub(crate) fn service() -> &'static str {
    SOURCE
}

/// A thing that a record is about.
pub(crate) fn resource(arn: &str, kind: &str) -> Value {
    let account = arn.split(':').nth(4).unwrap_or_default();
    let account = account.parse::<AccountId>().map(|it| it.to_string());
    json!({ "accountId": account.unwrap_or_default(), "type": kind, "ARN": arn })
}
