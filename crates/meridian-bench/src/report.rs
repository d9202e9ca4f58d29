//! The table that the benchmarks print, row by row.

use std::fmt;

/// What a ratio has to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

impl Target {
    fn is_met(self, ratio: f64) -> bool {
        match self {
            Target::AtLeast(least) => ratio >= least,
            Target::AtMost(most) => ratio <= most,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::AtLeast(least) => write!(f, ">= {least:.2}"),
            Target::AtMost(most) => write!(f, "<= {most:.2}"),
        }
    }
}

/// One line of the table.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// What was measured.
    pub case: String,
    /// What came out.
    pub figure: String,
    /// What it is set against; empty for a figure that stands alone.
    pub against: String,
    /// The first in terms of the second.
    pub ratio: Option<f64>,
    /// What that has to be.
    pub target: Option<Target>,
}

/// Everything measured so far.
#[derive(Default)]
pub struct Report {
    met: u32,
    missed: Vec<String>,
    skipped: Vec<String>,
    title: &'static str,
}

impl Report {
    /// Begins a benchmark.
    pub fn begin(&mut self, title: &'static str) {
        self.title = title;
        println!("\n{title}");
        println!(
            "  {:<38} {:>30} {:>34} {:>7} {:>8}",
            "", "figure", "against", "ratio", "target"
        );
    }

    /// Prints a row.
    pub fn row(&mut self, row: Row) {
        let ratio = row
            .ratio
            .map_or(String::new(), |ratio| format!("{ratio:.2}"));
        let target = row
            .target
            .map_or(String::new(), |target| target.to_string());
        let verdict = match (row.ratio, row.target) {
            (Some(ratio), Some(target)) if target.is_met(ratio) => {
                self.met += 1;
                "  pass"
            }
            (Some(_), Some(_)) => {
                self.missed.push(format!(
                    "{}: {}: {ratio}, target {target}",
                    self.title, row.case
                ));
                "  FAIL"
            }
            _ => "",
        };
        let line = format!(
            "  {:<38} {:>30} {:>34} {:>7} {:>8}{verdict}",
            row.case, row.figure, row.against, ratio, target
        );
        println!("{}", line.trim_end());
    }

    /// Says that something was not measured, and how it could be.
    pub fn skip(&mut self, what: &str, how: &str) {
        println!("  SKIPPED {what}: {how}");
        self.skipped.push(what.to_owned());
    }

    /// Prints how many targets were met.
    pub fn finish(&self) {
        println!("\n{} targets met, {} missed", self.met, self.missed.len());
        for missed in &self.missed {
            println!("  missed: {missed}");
        }
        for skipped in &self.skipped {
            println!("  skipped: {skipped}");
        }
    }
}
