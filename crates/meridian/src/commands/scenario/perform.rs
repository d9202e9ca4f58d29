//! Performs a scenario, from a file or from the library.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use meridian_scenario::{Outcome, Scenario};
use meridian_sim::scenario::{Wanted, perform};
use serde_json::{Value, json};

use super::show;
use crate::cli::OutputFormat;
use crate::console::Console;
use crate::failure::advice;
use crate::live::LiveArgs;

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
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub output: OutputFormat,
}

/// Performs it; `line` is the command that does so, without its flags.
pub async fn run(scenario: &Scenario, args: &PerformArgs, line: &str) -> anyhow::Result<()> {
    let console = Console::new(args.output);
    let (outcome, trace) = match args.simulate {
        true => simulate(console, scenario, args)?,
        false => (live(console, scenario, args).await?, Vec::new()),
    };
    show::print(console, &outcome);
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
    let again = match args.simulate {
        true => format!("{line} --simulate --seed {}", outcome.seed),
        false => line.to_owned(),
    };
    Err(advice(what, format!("again: `meridian {again}`")))
}

fn simulate(
    console: Console,
    scenario: &Scenario,
    args: &PerformArgs,
) -> anyhow::Result<(Outcome, Vec<String>)> {
    let wanted = Wanted {
        seed: args.seed,
        trace: args.trace,
        history: args.history.is_some(),
    };
    let performed = perform(scenario, &wanted)?;
    for line in &performed.trace {
        console.say(line);
    }
    if let Some(path) = &args.history {
        std::fs::write(path, performed.history.write())
            .with_context(|| format!("writing the history to {}", path.display()))?;
    }
    Ok((performed.outcome, performed.trace))
}

async fn live(
    console: Console,
    scenario: &Scenario,
    args: &PerformArgs,
) -> anyhow::Result<Outcome> {
    anyhow::ensure!(
        scenario.drawn.is_none(),
        "a run that is drawn from a seed is performed in virtual time only: add --simulate"
    );
    let folder = tempfile::tempdir().context("a folder for the history")?;
    let own = folder.path().join("history.jsonl");
    let history = args.history.as_deref().unwrap_or(&own);
    crate::live::perform(console, scenario, &args.live, history).await
}
