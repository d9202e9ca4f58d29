//! Performs a scenario, from a file or from the library.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use meridian_judge::{History, Verdict};
use meridian_report::Run;
use meridian_scenario::Scenario;
use meridian_sim::scenario::{Performed, Wanted, perform};
use serde_json::{Value, json};

use super::show;
use crate::cli::OutputFormat;
use crate::console::Console;
use crate::failure::advice;
use crate::live::LiveArgs;
use crate::report_files;

#[derive(Args)]
pub struct PerformArgs {
    /// In virtual time, instead of on a cluster of its own in real time
    #[arg(long)]
    simulate: bool,
    #[command(flatten)]
    live: LiveArgs,
    /// Another seed than the scenario's
    #[arg(long, value_name = "N", requires = "simulate")]
    seed: Option<u64>,
    /// Print everything that happens
    #[arg(long, requires = "simulate")]
    trace: bool,
    /// Write the history to this file, for `judge`
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// Write a report into this directory: HTML, JSON and JUnit XML
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub output: OutputFormat,
}

/// Performs it; `line` is the command that does so, without its flags.
pub async fn run(scenario: &Scenario, args: &PerformArgs, line: &str) -> anyhow::Result<()> {
    let console = Console::new(args.output);
    let Performed {
        outcome,
        trace,
        history,
    } = match args.simulate {
        true => simulate(console, scenario, args)?,
        false => live(console, scenario, args).await?,
    };
    show::print(console, &outcome);
    let again = match args.simulate {
        true => format!("meridian {line} --simulate --seed {}", outcome.seed),
        false => format!("meridian {line}"),
    };
    if let Some(directory) = &args.report {
        let run = Run {
            name: &outcome.name,
            replay: Some(&again),
            digest: outcome.digest.as_deref(),
            history: &history,
            verdict: &Verdict {
                violation: outcome.violation.clone(),
                looked: outcome.looked.clone(),
                timings: outcome.timings.clone(),
            },
        };
        report_files::write(console, directory, &run)?;
    }
    let mut document = serde_json::to_value(&outcome).context("an outcome is JSON")?;
    if args.trace {
        document["trace"] = Value::from(trace);
    }
    document["met"] = json!(outcome.is_met());
    console.document(&document);
    if outcome.is_met() {
        return Ok(());
    }
    let what = format!(
        "{} was not as expected: {}",
        outcome.name,
        outcome.unmet.join("; ")
    );
    Err(advice(what, format!("again: `{again}`")))
}

fn simulate(
    console: Console,
    scenario: &Scenario,
    args: &PerformArgs,
) -> anyhow::Result<Performed> {
    let wanted = Wanted {
        seed: args.seed,
        trace: args.trace,
        history: args.history.is_some() || args.report.is_some(),
    };
    let performed = perform(scenario, &wanted)?;
    for line in &performed.trace {
        console.say(line);
    }
    if let Some(path) = &args.history {
        std::fs::write(path, performed.history.write())
            .with_context(|| format!("writing the history to {}", path.display()))?;
    }
    Ok(performed)
}

async fn live(
    console: Console,
    scenario: &Scenario,
    args: &PerformArgs,
) -> anyhow::Result<Performed> {
    anyhow::ensure!(
        scenario.drawn.is_none(),
        "a run that is drawn from a seed is performed in virtual time only: add --simulate"
    );
    let folder = tempfile::tempdir().context("a folder for the history")?;
    let own = folder.path().join("history.jsonl");
    let file = args.history.as_deref().unwrap_or(&own);
    let outcome = crate::live::perform(console, scenario, &args.live, file).await?;
    let history = std::fs::read_to_string(file).context("reading the history")?;
    Ok(Performed {
        outcome,
        trace: Vec::new(),
        history: History::read(&history).context("reading the history")?,
    })
}
