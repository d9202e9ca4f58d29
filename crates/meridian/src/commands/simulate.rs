//! `meridian simulate`: many regions in virtual time, broken on purpose and
//! judged. One seed is one run, bit for bit.

mod shrink;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use meridian_report::Run;
use meridian_scenario::Numbers;
use meridian_sim::{Batch, Plan, Report};
use serde_json::{Value, json};

use crate::cli::OutputFormat;
use crate::console::{Console, good};
use crate::failure::advice;
use crate::report_files;
use crate::span;
use crate::table::Table;
use crate::verdict::{causes, counted, promises, timings};

#[derive(Args)]
pub struct SimulateArgs {
    /// Run this one seed
    #[arg(long, value_name = "N", conflicts_with_all = ["seeds", "first_seed"])]
    seed: Option<u64>,
    /// Run so many seeds
    #[arg(long, value_name = "K", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// The first of them
    #[arg(long, value_name = "N", default_value_t = 0)]
    first_seed: u64,
    /// Operations of clients in each run
    #[arg(long, value_name = "N", default_value_t = 200)]
    operations: usize,
    /// Print everything that happens in the run of one seed
    #[arg(long, requires = "seed", conflicts_with = "seeds")]
    trace: bool,
    /// Leave out faults and operations of a run that breaks a promise, as long
    /// as it still does, and print what is left
    #[arg(long, requires = "seed", conflicts_with_all = ["trace", "history"])]
    shrink: bool,
    /// With `--shrink`: write what is left as a scenario, for `scenario run`
    #[arg(long, value_name = "FILE", requires = "shrink")]
    scenario: Option<PathBuf>,
    /// Leave out faults of the run of one seed, by number, such as 0-4,7
    #[arg(long, value_name = "LIST", default_value = "", requires = "seed")]
    skip_faults: Numbers,
    /// Leave out operations of the run of one seed, by number
    #[arg(long, value_name = "LIST", default_value = "", requires = "seed")]
    skip_operations: Numbers,
    /// Write the history of the run of one seed to this file, for `judge`
    #[arg(long, value_name = "FILE", requires = "seed", conflicts_with = "seeds")]
    history: Option<PathBuf>,
    /// Write a report of the run of one seed, or of the first that breaks a
    /// promise, into this directory: HTML, JSON and JUnit XML
    #[arg(long, value_name = "DIR", conflicts_with = "shrink")]
    report: Option<PathBuf>,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub output: OutputFormat,
}

impl SimulateArgs {
    fn plan(&self, seed: u64) -> anyhow::Result<Plan> {
        Ok(Plan {
            operations: self.operations,
            trace: self.trace,
            history: self.history.is_some() || self.report.is_some() && self.seed.is_some(),
            skip_faults: self.skip_faults.0.clone(),
            skip_operations: self.skip_operations.0.clone(),
            ..Plan::new(seed)
        })
    }
}

/// The command that runs this again.
fn replay(plan: &Plan) -> String {
    let mut line = format!("meridian simulate --seed {}", plan.seed);
    if plan.operations != Plan::new(plan.seed).operations {
        line += &format!(" --operations {}", plan.operations);
    }
    if !plan.skip_faults.is_empty() {
        line += &format!(" --skip-faults {}", Numbers(plan.skip_faults.clone()));
    }
    if !plan.skip_operations.is_empty() {
        let numbers = Numbers(plan.skip_operations.clone());
        line += &format!(" --skip-operations {numbers}");
    }
    line
}

pub fn run(args: &SimulateArgs) -> anyhow::Result<()> {
    let console = Console::new(args.output);
    match args.seed {
        Some(seed) if args.shrink => shrink::run(args, console, seed),
        Some(seed) => one(args, console, seed),
        None => many(args, console),
    }
}

fn one(args: &SimulateArgs, console: Console, seed: u64) -> anyhow::Result<()> {
    let plan = args.plan(seed)?;
    let report = with_causes(&plan, meridian_sim::run(&plan));
    for line in &report.trace {
        console.say(line);
    }
    let span = span::show(Duration::from_millis(report.virtual_ms.unsigned_abs()));
    console.say(format!(
        "seed {seed}: {} regions, {} faults, {} events in {span} of virtual time",
        report.regions, report.faults, report.events
    ));
    let mut batch = Batch::default();
    batch.add(&report);
    if let Some(path) = &args.history {
        std::fs::write(path, report.history.write())
            .with_context(|| format!("writing the history to {}", path.display()))?;
    }
    console.table(&promises(counted(&batch.looked), &batch.broken));
    console.say("");
    console.table(&timings(&batch.timings));
    write_report(args, console, &plan, &report)?;
    console.say(format!("digest {}", report.digest));
    console.document(&json!({
        "seed": seed,
        "digest": report.digest,
        "regions": report.regions,
        "faults": report.faults,
        "events": report.events,
        "virtual_ms": report.virtual_ms,
        "looked": report.verdict.looked,
        "timings": report.verdict.timings,
        "violation": report.verdict.violation,
        "trace": report.trace,
    }));
    refuse(console, &plan, &report)
}

/// Writes the report, if one is wanted.
fn write_report(
    args: &SimulateArgs,
    console: Console,
    plan: &Plan,
    report: &Report,
) -> anyhow::Result<()> {
    let Some(directory) = &args.report else {
        return Ok(());
    };
    let run = Run {
        name: &format!("seed {}", report.seed),
        replay: Some(&replay(plan)),
        digest: Some(&report.digest),
        history: &report.history,
        verdict: &report.verdict,
    };
    report_files::write(console, directory, &run)
}

/// A violation has causes where the history is at hand: a run that broke a
/// promise without is run again, and comes to the same.
fn with_causes(plan: &Plan, report: Report) -> Report {
    if report.verdict.violation.is_none() || plan.history {
        return report;
    }
    let history = true;
    meridian_sim::run(&Plan {
        history,
        ..plan.clone()
    })
}

fn many(args: &SimulateArgs, console: Console) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut batch = Batch::default();
    let mut broken = None;
    for seed in args.first_seed..args.first_seed.saturating_add(args.seeds) {
        let plan = args.plan(seed)?;
        let report = meridian_sim::run(&plan);
        batch.add(&report);
        if report.verdict.violation.is_some() {
            broken = Some(with_causes(&plan, report));
            break;
        }
    }
    let took = began.elapsed().as_secs_f64().max(0.001);
    console.table(&promises(counted(&batch.looked), &batch.broken));
    console.say("");
    console.table(&timings(&batch.timings));
    console.say("");
    console.table(&faults(&batch));
    console.say("");
    console.table(&operations(&batch));
    console.say("");
    let per_second = batch.runs as f64 / took;
    let faster = batch.virtual_ms as f64 / 1000.0 / took;
    console.say(format!(
        "{} seeds in {took:.1} s: {per_second:.0} seeds a second, {faster:.0} s of virtual time a second",
        batch.runs
    ));
    console.say(format!("digest {}", batch.digest()));
    console.document(&document(&batch, per_second, faster, broken.as_ref()));
    if let Some(report) = broken {
        let plan = args.plan(report.seed)?;
        write_report(args, console, &plan, &report)?;
        return refuse(console, &plan, &report);
    }
    let unlooked = batch.never_looked();
    // A few seeds need not give every promise an occasion.
    anyhow::ensure!(
        batch.runs < 100 || unlooked.is_empty(),
        "never looked at in {} seeds: {}",
        batch.runs,
        unlooked.join(", ")
    );
    console.say(good("every promise was kept"));
    Ok(())
}

/// Fails with the line that replays a run in which a promise was broken.
fn refuse(console: Console, plan: &Plan, report: &Report) -> anyhow::Result<()> {
    match &report.verdict.violation {
        None => Ok(()),
        Some(violation) => {
            causes(console, violation);
            Err(advice(
                format!(
                    "seed {} breaks {} after {} ms: {}",
                    report.seed, violation.promise, violation.at_ms, violation.what
                ),
                format!("replay it with `{}`", replay(plan)),
            ))
        }
    }
}

fn faults(batch: &Batch) -> Table {
    let mut table = Table::new(["FAULT", "BEGAN", "STRUCK"]);
    for (name, began, struck) in batch.coverage.faults() {
        table.row([name.to_owned(), began.to_string(), struck.to_string()]);
    }
    table
}

fn operations(batch: &Batch) -> Table {
    let mut table = Table::new(["OPERATION", "OK", "FAILED", "UNKNOWN", "FAULTS IT MET"]);
    for (operation, ends) in &batch.coverage.ends {
        let met = batch.coverage.kinds_met(*operation);
        table.row([
            operation.name().to_owned(),
            ends.ok.to_string(),
            ends.failed.to_string(),
            ends.unknown.to_string(),
            met.to_string(),
        ]);
    }
    table
}

fn document(batch: &Batch, per_second: f64, faster: f64, broken: Option<&Report>) -> Value {
    let faults: Vec<Value> = batch
        .coverage
        .faults()
        .map(|(name, began, struck)| json!({"fault": name, "began": began, "struck": struck}))
        .collect();
    let operations: Vec<Value> = batch
        .coverage
        .ends
        .iter()
        .map(|(operation, ends)| {
            json!({
                "operation": operation.name(),
                "ok": ends.ok,
                "failed": ends.failed,
                "unknown": ends.unknown,
                "under": batch.coverage.under(*operation),
            })
        })
        .collect();
    json!({
        "seeds": batch.runs,
        "digest": batch.digest(),
        "seeds_per_second": per_second,
        "virtual_seconds_per_second": faster,
        "looked": batch.looked,
        "timings": batch.timings,
        "faults": faults,
        "operations": operations,
        "violation": broken.map(|report| json!({
            "seed": report.seed,
            "violation": report.verdict.violation,
        })),
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::cli::{Cli, Command};

    #[test]
    fn one_seed_or_many_and_a_trace_of_one() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' ')).map(|_| ());
        assert!(parse("meridian simulate --seed 7 --trace").is_ok());
        assert!(parse("meridian simulate --seeds 7 --first-seed 3").is_ok());
        assert!(parse("meridian simulate --seed 7 --seeds 3").is_err());
        assert!(parse("meridian simulate --seeds 3 --trace").is_err());
    }

    #[test]
    fn the_replay_line_names_what_differs_from_the_default() {
        let line = "meridian simulate --seed 9 --operations 50 --skip-faults 1-3,7";
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let Command::Simulate(args) = cli.command else {
            panic!("it is the command simulate")
        };
        assert_eq!(super::replay(&args.plan(9).unwrap()), line);
    }
}
