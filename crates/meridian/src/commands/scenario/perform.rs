//! Performs a scenario, from a file or from the library.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use meridian_scenario::Scenario;
use meridian_sim::scenario::{Wanted, perform};
use serde_json::{Value, json};

use super::show;
use crate::cli::OutputFormat;
use crate::console::Console;
use crate::failure::advice;

#[derive(Args)]
pub struct PerformArgs {
    /// In virtual time, in this process
    #[arg(long)]
    simulate: bool,
    /// Another seed than the scenario's
    #[arg(long, value_name = "N", requires = "simulate")]
    seed: Option<u64>,
    /// Print everything that happens
    #[arg(long, requires = "simulate")]
    trace: bool,
    /// Write the history to this file, for `judge`
    #[arg(long, value_name = "FILE", requires = "simulate")]
    history: Option<PathBuf>,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub output: OutputFormat,
}

/// Performs it; `line` is the command that does so, without its flags.
pub fn run(scenario: &Scenario, args: &PerformArgs, line: &str) -> anyhow::Result<()> {
    if !args.simulate {
        return Err(advice(
            "scenarios are performed in virtual time only",
            format!("`meridian {line} --simulate`"),
        ));
    }
    let console = Console::new(args.output);
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
    let outcome = &performed.outcome;
    show::print(console, outcome);
    let mut document = serde_json::to_value(outcome).context("an outcome is JSON")?;
    if args.trace {
        document["trace"] = Value::from(performed.trace);
    }
    document["met"] = json!(outcome.is_met());
    console.document(&document);
    if outcome.is_met() {
        return Ok(());
    }
    Err(advice(
        format!(
            "{} was not as expected: {}",
            outcome.name,
            outcome.unmet.join("; ")
        ),
        format!(
            "again: `meridian {line} --simulate --seed {}`",
            outcome.seed
        ),
    ))
}
