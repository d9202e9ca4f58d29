//! How a command ends when it could not do its work: words, advice, exit code.

use std::fmt;
use std::process::ExitCode;

use serde_json::json;

use crate::call_failed::CallFailed;
use crate::cli::OutputFormat;
use crate::console::{bad, bold};

/// A failure that already knows what to do about it.
#[derive(Debug)]
pub struct Advice {
    pub failure: String,
    pub hint: String,
}

/// A failure with what to do about it.
pub fn advice(failure: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(Advice {
        failure: failure.into(),
        hint: hint.into(),
    })
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

    #[test]
    fn a_hint_is_found_below_other_words() {
        let error = advice("no such key", "make one").context("while looking");
        assert_eq!(hint(&error).as_deref(), Some("make one"));
        assert_eq!(
            document(&error)["error"]["text"],
            "while looking: no such key"
        );
    }
}
