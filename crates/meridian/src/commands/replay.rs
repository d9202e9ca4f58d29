//! `meridian replay`: real troubles with multi-Region keys, as scenarios.

use clap::Args;
use serde_json::json;

use crate::commands::scenario::perform::{self, PerformArgs};
use crate::console::Console;
use crate::failure::advice;
use crate::replays::{self, Replay};
use crate::table::Table;

#[derive(Args)]
pub struct ReplayArgs {
    /// Which one
    #[arg(value_name = "NAME", required_unless_present = "list")]
    name: Option<String>,
    /// Show all of them
    #[arg(long, conflicts_with_all = ["name", "simulate"])]
    list: bool,
    #[command(flatten)]
    pub how: PerformArgs,
}

pub async fn run(args: &ReplayArgs) -> anyhow::Result<()> {
    let Some(name) = &args.name else {
        list(Console::new(args.how.output));
        return Ok(());
    };
    let Some(replay) = replays::find(name) else {
        let what = format!("there is no replay {name}");
        return Err(advice(what, "`meridian replay --list` shows all"));
    };
    let scenario = meridian_scenario::read(replay.scenario)
        .map_err(|mistakes| anyhow::anyhow!("{name}: {}", mistakes[0]))?;
    perform::run(&scenario, &args.how, &format!("replay {name}")).await
}

fn list(console: Console) {
    let mut table = Table::new(["NAME", "WHAT HAPPENED"]);
    for replay in replays::ALL {
        table.row([replay.name, replay.what]);
    }
    console.table(&table);
    console.say("");
    console.say("Each has a page in docs/replays that tells whose report it is and what to do.");
    let document = |replay: &Replay| {
        json!({
            "name": replay.name,
            "what": replay.what,
            "reports": replay.reports,
            "page": format!("docs/replays/{}.md", replay.name),
        })
    };
    let all: Vec<_> = replays::ALL.iter().map(document).collect();
    console.document(&json!({"replays": all}));
}
