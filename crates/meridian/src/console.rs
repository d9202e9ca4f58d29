//! What a command tells its user: progress as it happens, then one answer.
//!
//! With `--output json` standard output holds JSON and nothing else, so
//! progress is left out.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use crate::cli::OutputFormat;
use crate::table::Table;

/// Standard output in the format that was asked for. Colours are left out by
/// themselves when nobody sees them.
#[derive(Clone, Copy)]
pub struct Console {
    format: OutputFormat,
}

impl Console {
    pub fn new(format: OutputFormat) -> Self {
        Self { format }
    }

    /// Whether a program reads the answer.
    pub fn is_json(self) -> bool {
        self.format == OutputFormat::Json
    }

    /// A line for people.
    pub fn say(self, line: impl AsRef<str>) {
        if !self.is_json() {
            print(line.as_ref());
        }
    }

    /// A table for people.
    pub fn table(self, table: &Table) {
        let mut lines = table.lines().into_iter();
        if let Some(headings) = lines.next() {
            self.say(dim(&headings));
        }
        lines.for_each(|line| self.say(line));
    }

    /// The answer for programs.
    pub fn document(self, document: &Value) {
        if self.is_json() {
            print(&format!("{document:#}"));
        }
    }

    /// One of several documents for programs, on a line of its own.
    pub fn event(self, document: &Value) {
        if self.is_json() {
            print(&document.to_string());
        }
    }
}

fn print(line: &str) {
    // Nobody is left to be told when the reader of a pipe went away.
    let _ = writeln!(anstream::stdout(), "{line}");
}

/// The text in bold.
pub fn bold(text: &str) -> String {
    styled(Style::new().bold(), text)
}

/// The text, less prominent than its surroundings.
pub fn dim(text: &str) -> String {
    styled(Style::new().dimmed(), text)
}

/// The text in the colour of success.
pub fn good(text: &str) -> String {
    styled(AnsiColor::Green.on_default(), text)
}

/// The text in the colour of failure.
pub fn bad(text: &str) -> String {
    styled(AnsiColor::Red.on_default().bold(), text)
}

fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}
