//! `meridian judge`: the verdict on a history that was kept.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use meridian_judge::History;
use meridian_report::Run;
use serde_json::json;

use crate::cli::OutputFormat;
use crate::console::Console;
use crate::report_files;
use crate::verdict::{causes, conclude, counted, promises, timings};

#[derive(Args)]
pub struct JudgeArgs {
    /// The history, as `up --record` and `simulate --history` write it
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
    let text = std::fs::read_to_string(&args.file).with_context(|| format!("reading {name}"))?;
    let history = History::read(&text).with_context(|| format!("reading {name}"))?;
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
