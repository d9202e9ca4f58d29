//! Finding a key in a cluster: which regions hold it, and which is the primary.

use futures::future::join_all;
use meridian_proto::v1::{DescribeKeyRequest, KeyMetadata};

use crate::call_failed::CallFailed;
use crate::client::{Cluster, Region};
use crate::failure::advice;

/// A key and the regions that hold it.
pub struct Located {
    /// The bare key id, equal in all regions.
    pub key_id: String,
    /// `AWS_KMS` or `EXTERNAL`.
    pub origin: String,
    pub multi_region: bool,
    /// The primary's region first, then those of the replicas in alphabetical order.
    pub regions: Vec<Region>,
}

impl Located {
    /// The region where new material and rotations begin.
    pub fn primary(&self) -> &Region {
        &self.regions[0]
    }

    /// The names of the regions, the primary first.
    pub fn region_names(&self) -> Vec<String> {
        self.regions
            .iter()
            .map(|region| region.name().to_owned())
            .collect()
    }

    /// The named ones of the key's regions, the primary first.
    ///
    /// # Errors
    /// If the key is not in one of them.
    pub fn choose(&self, names: &[String]) -> anyhow::Result<Vec<Region>> {
        if let Some(stranger) = names
            .iter()
            .find(|name| !self.regions.iter().any(|region| region.name() == *name))
        {
            return Err(advice(
                format!("the key {} is not in {stranger}", self.key_id),
                format!("it is in {}", self.region_names().join(", ")),
            ));
        }
        let chosen = self.regions.iter();
        Ok(chosen
            .filter(|region| names.iter().any(|name| name == region.name()))
            .cloned()
            .collect())
    }
}

/// Finds the key that a key id, key ARN, alias name or alias ARN names: in the
/// region of the ARN or of `from`, otherwise in every region of the cluster.
///
/// # Errors
/// If no region has it, or an alias names different keys in different regions.
pub async fn locate(cluster: &Cluster, key: &str, from: Option<&str>) -> anyhow::Result<Located> {
    let only = from.or_else(|| region_of_arn(key));
    let asked = match only {
        Some(name) => vec![cluster.region(name)?],
        None => cluster.regions().await?,
    };
    let answers = join_all(asked.iter().map(|region| describe(region, key))).await;
    let found = one_key(key, answers, only.is_some())?;
    let configuration = found.multi_region_configuration.as_ref();
    let primary = configuration
        .and_then(|configuration| configuration.primary_key.as_ref())
        .and_then(|primary| primary.region.clone());
    let Some(primary) = primary else {
        let region = found.arn.as_deref().and_then(region_of_arn);
        return located(cluster, &found, &[region.unwrap_or_default().to_owned()]);
    };
    // A replica may not have heard of the newest members yet; the primary knows
    // them all. If it cannot be asked, the replica's knowledge has to do.
    let key_id = found.key_id.clone().unwrap_or_default();
    let at_primary = describe(&cluster.region(&primary)?, &key_id).await;
    let found = at_primary.unwrap_or(found);
    let mut regions = vec![primary.clone()];
    let configuration = found.multi_region_configuration.as_ref();
    let replicas = configuration.map(|configuration| configuration.replica_keys.as_slice());
    let mut replicas: Vec<String> = replicas
        .unwrap_or_default()
        .iter()
        .filter_map(|replica| replica.region.clone())
        .filter(|region| *region != primary)
        .collect();
    replicas.sort();
    regions.append(&mut replicas);
    located(cluster, &found, &regions)
}

fn located(cluster: &Cluster, found: &KeyMetadata, regions: &[String]) -> anyhow::Result<Located> {
    let regions: anyhow::Result<Vec<Region>> =
        regions.iter().map(|name| cluster.region(name)).collect();
    Ok(Located {
        key_id: found.key_id.clone().unwrap_or_default(),
        origin: found.origin.clone().unwrap_or_default(),
        multi_region: found.multi_region.unwrap_or_default(),
        regions: regions?,
    })
}

async fn describe(region: &Region, key: &str) -> Result<KeyMetadata, CallFailed> {
    let answer = region
        .describe_key(DescribeKeyRequest {
            key_id: Some(key.to_owned()),
            ..Default::default()
        })
        .await?;
    Ok(answer.key_metadata.map(|boxed| *boxed).unwrap_or_default())
}

/// The one key that the regions' answers agree on. If only one region was meant,
/// what it says is the answer.
fn one_key(
    key: &str,
    answers: Vec<Result<KeyMetadata, CallFailed>>,
    one_was_meant: bool,
) -> anyhow::Result<KeyMetadata> {
    let mut found: Vec<KeyMetadata> = Vec::new();
    let mut unknown_here = None;
    let mut unanswered = Vec::new();
    for answer in answers {
        match answer {
            Ok(metadata) => found.push(metadata),
            Err(failed) if failed.is("NotFoundException") => unknown_here = Some(failed),
            Err(failed) if failed.is_unanswered() => unanswered.push(failed),
            Err(failed) => return Err(failed.into()),
        }
    }
    if let Some(other) = found.iter().find(|other| other.key_id != found[0].key_id) {
        let arn = |key: &KeyMetadata| key.arn.clone().unwrap_or_default();
        return Err(advice(
            format!(
                "{key} names different keys: {} and {}",
                arn(&found[0]),
                arn(other)
            ),
            "say which region to start from: --from REGION",
        ));
    }
    if let Some(metadata) = found.into_iter().next() {
        return Ok(metadata);
    }
    match (unknown_here, unanswered.pop()) {
        (_, Some(failed)) => Err(anyhow::Error::new(failed).context(format!(
            "no region that answers has {key}, and not all answered"
        ))),
        (Some(failed), None) if one_was_meant => Err(failed.into()),
        _ => Err(advice(
            format!("no region of the cluster has a key or alias {key}"),
            "`meridian key create` makes one; --account chooses the account",
        )),
    }
}

/// The region in an ARN.
fn region_of_arn(key: &str) -> Option<&str> {
    let mut parts = key.split(':');
    match (parts.next(), parts.nth(1), parts.next()) {
        (Some("arn"), Some("kms"), region) => region,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;
    use tonic::{Code, Status};
    use tonic_types::{ErrorDetails, StatusExt};

    fn key(id: &str) -> Result<KeyMetadata, CallFailed> {
        Ok(KeyMetadata {
            key_id: Some(id.to_owned()),
            arn: Some(format!("arn:{id}")),
            ..Default::default()
        })
    }

    fn not_found() -> Result<KeyMetadata, CallFailed> {
        let details = ErrorDetails::with_error_info("NotFoundException", "", HashMap::new());
        let status = Status::with_error_details(Code::NotFound, "Key does not exist", details);
        Err(CallFailed::new("DescribeKey", "eu-west-1", &status))
    }

    fn unanswered() -> Result<KeyMetadata, CallFailed> {
        let status = Status::unavailable("no leader");
        Err(CallFailed::new("DescribeKey", "eu-west-1", &status))
    }

    #[test]
    fn an_arn_names_its_region() {
        let arn = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1";
        assert_eq!(region_of_arn(arn), Some("eu-west-1"));
        assert_eq!(region_of_arn("mrk-1"), None);
        assert_eq!(region_of_arn("alias/kms:a:b:c"), None);
    }

    #[test]
    fn one_region_that_has_the_key_is_enough() {
        let found = one_key(
            "mrk-1",
            vec![not_found(), key("mrk-1"), unanswered()],
            false,
        );
        assert_eq!(found.unwrap().key_id.as_deref(), Some("mrk-1"));
    }

    #[test]
    fn an_alias_of_different_keys_is_ambiguous() {
        let error = one_key("alias/a", vec![key("1"), key("2")], false).unwrap_err();
        assert!(error.to_string().contains("arn:1 and arn:2"), "{error}");
    }

    #[test]
    fn a_key_that_only_a_silent_region_could_have_is_not_called_missing() {
        let error = one_key("mrk-1", vec![not_found(), unanswered()], false).unwrap_err();
        assert!(error.to_string().contains("not all answered"), "{error}");
        let error = one_key("mrk-1", vec![not_found(), not_found()], false).unwrap_err();
        assert!(
            error.to_string().contains("no region of the cluster"),
            "{error}"
        );
        let error = one_key("mrk-1", vec![not_found()], true).unwrap_err();
        assert!(error.to_string().contains("NotFoundException"), "{error}");
    }
}
