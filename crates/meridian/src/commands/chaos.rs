//! `meridian chaos`: cuts and delays links between the regions of a running cluster.

use std::time::Duration;

use clap::{Args, Subcommand};
use meridian_proto::v1::fault::Kind;
use meridian_proto::v1::{
    AddFaultRequest, ClearFaultsRequest, Fault, LinkCut, LinkDelay, ListFaultsRequest,
    RemoveFaultRequest,
};
use serde_json::{Value, json};

use crate::cli::ClientArgs;
use crate::client::Cluster;
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
    /// Cut the link between two regions: nothing passes
    Cut {
        #[command(flatten)]
        link: LinkArgs,
    },
    /// Delay everything that passes between two regions
    Delay {
        #[command(flatten)]
        link: LinkArgs,
        /// How much later everything arrives, such as 200ms
        #[arg(value_name = "DURATION", value_parser = span::parse)]
        delay: Duration,
    },
    /// End all faults, or the one with this id
    Heal {
        /// Id of a fault, as `chaos list` shows it
        #[arg(value_name = "ID")]
        id: Option<String>,
    },
    /// Show the active faults
    List,
}

#[derive(Args)]
struct LinkArgs {
    /// One end of the link
    #[arg(value_name = "REGION")]
    from: String,
    /// The other end
    #[arg(value_name = "REGION")]
    to: String,
    /// Only what the first region sends to the second
    #[arg(long)]
    one_way: bool,
    /// End the fault by itself after this time, such as 30s; it lasts until
    /// `chaos heal` when left out
    #[arg(long = "for", value_name = "DURATION", value_parser = span::parse)]
    lasts: Option<Duration>,
}

pub async fn run(args: ChaosArgs) -> anyhow::Result<()> {
    let console = Console::new(args.client.output);
    let cluster = Cluster::connect(&args.client).await?;
    match args.command {
        ChaosCommand::Cut { link } => {
            let kind = Kind::LinkCut(LinkCut {
                from_region: link.from,
                to_region: link.to,
                both_directions: !link.one_way,
            });
            add(&cluster, console, kind, link.lasts).await
        }
        ChaosCommand::Delay { link, delay } => {
            let kind = Kind::LinkDelay(LinkDelay {
                from_region: link.from,
                to_region: link.to,
                both_directions: !link.one_way,
                delay_ms: millis(delay),
            });
            add(&cluster, console, kind, link.lasts).await
        }
        ChaosCommand::Heal { id } => heal(&cluster, console, id).await,
        ChaosCommand::List => list(&cluster, console).await,
    }
}

async fn add(
    cluster: &Cluster,
    console: Console,
    kind: Kind,
    lasts: Option<Duration>,
) -> anyhow::Result<()> {
    let mut fault = Fault {
        id: String::new(),
        kind: Some(kind),
        duration_ms: lasts.map(millis),
    };
    let request = AddFaultRequest {
        fault: Some(fault.clone()),
    };
    fault.id = cluster.add_fault(request).await?.id;
    let lasting = match lasts {
        Some(span) => format!("for {}", span::show(span)),
        None => "until healed".to_owned(),
    };
    console.say(format!("{}, {lasting}", words(&fault)));
    if lasts.is_none() {
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

async fn list(cluster: &Cluster, console: Console) -> anyhow::Result<()> {
    let faults = cluster.list_faults(ListFaultsRequest {}).await?.faults;
    if faults.is_empty() {
        console.say("no faults: every link works");
    } else {
        let mut table = Table::new(["ID", "FAULT", "ENDS"]);
        for fault in &faults {
            table.row([fault.id.clone(), words(fault), end(fault)]);
        }
        console.table(&table);
    }
    let documents: Vec<Value> = faults.iter().map(document).collect();
    console.document(&json!({"faults": documents}));
    Ok(())
}

/// What the fault does, in words.
fn words(fault: &Fault) -> String {
    match &fault.kind {
        Some(Kind::LinkCut(cut)) => {
            let link = link(&cut.from_region, &cut.to_region, cut.both_directions);
            format!("{link} cut")
        }
        Some(Kind::LinkDelay(delay)) => {
            let link = link(&delay.from_region, &delay.to_region, delay.both_directions);
            let later = span::show(Duration::from_millis(delay.delay_ms));
            format!("{link} delayed by {later}")
        }
        None => "a fault that this program does not know".to_owned(),
    }
}

fn link(from: &str, to: &str, both: bool) -> String {
    let arrow = if both { "↔" } else { "→" };
    format!("{from} {arrow} {to}")
}

/// When a listed fault ends, to the second.
fn end(fault: &Fault) -> String {
    match fault.duration_ms {
        Some(ms) => format!("in {}", span::show(Duration::from_secs(ms.div_ceil(1_000)))),
        None => "when healed".to_owned(),
    }
}

fn document(fault: &Fault) -> Value {
    let kind = match &fault.kind {
        Some(Kind::LinkCut(cut)) => json!({"link_cut": {
            "from_region": cut.from_region,
            "to_region": cut.to_region,
            "both_directions": cut.both_directions,
        }}),
        Some(Kind::LinkDelay(delay)) => json!({"link_delay": {
            "from_region": delay.from_region,
            "to_region": delay.to_region,
            "both_directions": delay.both_directions,
            "delay_ms": delay.delay_ms,
        }}),
        None => Value::Null,
    };
    json!({"id": fault.id, "kind": kind, "duration_ms": fault.duration_ms})
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(kind: Kind, duration_ms: Option<u64>) -> Fault {
        Fault {
            id: "f1".into(),
            kind: Some(kind),
            duration_ms,
        }
    }

    #[test]
    fn faults_are_told_in_words() {
        let cut = fault(
            Kind::LinkCut(LinkCut {
                from_region: "us-east-1".into(),
                to_region: "eu-west-1".into(),
                both_directions: true,
            }),
            None,
        );
        assert_eq!(words(&cut), "us-east-1 ↔ eu-west-1 cut");
        assert_eq!(end(&cut), "when healed");
        let delay = fault(
            Kind::LinkDelay(LinkDelay {
                from_region: "us-east-1".into(),
                to_region: "eu-west-1".into(),
                both_directions: false,
                delay_ms: 200,
            }),
            Some(29_963),
        );
        assert_eq!(words(&delay), "us-east-1 → eu-west-1 delayed by 200ms");
        assert_eq!(end(&delay), "in 30s");
    }
}
