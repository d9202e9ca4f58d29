//! `meridian judge`: the verdict on a history that was kept.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use meridian_judge::History;
use serde_json::json;

use crate::cli::OutputFormat;
use crate::commands::simulate::{counted, promises};
use crate::console::{Console, good};

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
    let (violation, looked) = history.judge();
    let broken = violation.iter().map(|it| it.promise).collect();
    console.table(&promises(counted(&looked), &broken));
    console.document(&json!({
        "seen": history.seen.len(),
        "looked": looked,
        "violation": violation,
    }));
    match violation {
        Some(it) => anyhow::bail!(
            "{} is broken after {} ms: {}",
            it.promise,
            it.at_ms,
            it.what
        ),
        None => {
            console.say(good("every promise that was looked at was kept"));
            Ok(())
        }
    }
}
