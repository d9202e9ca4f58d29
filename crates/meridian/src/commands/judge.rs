//! `meridian judge`: the verdict on a history that was kept.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use meridian_judge::History;
use serde_json::json;

use crate::cli::OutputFormat;
use crate::console::{Console, good};
use crate::verdict::{causes, counted, promises, timings};

#[derive(Args)]
pub struct JudgeArgs {
    /// The history, as `up --record` and `simulate --history` write it
    #[arg(value_name = "FILE")]
    file: PathBuf,
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
    console.document(&json!({
        "seen": history.seen.len(),
        "looked": verdict.looked,
        "timings": verdict.timings,
        "violation": verdict.violation,
    }));
    match verdict.violation {
        Some(it) => {
            causes(console, &it);
            anyhow::bail!(
                "{} is broken after {} ms: {}",
                it.promise,
                it.at_ms,
                it.what
            )
        }
        None => {
            console.say(good("every promise that was looked at was kept"));
            Ok(())
        }
    }
}
