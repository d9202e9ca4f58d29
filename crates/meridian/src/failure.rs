//! Why a call failed, whether it may have had an effect, and what to do about it.

use std::fmt;
use std::process::ExitCode;

use serde_json::json;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::cli::OutputFormat;
use crate::console::{bad, bold};

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
}

impl CallFailed {
    pub fn new(operation: &'static str, region: &str, status: &Status) -> Self {
        let info = status.get_details_error_info();
        let said = info
            .as_ref()
            .and_then(|info| info.metadata.get("definite"))
            .map(|definite| definite == "true");
        let definite = said.unwrap_or_else(|| info.is_some() || was_refused(status));
        Self {
            operation,
            region: region.to_owned(),
            code: info.map(|info| info.reason),
            message: status.message().to_owned(),
            definite,
            status: status.code(),
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
        if self.code.is_none() && self.status == Code::Unavailable {
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

/// A failure that already knows what to do about it.
#[derive(Debug)]
pub struct Advice {
    pub failure: String,
    pub hint: String,
}

impl Advice {
    pub fn new(failure: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Self {
            failure: failure.into(),
            hint: hint.into(),
        })
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.failure)
    }
}

impl std::error::Error for Advice {}

/// The user pressed Ctrl-C, or the process was asked to end.
#[derive(Debug)]
pub struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// What to do about the failure: the first advice that anything in the chain has.
fn hint(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        let call = cause
            .downcast_ref::<CallFailed>()
            .and_then(CallFailed::hint);
        let advice = cause
            .downcast_ref::<Advice>()
            .map(|advice| advice.hint.clone());
        call.map(str::to_owned).or(advice)
    })
}

/// Prints the failure to standard error and gives the exit code that goes with it.
pub fn report(error: &anyhow::Error, format: OutputFormat) -> ExitCode {
    match format {
        OutputFormat::Json => anstream::eprintln!("{:#}", document(error)),
        OutputFormat::Table => {
            anstream::eprintln!("{} {error:#}", bad("error:"));
            if let Some(hint) = hint(error) {
                anstream::eprintln!("{}  {hint}", bold("hint:"));
            }
        }
    }
    if error.downcast_ref::<Interrupted>().is_some() {
        return ExitCode::from(130);
    }
    ExitCode::FAILURE
}

/// The failure as a program reads it.
fn document(error: &anyhow::Error) -> serde_json::Value {
    let call = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<CallFailed>());
    json!({"error": {
        "text": format!("{error:#}"),
        "hint": hint(error),
        "operation": call.map(|call| call.operation),
        "region": call.map(|call| &call.region),
        "code": call.and_then(|call| call.code.as_ref()),
        "message": call.map(|call| &call.message),
        "definite": call.map(|call| call.definite),
    }})
}

#[cfg(test)]
mod tests {
    use super::*;
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

    #[test]
    fn a_failed_connection_asks_whether_a_cluster_is_running() {
        let failed = CallFailed::new("DescribeKey", "", &Status::unavailable("no answer"));
        assert!(failed.hint().unwrap().contains("meridian up"));
        assert!(!failed.definite);
    }

    #[test]
    fn a_hint_is_found_below_other_words() {
        let error = Advice::new("no such key", "make one").context("while looking");
        assert_eq!(hint(&error).as_deref(), Some("make one"));
        assert_eq!(
            document(&error)["error"]["text"],
            "while looking: no such key"
        );
    }
}
