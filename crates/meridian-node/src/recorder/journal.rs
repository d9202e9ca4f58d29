//! The file of a history, or of a node's part of one: each line is written at once, so that a kill loses no
//! more than a part of the last one.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use meridian_judge::history::Seen;
use meridian_judge::record::{header, seen_line};
use meridian_kms::RegionName;

use crate::recorder::part::{Header, Note, header_line, note_line};

/// A history while it is written.
pub struct Journal {
    file: File,
    path: PathBuf,
    began: Instant,
    bytes: u64,
    /// One node writes what it knows, to be put together with what others write.
    is_part: bool,
    /// Why the rest is missing.
    broken: Option<String>,
}

/// The part of a file that has been written.
pub struct Written {
    path: PathBuf,
    bytes: u64,
}

impl Journal {
    /// Begins a file.
    ///
    /// # Errors
    /// It cannot be written, or holds something.
    pub fn create(path: &Path, regions: &[RegionName]) -> std::io::Result<Journal> {
        Journal::begin(path, &header(regions), false)
    }

    /// Begins a part in a file of its own in a directory.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn create_part(directory: &Path, header: &Header) -> std::io::Result<Journal> {
        std::fs::create_dir_all(directory)?;
        let path = directory.join(header.file_name());
        Journal::begin(&path, &header_line(header), true)
    }

    fn begin(path: &Path, first: &str, is_part: bool) -> std::io::Result<Journal> {
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        if file.metadata()?.len() > 0 {
            let why = "there is a history already: move it away, or name another file";
            return Err(std::io::Error::new(ErrorKind::AlreadyExists, why));
        }
        file.write_all(first.as_bytes())?;
        Ok(Journal {
            file,
            path: path.to_owned(),
            began: Instant::now(),
            bytes: first.len() as u64,
            is_part,
            broken: None,
        })
    }

    /// Is it one node's part of a history?
    pub fn is_part(&self) -> bool {
        self.is_part
    }

    /// Milliseconds since it began.
    pub fn now_ms(&self) -> i64 {
        i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// One more thing was seen.
    pub fn write(&mut self, seen: &Seen) {
        let line = match self.is_part {
            true => note_line(Note::Seen {
                seen: Box::new(seen.clone()),
            }),
            false => seen_line(seen),
        };
        self.append(&line);
    }

    /// What only a part has to say.
    pub fn note(&mut self, note: Note) {
        debug_assert!(self.is_part, "a history has no notes");
        self.append(&note_line(note));
    }

    /// After a failure nothing more is written: a history with a hole would
    /// accuse the innocent.
    fn append(&mut self, line: &str) {
        if self.broken.is_some() {
            return;
        }
        match self.file.write_all(line.as_bytes()) {
            Ok(()) => self.bytes += line.len() as u64,
            Err(error) => {
                let file = self.path.display();
                tracing::error!(%file, %error, "the history ends here: it cannot be written");
                self.broken = Some(error.to_string());
            }
        }
    }

    /// What was written so far.
    ///
    /// # Errors
    /// It is not everything that was seen.
    pub fn written(&self) -> anyhow::Result<Written> {
        if let Some(why) = &self.broken {
            anyhow::bail!("{} is incomplete: {why}", self.path.display());
        }
        Ok(Written {
            path: self.path.clone(),
            bytes: self.bytes,
        })
    }
}

impl Written {
    /// The text.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn text(&self) -> anyhow::Result<String> {
        let name = self.path.display();
        let file = File::open(&self.path).with_context(|| format!("reading {name}"))?;
        let mut text = String::new();
        file.take(self.bytes)
            .read_to_string(&mut text)
            .with_context(|| format!("reading {name}"))?;
        Ok(text)
    }
}
