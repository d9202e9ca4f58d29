//! `meridian clock`: the time of a running cluster, which may run ahead of ours.

use std::time::Duration;

use clap::{Args, Subcommand};
use meridian_proto::v1::{AdvanceClockRequest, GetClockRequest, RegionTime};
use serde_json::{Value, json};

use crate::cli::ClientArgs;
use crate::client::Cluster;
use crate::console::Console;
use crate::export::moment;
use crate::span;
use crate::table::Table;

#[derive(Args)]
pub struct ClockArgs {
    #[command(flatten)]
    pub client: ClientArgs,
    #[command(subcommand)]
    command: ClockCommand,
}

#[derive(Subcommand)]
enum ClockCommand {
    /// Move the time of every region forward: what falls due, happens
    Advance {
        /// How far, such as 400d or 12h; whole seconds. There is no way back
        #[arg(value_name = "DURATION", value_parser = span::parse)]
        by: Duration,
        /// Only the time of this region
        #[arg(long, value_name = "REGION")]
        region: Option<String>,
    },
    /// Show the time of every region
    Show,
}

pub async fn run(args: ClockArgs) -> anyhow::Result<()> {
    let console = Console::new(args.client.output);
    let cluster = Cluster::connect(&args.client).await?;
    let regions = match args.command {
        ClockCommand::Advance { by, region } => {
            anyhow::ensure!(by.as_secs() > 0, "the clock advances by whole seconds");
            let request = AdvanceClockRequest {
                seconds: by.as_secs(),
                region,
            };
            let regions = cluster.advance_clock(request).await?.regions;
            let whole = Duration::from_secs(by.as_secs());
            console.say(format!("advanced by {}", span::show(whole)));
            regions
        }
        ClockCommand::Show => cluster.get_clock(GetClockRequest {}).await?.regions,
    };
    let mut table = Table::new(["REGION", "TIME"]);
    for region in &regions {
        table.row([region.region.clone(), time(region)]);
    }
    console.table(&table);
    let documents: Vec<Value> = regions
        .iter()
        .map(|region| json!({"region": region.region, "now": time(region)}))
        .collect();
    console.document(&json!({"regions": documents}));
    Ok(())
}

fn time(region: &RegionTime) -> String {
    region.now.as_ref().map(moment).unwrap_or_default()
}
