//! `meridian key`: what takes many calls to many regions, in one command.

mod create;
mod import;
mod rotate;
mod show;
mod spread;

use clap::{Args, Subcommand};

use crate::cli::ClientArgs;
use crate::client::Cluster;
use crate::console::Console;

#[derive(Args)]
pub struct KeyArgs {
    #[command(flatten)]
    pub client: ClientArgs,
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Subcommand)]
enum KeyCommand {
    /// Make a key, with replicas and an alias if wanted
    Create(create::CreateArgs),
    /// Import material into the regions of a key, in the right order
    Import(import::ImportArgs),
    /// Rotate a key in all its regions, to new material if given
    Rotate(rotate::RotateArgs),
    /// Show which region holds what, and what the next rotation waits for
    Show(show::ShowArgs),
}

/// Which key, and where to look for it.
#[derive(Args)]
struct KeyRef {
    /// Key id, key ARN, alias name or alias ARN
    #[arg(value_name = "KEY")]
    key: String,
    /// Region to look in; every region of the cluster when left out
    #[arg(long, value_name = "REGION")]
    from: Option<String>,
}

pub async fn run(args: KeyArgs) -> anyhow::Result<()> {
    let console = Console::new(args.client.output);
    let cluster = Cluster::connect(&args.client).await?;
    match args.command {
        KeyCommand::Create(args) => create::run(&cluster, console, args).await,
        KeyCommand::Import(args) => import::run(&cluster, console, args).await,
        KeyCommand::Rotate(args) => rotate::run(&cluster, console, args).await,
        KeyCommand::Show(args) => show::run(&cluster, console, args).await,
    }
}
