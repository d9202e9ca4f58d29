//! A history as a file: JSON lines, the first of which names the format, its
//! version and the regions. A durable format: golden bytes are under test. A
//! type of line may be added without a new version, because every older file
//! still reads as it did.

use meridian_kms::RegionName;
use serde::{Deserialize, Serialize};

use crate::history::Seen;
use crate::{Judge, Verdict};

/// The version that is written.
pub const VERSION: u32 = 1;

/// The name that the first line begins with.
const FORMAT: &str = "meridian history";

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Header {
    format: String,
    version: u32,
    regions: Vec<RegionName>,
}

/// What was seen in which regions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The regions, in the order in which the lines count them.
    pub regions: Vec<RegionName>,
    /// Everything that was seen, in order.
    pub seen: Vec<Seen>,
}

/// Why a file is no history.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The first line is missing or something else.
    #[error("not a history: its first line does not name the format")]
    NoHeader,
    /// Written by a later release.
    #[error("history version {0} is not known; this release reads version {VERSION}")]
    Version(u32),
    /// A line that says nothing.
    #[error("line {line} of the history: {error}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What the parser says.
        error: serde_json::Error,
    },
    /// A line about a region that the first line does not have.
    #[error("line {line} of the history is about a region that its first line does not name")]
    Region {
        /// Counted from 1.
        line: usize,
    },
}

impl History {
    /// The text of the file.
    pub fn write(&self) -> String {
        let mut text = header(&self.regions);
        for seen in &self.seen {
            text += &line(seen);
        }
        text
    }

    /// Reads what [`History::write`] wrote, or the part of it that was written
    /// before the writer was killed: a last line without its end is left out.
    ///
    /// # Errors
    /// [`HistoryError`], with the line where it is one line's fault.
    pub fn read(text: &str) -> Result<History, HistoryError> {
        let is_torn = !text.ends_with('\n');
        let mut lines = text.lines().enumerate().peekable();
        let (_, first) = lines.next().ok_or(HistoryError::NoHeader)?;
        let value: serde_json::Value =
            serde_json::from_str(first).map_err(|_| HistoryError::NoHeader)?;
        if value["format"] != FORMAT {
            return Err(HistoryError::NoHeader);
        }
        let version = value["version"].as_u64().unwrap_or_default();
        if version != u64::from(VERSION) {
            return Err(HistoryError::Version(
                u32::try_from(version).unwrap_or(u32::MAX),
            ));
        }
        let header: Header = serde_json::from_value(value).map_err(|_| HistoryError::NoHeader)?;
        let known = header.regions.len();
        let mut seen = Vec::new();
        while let Some((index, text)) = lines.next() {
            let line = index + 1;
            let it: Seen = match serde_json::from_str(text) {
                Ok(it) => it,
                Err(_) if is_torn && lines.peek().is_none() => break,
                Err(error) => return Err(HistoryError::Line { line, error }),
            };
            if it.regions().any(|region| region >= known) {
                return Err(HistoryError::Region { line });
            }
            seen.push(it);
        }
        Ok(History {
            regions: header.regions,
            seen,
        })
    }

    /// Judges it.
    pub fn judge(&self) -> Verdict {
        let mut judge = Judge::new(self.regions.clone());
        for (index, seen) in self.seen.iter().enumerate() {
            judge.see(seen);
            if judge.has_objected() {
                judge.find_causes(&self.seen[..=index]);
                break;
            }
        }
        judge.close().0
    }
}

/// The first line of a history of these regions, with its end.
pub fn header(regions: &[RegionName]) -> String {
    line(&Header {
        format: FORMAT.into(),
        version: VERSION,
        regions: regions.to_vec(),
    })
}

/// The line of one thing that was seen, with its end.
pub fn seen_line(seen: &Seen) -> String {
    line(seen)
}

fn line(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string(value).expect("a history has no unrepresentable part");
    text.push('\n');
    text
}
