//! A call that failed: why, whether it may have had an effect, and what to do
//! about it.

use std::fmt;

use tonic::{Code, Status};
use tonic_types::StatusExt;

/// A call that the cluster refused or that did not reach it.
#[derive(Debug)]
pub struct CallFailed {
    /// Name of the operation, as in AWS.
    pub operation: &'static str,
    /// Region that was asked; empty for calls to the cluster as a whole.
    pub region: String,
    /// AWS error code; absent if the answer is not AWS's.
    pub code: Option<String>,
    /// AWS's text, or what went wrong on the way.
    pub message: String,
    /// Whether the call is known to have changed nothing.
    pub definite: bool,
    status: Code,
    /// Whether this end of the connection failed, and no answer came.
    unconnected: bool,
}

/// Calls that change nothing, whatever becomes of them.
const READS: [&str; 7] = [
    "Decrypt",
    "DescribeKey",
    "Encrypt",
    "GetClock",
    "GetParametersForImport",
    "ListFaults",
    "WatchKeySet",
];

impl CallFailed {
    pub fn new(operation: &'static str, region: &str, status: &Status) -> Self {
        let info = status.get_details_error_info();
        let said = info
            .as_ref()
            .and_then(|info| info.metadata.get("definite"))
            .map(|definite| definite == "true");
        let definite = said.unwrap_or_else(|| info.is_some() || was_refused(status));
        let definite = definite || READS.contains(&operation);
        Self {
            operation,
            region: region.to_owned(),
            code: info.map(|info| info.reason),
            message: status.message().to_owned(),
            definite,
            status: status.code(),
            unconnected: std::error::Error::source(status).is_some(),
        }
    }

    /// Whether AWS's error code is this one.
    pub fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// Whether the region or the whole cluster gave no answer, so that asking
    /// again later may help.
    pub fn is_unanswered(&self) -> bool {
        matches!(
            self.status,
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown
        ) && self
            .code
            .as_deref()
            .is_none_or(|code| code.ends_with("Unavailable"))
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        if self.unconnected {
            return Some(
                "is a cluster running there? start one with `meridian up`, or name another with --endpoint or MERIDIAN_ENDPOINT",
            );
        }
        if self.status == Code::Unimplemented {
            return Some("what answers there is not a Meridian cluster of this version");
        }
        let rule = HINTS
            .iter()
            .find(|(code, part, _)| self.is(code) && self.message.contains(part));
        rule.map(|&(_, _, hint)| hint)
    }
}

/// AWS code, a part of AWS's text, and what to do.
const HINTS: &[(&str, &str, &str)] = &[
    (
        "KMSInvalidStateException",
        "has not been imported for replicas",
        "`meridian key show KEY` tells which region lacks it; `meridian key import KEY --material FILE --all-regions` brings it there",
    ),
    (
        "KMSInvalidStateException",
        "No available key material pending rotation",
        "`meridian key rotate KEY --new-material random` imports new material everywhere and rotates to it",
    ),
    (
        "KMSInvalidStateException",
        "is pending rotation",
        "rotate to the pending material first (`meridian key rotate KEY`), or delete it at the primary (DeleteImportedKeyMaterial)",
    ),
    (
        "KMSInvalidStateException",
        "is pending import",
        "`meridian key import KEY --material FILE --all-regions` brings the material; `meridian key show KEY` tells what is missing where",
    ),
    (
        "KMSInvalidStateException",
        "is pending deletion",
        "CancelKeyDeletion takes the deletion back",
    ),
    (
        "DisabledException",
        "",
        "EnableKey makes the key usable again",
    ),
    (
        "UnsupportedOperationException",
        "origin is AWS_KMS",
        "only keys made with origin EXTERNAL take imported material: `meridian key create --origin external`",
    ),
    (
        "IncorrectKeyMaterialException",
        "",
        "these bytes are not a material that this region knows for the key: new material goes to the primary first (--all-regions does)",
    ),
    (
        "ServiceUnavailable",
        "",
        "GET /health of the front door tells which region has no leader",
    ),
    (
        "NotFoundException",
        "",
        "`aws kms list-keys` lists the keys of one region; --account chooses the account",
    ),
];

/// Whether an answer that says nothing about it can only mean that nothing was
/// changed. No answer at all leaves it open.
fn was_refused(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::Unauthenticated
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented
    )
}

impl fmt::Display for CallFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.operation)?;
        if !self.region.is_empty() {
            write!(f, " in {}", self.region)?;
        }
        match &self.code {
            // An AWS error without a text has its code as the message.
            Some(code) if self.message.is_empty() || self.message == *code => {
                write!(f, ": {code}")?;
            }
            Some(code) => write!(f, ": {code}: {}", self.message)?,
            None => write!(f, ": {}", self.message)?,
        }
        if self.definite {
            Ok(())
        } else {
            f.write_str(" (it is not known whether the call had its effect)")
        }
    }
}

impl std::error::Error for CallFailed {}

#[cfg(test)]
mod tests {
    use super::*;
    use meridian_proto::v1::ClearFaultsRequest;
    use meridian_proto::v1::chaos_client::ChaosClient;
    use std::collections::HashMap;
    use tonic_types::ErrorDetails;

    fn refused(code: &str, message: &str, metadata: &[(&str, &str)]) -> CallFailed {
        let metadata: HashMap<String, String> = metadata
            .iter()
            .map(|&(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        let details = ErrorDetails::with_error_info(code, "kms.amazonaws.com", metadata);
        let status = Status::with_error_details(Code::FailedPrecondition, message, details);
        CallFailed::new("RotateKeyOnDemand", "us-east-1", &status)
    }

    #[test]
    fn a_refusal_shows_the_code_and_the_text_of_aws() {
        let failed = refused("NotFoundException", "Key 'k' does not exist", &[]);
        assert_eq!(
            failed.to_string(),
            "RotateKeyOnDemand in us-east-1: NotFoundException: Key 'k' does not exist"
        );
        assert!(failed.is("NotFoundException"));
        let silent = "InvalidCiphertextException";
        let silent = refused(silent, silent, &[]);
        assert_eq!(
            silent.to_string(),
            "RotateKeyOnDemand in us-east-1: InvalidCiphertextException"
        );
    }

    #[test]
    fn a_refusal_to_rotate_too_early_says_how_to_go_on() {
        let failed = refused(
            "KMSInvalidStateException",
            "Cannot perform key material rotation: Key material has not been imported for replicas of the Multi-Region key.",
            &[],
        );
        assert!(failed.hint().unwrap().contains("--all-regions"));
    }

    #[test]
    fn an_unknown_outcome_is_said() {
        let failed = refused("ServiceUnavailable", "no leader", &[("definite", "false")]);
        assert!(!failed.definite);
        assert!(failed.to_string().contains("not known whether"));
        let failed = refused("ServiceUnavailable", "no leader", &[("definite", "true")]);
        assert!(!failed.to_string().contains("not known whether"));
    }

    #[tokio::test]
    async fn a_failed_connection_asks_whether_a_cluster_is_running() {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", nobody.local_addr().unwrap());
        drop(nobody);
        let channel = tonic::transport::Endpoint::from_shared(endpoint);
        let mut client = ChaosClient::new(channel.unwrap().connect_lazy());
        let status = client.clear_faults(ClearFaultsRequest {}).await;
        let failed = CallFailed::new("ClearFaults", "", &status.unwrap_err());
        assert!(failed.hint().unwrap().contains("meridian up"));
        assert!(!failed.definite);
    }

    #[test]
    fn a_region_that_is_down_is_no_missing_cluster() {
        let status = Status::unavailable("region eu-west-1 has no leader");
        let failed = CallFailed::new("AdvanceClock", "", &status);
        assert_eq!(failed.hint(), None);
        assert!(failed.to_string().contains("not known whether"), "{failed}");
        let failed = CallFailed::new("GetClock", "", &status);
        assert!(
            !failed.to_string().contains("not known whether"),
            "{failed}"
        );
    }
}
