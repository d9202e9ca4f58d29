//! The benchmarks of Meridian: figures, and ratios that hold on any machine.
//!
//!     cargo run --release -p meridian-bench              # all of them
//!     cargo run --release -p meridian-bench -- create-alias start
//!
//! Absolute figures say more about the machine than about the program, so each
//! one is set beside something measured in the same run: the two take turns,
//! round by round, and the ratio is the median of the rounds' ratios. Servers
//! are processes of their own (this binary again, see [`serve`]), so that what
//! a request costs them can be read from the system. A missed target is
//! printed and is no failure: speed is no test.

mod benchmarks;
mod etcd;
mod grpc;
mod http1;
mod kms;
mod load;
mod null;
mod process;
mod report;
mod serve;
mod server;
mod signed;

use std::time::Duration;

use clap::Parser;

use crate::benchmarks::Benchmark;
use crate::report::Report;
use crate::serve::Serve;

#[derive(Parser)]
#[command(about, version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    serve: Option<Serve>,
    /// What to measure; everything when left out
    #[arg(value_enum)]
    names: Vec<Benchmark>,
    /// Rounds that each side of a comparison gets
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Length of a round in milliseconds
    #[arg(long, default_value_t = 1000)]
    round_ms: u64,
    /// Keys to start a cluster with, in the benchmark `start`
    #[arg(long, default_value_t = 100_000)]
    keys: u64,
}

/// How much to measure.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Rounds that each side of a comparison gets.
    pub rounds: u32,
    /// The length of one.
    pub round: Duration,
    /// Keys of a large cluster.
    pub keys: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    if let Some(serve) = cli.serve {
        return serve.run().await;
    }
    if cfg!(debug_assertions) {
        eprintln!("These figures are of a debug build; use `cargo run --release`.");
    }
    let effort = Effort {
        rounds: cli.rounds,
        round: Duration::from_millis(cli.round_ms),
        keys: cli.keys,
    };
    let names = match cli.names.is_empty() {
        true => Benchmark::all(),
        false => cli.names,
    };
    let mut report = Report::default();
    for name in names {
        report.begin(name.title());
        name.run(&effort, &mut report).await?;
    }
    report.finish();
    Ok(())
}
