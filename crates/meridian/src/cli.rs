//! The command line as a whole: the list of commands, and the flags that all
//! client commands share. The flags of one command are in its own file.

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands::{
    chaos, clock, demo, judge, key, node, replay, scenario, secrets, simulate, up, verdict,
};

/// Where a client looks for a cluster when nobody says otherwise: the front
/// door that `meridian up` opens.
pub const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:4599";

/// The regions of a cluster when nobody says otherwise, the first one first.
pub const DEFAULT_REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "ap-southeast-2"];

#[derive(Parser)]
#[command(
    name = "meridian",
    version,
    about = "A multi-Region key management cluster that speaks AWS KMS, for testing and simulation",
    long_about = "A multi-Region key management cluster that speaks AWS KMS, for testing and \
                  simulation.\n\nNew here? `meridian demo rotation` shows in a few seconds what it is \
                  about; `meridian up` starts a cluster to work with.",
    propagate_version = true
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Start a whole cluster in this process, to work with
    Up(up::UpArgs),
    /// Run one node of a cluster of many processes
    Node(node::NodeArgs),
    /// Make the key files that the nodes of a cluster share
    Secrets(secrets::SecretsArgs),
    /// Handle keys: create, import and rotate in all regions, show
    Key(key::KeyArgs),
    /// Make things go wrong in a running cluster, and heal them
    Chaos(chaos::ChaosArgs),
    /// Show or advance the time of a running cluster
    Clock(clock::ClockArgs),
    /// Watch the product work: stories that narrate and verify themselves
    Demo(demo::DemoArgs),
    /// Break many regions on purpose, in virtual time, and judge what they did
    Simulate(simulate::SimulateArgs),
    /// Check and perform scenarios: timed stories of faults and calls, judged
    Scenario(scenario::ScenarioArgs),
    /// Replay a real trouble with multi-Region keys
    Replay(replay::ReplayArgs),
    /// Judge the history of a run again
    Judge(judge::JudgeArgs),
    /// Judge a running cluster that records itself: `up --record FILE`
    Verdict(verdict::VerdictArgs),
}

impl Command {
    /// What its user wants to read; text unless the command can do otherwise.
    pub fn output(&self) -> OutputFormat {
        match self {
            Self::Key(args) => args.client.output,
            Self::Chaos(args) => args.client.output,
            Self::Clock(args) => args.client.output,
            Self::Simulate(args) => args.output,
            Self::Scenario(args) => args.output(),
            Self::Replay(args) => args.how.output,
            Self::Judge(args) => args.output,
            Self::Verdict(args) => args.client.output,
            Self::Up(_) | Self::Node(_) | Self::Secrets(_) | Self::Demo(_) => OutputFormat::Table,
        }
    }
}

/// The flags of every client command.
#[derive(Args, Clone, Debug)]
pub struct ClientArgs {
    /// Front door of the cluster
    #[arg(
        long,
        global = true,
        env = "MERIDIAN_ENDPOINT",
        value_name = "URL",
        default_value = DEFAULT_ENDPOINT
    )]
    pub endpoint: String,
    /// Act as this account, 12 digits; the cluster's default account when left out
    #[arg(long, global = true, env = "MERIDIAN_ACCOUNT", value_name = "ID")]
    pub account: Option<String>,
    /// What to print on standard output
    #[arg(long, global = true, value_enum, default_value_t = OutputFormat::Table)]
    pub output: OutputFormat,
}

/// Who reads the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// Text and tables, for people
    Table,
    /// One JSON document, for programs
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn shared_flags_may_come_before_or_after_the_subcommand() {
        for line in [
            "meridian key --endpoint http://x:1 show k",
            "meridian key show k --endpoint http://x:1",
        ] {
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            let Command::Key(args) = cli.command else {
                panic!("{line} is a key command")
            };
            assert_eq!(args.client.endpoint, "http://x:1", "{line}");
        }
    }

    #[test]
    fn an_import_says_where_to() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' ')).map(|_| ());
        assert!(parse("meridian key import k --random").is_err());
        assert!(parse("meridian key import k --all-regions").is_err());
        assert!(parse("meridian key import k --random --all-regions --region eu-west-1").is_err());
        assert!(parse("meridian key import k --random --all-regions").is_ok());
        assert!(parse("meridian key import k --material f --region eu-west-1").is_ok());
    }
}
