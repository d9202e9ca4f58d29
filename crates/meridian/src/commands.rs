//! The commands: one file each, from its flags to what it prints.

pub mod chaos;
pub mod clock;
pub mod demo;
pub mod judge;
pub mod key;
pub mod node;
pub mod replay;
pub mod scenario;
pub mod secrets;
pub mod simulate;
pub mod up;
pub mod verdict;

use crate::cli::Command;

/// Does what the command line says.
///
/// # Errors
/// Whatever kept it from being done.
pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Up(args) => up::run(args).await,
        Command::Node(args) => node::run(args).await,
        Command::Secrets(args) => secrets::run(&args),
        Command::Key(args) => key::run(args).await,
        Command::Chaos(args) => chaos::run(args).await,
        Command::Clock(args) => clock::run(args).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Judge(args) => judge::run(&args),
        Command::Scenario(args) => scenario::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Verdict(args) => verdict::run(args).await,
        Command::Simulate(args) => simulate::run(&args),
    }
}
