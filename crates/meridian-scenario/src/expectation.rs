//! What is expected of a call.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::answer::{Answer, CallEnd};

/// How a call is expected to end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Expectation {
    /// It succeeds.
    #[default]
    Ok,
    /// However it ends.
    Any,
    /// Nobody knows whether it had an effect.
    Unknown,
    /// It does not succeed, for whatever reason.
    Fails,
    /// It fails with this AWS code.
    Error(String),
    /// It succeeds, and its answer has these parts.
    Answer(Answer),
    /// One of these.
    OneOf(Vec<Expectation>),
}

impl Expectation {
    /// Did a call end as expected?
    pub fn is_met_by(&self, end: &CallEnd) -> bool {
        match (self, end) {
            (Expectation::Any, _) => true,
            (Expectation::Ok, CallEnd::Ok(_)) => true,
            (Expectation::Unknown, CallEnd::Unknown) => true,
            (Expectation::Fails, CallEnd::Error { .. } | CallEnd::Unknown) => true,
            (Expectation::Error(wanted), CallEnd::Error { code, .. }) => wanted == code,
            (Expectation::Answer(wanted), CallEnd::Ok(answer)) => answer.has(wanted),
            (Expectation::OneOf(several), end) => several.iter().any(|it| it.is_met_by(end)),
            (
                Expectation::Ok
                | Expectation::Unknown
                | Expectation::Fails
                | Expectation::Error(_)
                | Expectation::Answer(_),
                _,
            ) => false,
        }
    }

    /// For people.
    pub fn words(&self) -> String {
        match self {
            Expectation::Ok => "ok".into(),
            Expectation::Any => "anything".into(),
            Expectation::Unknown => "unknown".into(),
            Expectation::Fails => "a failure".into(),
            Expectation::Error(code) => code.clone(),
            Expectation::Answer(answer) => format!("ok ({})", answer.words()),
            Expectation::OneOf(several) => {
                let words: Vec<String> = several.iter().map(Expectation::words).collect();
                words.join(" or ")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expectation(text: &str) -> Expectation {
        serde_json::from_str(text).unwrap()
    }

    fn error(code: &str) -> CallEnd {
        CallEnd::Error {
            code: code.into(),
            message: String::new(),
        }
    }

    #[test]
    fn only_the_named_parts_of_an_answer_count() {
        let state = expectation(r#"{"answer": {"key_state": "Creating"}}"#);
        let answer = |key_state: &str| {
            CallEnd::Ok(Answer {
                key_state: Some(key_state.into()),
                role: Some("REPLICA".into()),
                ..Answer::default()
            })
        };
        assert!(state.is_met_by(&answer("Creating")));
        assert!(!state.is_met_by(&answer("Enabled")));
        assert!(!state.is_met_by(&CallEnd::Unknown));
    }

    #[test]
    fn an_error_is_expected_by_its_code_or_as_any_failure() {
        let not_found = expectation(r#"{"error": "NotFoundException"}"#);
        assert!(not_found.is_met_by(&error("NotFoundException")));
        assert!(!not_found.is_met_by(&error("DisabledException")));
        assert!(expectation(r#""fails""#).is_met_by(&error("DisabledException")));
        assert!(expectation(r#""fails""#).is_met_by(&CallEnd::Unknown));
        let either = expectation(r#"{"one_of": ["ok", {"error": "DisabledException"}]}"#);
        assert!(either.is_met_by(&error("DisabledException")));
        assert!(!either.is_met_by(&CallEnd::Unknown));
    }
}
