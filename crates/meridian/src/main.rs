//! The binary `meridian`: a whole cluster in one process, one node of a real
//! deployment, and the client commands for keys, faults and time.
//!
//! A command is one file in `commands/`: its flags and what it does. Client
//! commands reach a cluster only through [`client`], by gRPC, and wait for it
//! only through [`watch`], by the stream of a key set's state; none of them
//! needs anything that another client could not use too.

mod call_failed;
mod cli;
mod client;
mod commands;
mod console;
mod export;
mod failure;
mod import;
mod key_set;
mod live;
mod locate;
mod material;
mod replays;
mod report;
mod report_files;
mod signal;
mod signing;
mod span;
mod table;
mod verdict;
mod watch;

use std::io::IsTerminal;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::cli::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let format = cli.command.output();
    let done = match logging() {
        Ok(()) => commands::run(cli.command).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error, format),
    }
}

/// What is logged when `MERIDIAN_LOG` says nothing. The Raft library tells of
/// late heartbeats and of its own end, which a cluster lives with; what it does
/// not live with, the node tells itself.
const QUIET: &str = "warn,openraft=off";

/// Logs go to standard error, as much as `MERIDIAN_LOG` asks for. A level by
/// itself is about this program, and not about the libraries under it.
fn logging() -> anyhow::Result<()> {
    let wanted = std::env::var("MERIDIAN_LOG").unwrap_or_else(|_| QUIET.to_owned());
    let wanted = match wanted.parse::<LevelFilter>() {
        Ok(level) if level > LevelFilter::WARN => format!("{QUIET},meridian={level}"),
        Ok(_) | Err(_) => wanted,
    };
    let filter = EnvFilter::try_new(wanted)
        .context("reading MERIDIAN_LOG (such as `info` or `meridian_node=debug`)")?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    Ok(())
}
