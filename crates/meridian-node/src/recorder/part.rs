//! A part of a history: what one node saw between two of its starts, as JSON
//! lines. A cluster of many processes has no common order while it runs; each
//! line has the time of the machine's monotonic clock instead, which all
//! processes of one machine share, and which is read before anybody can act on
//! what the line says. Sorted by it, causes come before effects.
//!
//! A durable format: golden bytes are under test.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use meridian_crypto::MaterialId;
use meridian_judge::history::Seen;
use meridian_kms::RegionName;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// The version that is written.
const VERSION: u32 = 1;

/// The name that the first line begins with.
const FORMAT: &str = "meridian part";

/// The first line: whose part it is, and when it begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    format: String,
    version: u32,
    /// When the node started, on the machine's monotonic clock.
    pub began_ns: u64,
    /// The regions, in the order in which the lines count them.
    pub regions: Vec<RegionName>,
    /// The node's region.
    pub region: usize,
    /// The node's number, which counts from zero.
    pub node: usize,
}

impl Header {
    /// Of a node that starts.
    pub fn new(regions: &[RegionName], region: usize, node: usize) -> Header {
        Header {
            format: FORMAT.to_owned(),
            version: VERSION,
            began_ns: monotonic_ns(),
            regions: regions.to_vec(),
            region,
            node,
        }
    }

    /// The name of its file, which no other start has.
    pub fn file_name(&self) -> String {
        let (region, node) = (&self.regions[self.region], self.node + 1);
        format!("{region}-{node}-{:020}.jsonl", self.began_ns)
    }
}

/// Another line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When it was written, on the machine's monotonic clock.
    pub ns: u64,
    /// What it says.
    #[serde(flatten)]
    pub note: Note,
}

/// What one node knows by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "snake_case")]
pub enum Note {
    /// It stands in the history, with another time, and with the call's own
    /// number.
    Seen {
        /// What was seen.
        seen: Box<Seen>,
    },
    /// More about a call, before its invocation is seen.
    Called {
        /// The call.
        call: u64,
        /// The ID of the request.
        request: String,
        /// Who calls.
        client: String,
        /// The ciphertext that has to open, by its fingerprint.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        opens: Option<String>,
        /// The place in the log of the oldest view that may answer, if a fault
        /// has it be older than the newest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        view: Option<u64>,
    },
    /// A request brings material.
    Imports {
        /// The ID of the request.
        request: String,
        /// A number that follows from the bytes.
        bytes: u64,
    },
    /// A ciphertext is about to be given to a client.
    Made {
        /// Its fingerprint, with key and context.
        ciphertext: String,
        /// The material that made it.
        material: MaterialId,
        /// The fingerprint of what it holds, if that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
    /// This node, which leads, is about to propose what a request asks for.
    Proposes {
        /// The ID of the request.
        request: String,
        /// The fingerprint of the entry.
        entry: String,
    },
    /// It was not a leader: the entry is in no log.
    Withdraws {
        /// The ID of the request.
        request: String,
        /// The fingerprint of the entry.
        entry: String,
    },
    /// This node has applied an entry, and shows it to nobody yet.
    Committed {
        /// Its place in the log.
        index: u64,
        /// The fingerprint of the entry.
        entry: String,
        /// It changed something, or would have if it had to.
        effect: bool,
        /// Regions that are to be told something then.
        due: usize,
        /// What it changed.
        saw: Vec<Seen>,
    },
}

/// The time on the machine's monotonic clock, in nanoseconds.
fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let (seconds, rest) = (u64::try_from(now.tv_sec), u64::try_from(now.tv_nsec));
    seconds.unwrap_or_default() * 1_000_000_000 + rest.unwrap_or_default()
}

/// The first line, with its end.
pub fn header_line(header: &Header) -> String {
    text(header)
}

/// The line of a note that is taken at this moment, with its end.
pub fn note_line(note: Note) -> String {
    text(&Line {
        ns: monotonic_ns(),
        note,
    })
}

fn text(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string(value).expect("a part has nothing unrepresentable");
    text.push('\n');
    text
}

/// Reads the first line of a part.
///
/// # Errors
/// The file cannot be read, or is something else.
pub fn read_header(path: &Path) -> anyhow::Result<Header> {
    let name = path.display();
    let file = File::open(path).with_context(|| format!("reading {name}"))?;
    let mut first = String::new();
    let read = BufReader::new(file).read_line(&mut first);
    read.with_context(|| format!("reading {name}"))?;
    let header: Header = serde_json::from_str(&first)
        .with_context(|| format!("{name} is not a part of a history"))?;
    anyhow::ensure!(
        header.format == FORMAT && header.version == VERSION,
        "{name} is not a part of a history of version {VERSION}"
    );
    let known = header.regions.len();
    anyhow::ensure!(header.region < known, "{name} is of an unknown region");
    Ok(header)
}

/// The lines of a part after its first. The last one is left out if its writer
/// was killed meanwhile.
pub struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    number: usize,
}

impl Lines {
    /// Opens a part.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(path: &Path) -> anyhow::Result<Lines> {
        let file = File::open(path).with_context(|| format!("reading {}", path.display()))?;
        let mut lines = Lines {
            path: path.to_owned(),
            reader: BufReader::new(file),
            number: 0,
        };
        lines.text()?;
        Ok(lines)
    }

    fn text(&mut self) -> anyhow::Result<Option<String>> {
        let mut text = String::new();
        self.number += 1;
        let read = self.reader.read_line(&mut text);
        read.with_context(|| format!("reading {}", self.path.display()))?;
        Ok(text.ends_with('\n').then_some(text))
    }

    /// The next line.
    ///
    /// # Errors
    /// It cannot be read, or says nothing.
    pub fn next(&mut self) -> anyhow::Result<Option<Line>> {
        let Some(text) = self.text()? else {
            return Ok(None);
        };
        let line = serde_json::from_str(&text);
        let line = line.with_context(|| format!("line {} of {}", self.number, self.path.display()));
        line.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &str = include_str!("../../tests/golden/part_v1.jsonl");

    #[test]
    fn parts_are_read_and_written_as_ever() {
        let (first, rest) = GOLDEN.split_once('\n').unwrap();
        let header: Header = serde_json::from_str(first).unwrap();
        let mut written = header_line(&header);
        for line in rest.lines() {
            let line: Line = serde_json::from_str(line).unwrap();
            written += &text(&line);
        }
        assert_eq!(written, GOLDEN);
        assert_eq!(header.file_name(), "us-east-1-3-00000000000000000005.jsonl");
    }
}
