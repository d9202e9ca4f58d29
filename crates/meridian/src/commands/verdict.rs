//! `meridian verdict`: what the judge says of a running cluster that records
//! itself.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;
use meridian_proto::proto_json::to_json;
use meridian_proto::v1::{GetVerdictRequest, Verdict};

use crate::cli::ClientArgs;
use crate::client::Cluster;
use crate::console::Console;
use crate::span;
use crate::verdict::{conclude, promises};

#[derive(Args)]
pub struct VerdictArgs {
    #[command(flatten)]
    pub client: ClientArgs,
    /// How long the faults may take to end and the regions to come to rest
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = span::parse)]
    wait: Duration,
}

pub async fn run(args: VerdictArgs) -> anyhow::Result<()> {
    let console = Console::new(args.client.output);
    let cluster = Cluster::connect(&args.client).await?;
    let wait_ms = u64::try_from(args.wait.as_millis()).ok();
    let verdict = cluster.get_verdict(GetVerdictRequest { wait_ms }).await?;
    console.document(&to_json("Verdict", &verdict));
    show(console, &verdict)
}

/// Prints a verdict for people.
///
/// # Errors
/// A promise was broken.
pub fn show(console: Console, verdict: &Verdict) -> anyhow::Result<()> {
    let looked = verdict.looked.iter();
    let looked = looked.map(|(promise, times)| (promise.as_str(), *times));
    let violation = verdict.violation.as_ref();
    let broken: BTreeSet<&str> = violation.iter().map(|it| it.promise.as_str()).collect();
    console.table(&promises(looked, &broken));
    let tried = match verdict.ciphertexts {
        1 => "1 ciphertext was tried in every region".to_owned(),
        more => format!("{more} ciphertexts were tried in every region"),
    };
    console.say(match verdict.ciphertexts_left_out {
        0 => tried,
        more => format!("{tried}, {more} more were not kept"),
    });
    if let Some(why) = &verdict.not_healed_because {
        console.say(format!(
            "what holds only when all is healed was not looked at: {why}"
        ));
    }
    let broken = violation.map(|it| (it.promise.as_str(), it.at_ms, it.what.as_str()));
    conclude(console, broken)
}
