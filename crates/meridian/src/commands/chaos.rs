//! `meridian chaos`: makes things go wrong in a running cluster, and heals them.

mod args;
mod fault;
mod scope;
mod words;

use clap::{Args, Subcommand};
use meridian_proto::proto_json::{from_json, to_json};
use meridian_proto::v1::fault::Kind;
use meridian_proto::v1::{
    AddFaultRequest, ClearFaultsRequest, Fault, ListFaultsRequest, ListFaultsResponse,
    RemoveFaultRequest, SetProfileRequest,
};
use serde_json::{Value, json};

use crate::cli::ClientArgs;
use crate::client::Cluster;
use crate::commands::chaos::args::FaultCommand;
use crate::console::Console;
use crate::span;
use crate::table::Table;

#[derive(Args)]
pub struct ChaosArgs {
    #[command(flatten)]
    pub client: ClientArgs,
    #[command(subcommand)]
    command: ChaosCommand,
}

#[derive(Subcommand)]
enum ChaosCommand {
    #[command(flatten)]
    Fault(Box<FaultCommand>),
    /// Make a fault active that is given as JSON, as `POST /chaos/faults` takes it
    Add {
        /// Such as '{"link_cut": {"link": {"from": "us-east-1", "to": "eu-west-1"}}}'
        #[arg(value_name = "JSON")]
        fault: String,
    },
    /// Replace the lags and faults of the last profile by those of another
    Profile {
        /// instant, aws-typical, aws-worst or adversarial
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// End all faults, or the one with this id
    #[command(visible_alias = "clear")]
    Heal {
        /// Id of a fault, as `chaos list` shows it
        #[arg(value_name = "ID")]
        id: Option<String>,
    },
    /// Show the active faults
    List,
}

pub async fn run(args: ChaosArgs) -> anyhow::Result<()> {
    let console = Console::new(args.client.output);
    let cluster = Cluster::connect(&args.client).await?;
    match args.command {
        ChaosCommand::Fault(command) => add(&cluster, console, command.fault()?).await,
        ChaosCommand::Add { fault } => {
            let fault = from_json("Fault", &fault);
            let fault = fault.map_err(|why| anyhow::anyhow!("not a fault: {why}"))?;
            add(&cluster, console, fault).await
        }
        ChaosCommand::Profile { name } => {
            let request = SetProfileRequest { name };
            show(&cluster.set_profile(request).await?, console);
            Ok(())
        }
        ChaosCommand::Heal { id } => heal(&cluster, console, id).await,
        ChaosCommand::List => {
            show(&cluster.list_faults(ListFaultsRequest {}).await?, console);
            Ok(())
        }
    }
}

async fn add(cluster: &Cluster, console: Console, mut fault: Fault) -> anyhow::Result<()> {
    let request = AddFaultRequest {
        fault: Some(fault.clone()),
    };
    fault.id = cluster.add_fault(request).await?.id;
    if let Some(Kind::MaterialExpire(_)) = fault.kind {
        console.say(format!(
            "{}, until it is imported again",
            words::describe(&fault)
        ));
        console.document(&document(&fault));
        return Ok(());
    }
    let lasting = match fault.duration_ms {
        Some(ms) => format!("for {}", span::show(words::millis(ms))),
        None => "until healed".to_owned(),
    };
    console.say(format!("{}, {lasting}", words::describe(&fault)));
    if fault.duration_ms.is_none() {
        console.say(format!("`meridian chaos heal {}` ends it", fault.id));
    }
    console.document(&document(&fault));
    Ok(())
}

async fn heal(cluster: &Cluster, console: Console, id: Option<String>) -> anyhow::Result<()> {
    let removed = match id {
        Some(id) => {
            let request = RemoveFaultRequest { id: id.clone() };
            let removed = cluster.remove_fault(request).await?.removed;
            anyhow::ensure!(removed, "no fault {id} is active");
            1
        }
        None => cluster.clear_faults(ClearFaultsRequest {}).await?.removed,
    };
    console.say(match removed {
        0 => "there was nothing to heal".to_owned(),
        1 => "healed 1 fault".to_owned(),
        more => format!("healed {more} faults"),
    });
    console.document(&json!({"removed": removed}));
    Ok(())
}

fn show(list: &ListFaultsResponse, console: Console) {
    let faults = &list.faults;
    if faults.is_empty() {
        console.say("no faults");
    } else {
        let mut table = Table::new(["ID", "FAULT", "ENDS"]);
        for fault in faults {
            table.row([fault.id.clone(), words::describe(fault), words::end(fault)]);
        }
        console.table(&table);
    }
    let documents: Vec<Value> = faults.iter().map(document).collect();
    console.document(&json!({"faults": documents, "fired": list.fired}));
}

fn document(fault: &Fault) -> Value {
    to_json("Fault", fault)
}
