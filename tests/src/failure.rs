//! `Failure`: how a call ended that was not answered with success.

use std::fmt;

use tonic::Status;
use tonic_types::StatusExt;

/// Why a call has no result, and what that says about its effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The cluster says that nothing happened: AWS's code and text.
    Refused {
        /// Such as `NotFoundException`.
        code: String,
        /// For people.
        message: String,
    },
    /// It may have happened, or may happen yet.
    Unknown(String),
}

impl Failure {
    /// Whether the call was refused with this code.
    pub fn is(&self, wanted: &str) -> bool {
        matches!(self, Failure::Refused { code, .. } if code == wanted)
    }

    /// Something is missing in an answer of success.
    pub(crate) fn incomplete(what: &str) -> Failure {
        Failure::Unknown(format!("answered without {what}"))
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Failure {
        // Whatever does not come from the service itself, such as a broken
        // connection, has no such details.
        match status.get_details_error_info() {
            Some(info) if info.metadata.get("definite").is_some_and(|it| it == "true") => {
                Failure::Refused {
                    code: info.reason,
                    message: status.message().to_owned(),
                }
            }
            _ => Failure::Unknown(format!("{:?}: {}", status.code(), status.message())),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Refused { code, message } => write!(f, "refused with {code}: {message}"),
            Failure::Unknown(why) => write!(f, "outcome unknown: {why}"),
        }
    }
}
