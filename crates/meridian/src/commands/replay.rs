//! `meridian replay`: real troubles with multi-Region keys, as scenarios.

use clap::Args;
use serde_json::json;

use crate::commands::scenario::perform::{self, PerformArgs};
use crate::console::Console;
use crate::failure::advice;
use crate::replays::{self, Replay, Story};
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
    match replay.story {
        Story::Scenario(text) => {
            let scenario = meridian_scenario::read(text)
                .map_err(|mistakes| anyhow::anyhow!("{name}: {}", mistakes[0]))?;
            perform::run(&scenario, &args.how, &format!("replay {name}")).await
        }
        Story::NotYet(why) => {
            let what = format!("{name} cannot be replayed yet: {why}");
            Err(advice(what, "`meridian replay --list` shows what can"))
        }
    }
}

fn list(console: Console) {
    let mut table = Table::new(["NAME", "WHAT HAPPENED", ""]);
    for replay in replays::ALL {
        let note = match replay.story {
            Story::Scenario(_) => String::new(),
            Story::NotYet(why) => format!("not yet: {why}"),
        };
        table.row([replay.name, replay.what, &note]);
    }
    console.table(&table);
    console.say("");
    console.say("Each has a page in docs/replays that tells whose report it is and what to do.");
    let document = |replay: &Replay| {
        let why = match replay.story {
            Story::Scenario(_) => None,
            Story::NotYet(why) => Some(why),
        };
        json!({
            "name": replay.name,
            "what": replay.what,
            "reports": replay.reports,
            "available": why.is_none(),
            "why_not": why,
            "page": format!("docs/replays/{}.md", replay.name),
        })
    };
    let all: Vec<_> = replays::ALL.iter().map(document).collect();
    console.document(&json!({"replays": all}));
}
