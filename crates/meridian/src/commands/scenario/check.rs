//! `meridian scenario check FILE…`: every mistake in scenario files.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};

use crate::cli::OutputFormat;
use crate::console::{Console, good};

#[derive(Args)]
pub struct CheckArgs {
    /// The scenarios
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// What to print on standard output
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub output: OutputFormat,
}

pub fn run(args: &CheckArgs) -> anyhow::Result<()> {
    let console = Console::new(args.output);
    let mut documents: Vec<Value> = Vec::new();
    let mut count = 0;
    for path in &args.files {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {name}"))?;
        let mistakes = meridian_scenario::read(&text).err().unwrap_or_default();
        for mistake in &mistakes {
            console.say(format!("{name}:{mistake}"));
        }
        if mistakes.is_empty() {
            console.say(format!("{name}: {}", good("right")));
        }
        count += mistakes.len();
        documents.push(json!({"file": name, "mistakes": mistakes}));
    }
    console.document(&json!({"files": documents}));
    anyhow::ensure!(count == 0, "{count} mistakes");
    Ok(())
}
