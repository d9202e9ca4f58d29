//! `meridian scenario`: timed stories from files, checked and performed.

mod check;
pub mod perform;
mod show;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use meridian_scenario::Scenario;

use crate::cli::OutputFormat;
use crate::failure::advice;

#[derive(Args)]
pub struct ScenarioArgs {
    #[command(subcommand)]
    command: ScenarioCommand,
}

#[derive(Subcommand)]
enum ScenarioCommand {
    /// Name every mistake in scenario files, with line and column
    Check(check::CheckArgs),
    /// Perform a scenario, judge what happened, and compare it with what the
    /// scenario expects
    Run(RunArgs),
    /// Print the JSON Schema of scenario files, for editors
    Schema,
}

#[derive(Args)]
struct RunArgs {
    /// The scenario
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    how: perform::PerformArgs,
}

impl ScenarioArgs {
    /// What its user wants to read.
    pub fn output(&self) -> OutputFormat {
        match &self.command {
            ScenarioCommand::Check(args) => args.output,
            ScenarioCommand::Run(args) => args.how.output,
            ScenarioCommand::Schema => OutputFormat::Table,
        }
    }
}

pub async fn run(args: &ScenarioArgs) -> anyhow::Result<()> {
    match &args.command {
        ScenarioCommand::Check(args) => check::run(args),
        ScenarioCommand::Run(args) => {
            let scenario = read(&args.file)?;
            let file = args.file.display();
            perform::run(&scenario, &args.how, &format!("scenario run {file}")).await
        }
        ScenarioCommand::Schema => {
            print!("{}", meridian_scenario::schema::text());
            Ok(())
        }
    }
}

/// Reads a file that must be right.
fn read(path: &Path) -> anyhow::Result<Scenario> {
    let name = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {name}"))?;
    meridian_scenario::read(&text).map_err(|mistakes| {
        let lines: Vec<String> = mistakes.iter().map(|it| format!("{name}:{it}")).collect();
        advice(
            lines.join("\n"),
            "`meridian scenario schema` prints what a scenario can say",
        )
    })
}
