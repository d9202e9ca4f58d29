//! `meridian secrets`: the key files that the nodes of a cluster share.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use meridian_kms::RegionName;

#[derive(Args)]
pub struct SecretsArgs {
    #[command(subcommand)]
    command: SecretsCommand,
}

#[derive(Subcommand)]
enum SecretsCommand {
    /// Create the cluster's secret and a root key per region; files that exist
    /// stay as they are
    Create {
        /// Directory of the key files
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
        /// The regions of the cluster
        #[arg(
            long,
            value_name = "REGION,...",
            value_delimiter = ',',
            required = true
        )]
        regions: Vec<RegionName>,
    },
}

pub fn run(args: &SecretsArgs) -> anyhow::Result<()> {
    let SecretsCommand::Create { dir, regions } = &args.command;
    for path in meridian_node::create_secrets(dir, regions)? {
        anstream::println!("{}", path.display());
    }
    Ok(())
}
