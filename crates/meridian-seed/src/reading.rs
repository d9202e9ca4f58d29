//! From a file to a seed, or to the first mistake in it.
//!
//! No part of the text is ever shown: a line beside a mistake may hold a secret.

use crate::check;
use crate::seed::{Seed, VERSION};

/// What is wrong with a seed file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeedError {
    /// Not of the format.
    #[error("line {line}, column {column}: {what}")]
    Shape {
        /// Counted from 1.
        line: u64,
        /// Counted from 1.
        column: u64,
        /// What would be right.
        what: String,
    },
    /// Of the format, and wrong.
    #[error("{0}")]
    Meaning(String),
}

impl SeedError {
    pub(crate) fn meaning(what: impl Into<String>) -> SeedError {
        SeedError::Meaning(what.into())
    }
}

/// Reads YAML or JSON.
///
/// # Errors
/// The first mistake.
pub fn read(text: &str) -> Result<Seed, SeedError> {
    let seed: Seed = serde_saphyr::from_str(text).map_err(|error| {
        let place = error.location().unwrap_or(serde_saphyr::Location::UNKNOWN);
        SeedError::Shape {
            line: place.line().max(1),
            column: place.column().max(1),
            what: shown(&error),
        }
    })?;
    if seed.version != VERSION {
        let version = seed.version;
        return Err(SeedError::Meaning(format!(
            "version {version} is not known; this release reads version {VERSION}"
        )));
    }
    check::check(&seed)?;
    Ok(seed)
}

/// An error names fields, which are no secrets; a value it may quote only as far
/// as the first quotation mark or backtick.
fn shown(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    let what = text.lines().next().unwrap_or_default();
    match what.contains("unknown field") || what.contains("missing field") {
        true => what.to_owned(),
        false => {
            let end = what.find(['"', '\'', '`']).unwrap_or(what.len());
            what[..end].trim_end().to_owned()
        }
    }
}
