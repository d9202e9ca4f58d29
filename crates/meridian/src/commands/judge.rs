//! `meridian judge`: the verdict on a history that was kept.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use meridian_judge::History;
use meridian_judge::history::Seen;
use meridian_node::merge_parts;
use meridian_report::Run;
use serde_json::json;

use crate::cli::OutputFormat;
use crate::console::Console;
use crate::report_files;
use crate::verdict::{causes, conclude, counted, promises, timings};

#[derive(Args)]
pub struct JudgeArgs {
    /// The history, as `up --record` and `simulate --history` write it, or the
    /// `record_dir` of nodes on this machine
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write a report into this directory: HTML, JSON and JUnit XML
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub output: OutputFormat,
}

pub fn run(args: &JudgeArgs) -> anyhow::Result<()> {
    let console = Console::new(args.output);
    let name = args.file.display();
    let history = match args.file.is_dir() {
        true => merge_parts(&args.file)?,
        false => read(&args.file)?,
    };
    let verdict = history.judge();
    let broken = verdict.violation.iter().map(|it| it.promise).collect();
    console.table(&promises(counted(&verdict.looked), &broken));
    console.say("");
    console.table(&timings(&verdict.timings));
    console.say("");
    if let Some(directory) = &args.report {
        let run = Run {
            name: &name.to_string(),
            replay: Some(&format!("meridian judge {name}")),
            digest: None,
            history: &history,
            verdict: &verdict,
        };
        report_files::write(console, directory, &run)?;
    }
    console.document(&json!({
        "seen": history.seen.len(),
        "calls": calls(&history),
        "faults": faults(&history),
        "looked": verdict.looked,
        "timings": verdict.timings,
        "violation": verdict.violation,
    }));
    let violation = verdict.violation.as_ref();
    violation.iter().for_each(|it| causes(console, it));
    conclude(
        console,
        violation.map(|it| (it.promise, it.at_ms, it.what.as_str())),
    )
}

/// How calls ended, and how often.
fn calls(history: &History) -> BTreeMap<&'static str, u64> {
    let mut calls = BTreeMap::new();
    for seen in &history.seen {
        let ended = match seen {
            Seen::Ok(_) => "ok",
            Seen::Fail { .. } => "fail",
            Seen::Unknown { .. } => "unknown",
            _ => continue,
        };
        *calls.entry(ended).or_default() += 1;
    }
    calls
}

/// How often each kind of fault began.
fn faults(history: &History) -> BTreeMap<&str, u64> {
    let mut faults = BTreeMap::new();
    for seen in &history.seen {
        if let Seen::FaultBegan { kind, .. } = seen {
            *faults.entry(kind.as_str()).or_default() += 1;
        }
    }
    faults
}

fn read(file: &Path) -> anyhow::Result<History> {
    let name = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {name}"))?;
    History::read(&text).with_context(|| format!("reading {name}"))
}
