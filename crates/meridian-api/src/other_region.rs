//! The second record of a request that makes or changes a key in another region
//! too (AWS KMS Developer Guide, "ReplicateKey" and "UpdatePrimaryRegion" among
//! the examples of CloudTrail log entries).

use meridian_kms::{Operation, RegionName, Request};
use serde_json::{Value, json};

use crate::cloud_trail::{resource, service};
use crate::request_id;

/// Where a request does something besides its own region, and what.
pub(crate) struct OtherRegion {
    region: RegionName,
    operation: Operation,
}

impl OtherRegion {
    /// That of a request, if it has one.
    pub(crate) fn of(request: &Request) -> Option<OtherRegion> {
        let operation = request.operation();
        let member = match operation {
            Operation::ReplicateKey => "ReplicaRegion",
            Operation::UpdatePrimaryRegion => "PrimaryRegion",
            _ => return None,
        };
        let region = request.text_member(member)?.parse().ok()?;
        Some(OtherRegion { region, operation })
    }

    /// Its name.
    pub(crate) fn region(&self) -> &RegionName {
        &self.region
    }

    /// The other region's record, from that of the request's own region.
    pub(crate) fn record(&self, first: &Value) -> Value {
        let mut record = first.clone();
        let key = first["resources"][0]["ARN"].as_str().unwrap_or_default();
        let key = self.key_there(key);
        record["awsRegion"] = self.region.as_str().into();
        record["eventID"] = (*request_id::fresh()).into();
        record["userIdentity"]["invokedBy"] = service().into();
        let parameters = record["requestParameters"].as_object_mut();
        if self.operation == Operation::UpdatePrimaryRegion {
            if let Some(parameters) = parameters {
                parameters.insert("keyId".into(), key.as_str().into());
            }
            record["responseElements"] = json!({ "keyId": key });
            // AWS's example names no resources.
            record.as_object_mut().map(|it| it.remove("resources"));
            return record;
        }
        // fidelity: assumed, the parameters of the CreateKey that a ReplicateKey leads to
        // are those that are about the replica. AWS names the record and shows none.
        if let Some(parameters) = parameters {
            parameters.remove("keyId");
            parameters.remove("replicaRegion");
            parameters.insert("multiRegion".into(), true.into());
        }
        let metadata = &first["responseElements"]["replicaKeyMetadata"];
        record["eventName"] = Operation::CreateKey.name().into();
        record["responseElements"] = json!({ "keyMetadata": metadata });
        record["resources"] = json!([resource(&key, "AWS::KMS::Key")]);
        record
    }

    /// The ARN of the related key in the other region.
    fn key_there(&self, arn: &str) -> String {
        let mut parts: Vec<&str> = arn.splitn(6, ':').collect();
        if let Some(region) = parts.get_mut(3) {
            *region = self.region.as_str();
        }
        parts.join(":")
    }
}
