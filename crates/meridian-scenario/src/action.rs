//! What a step does.

use meridian_proto::v1;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::call::Call;
use crate::condition::Condition;
use crate::expectation::Expectation;
use crate::fault_words::FaultWords;
use crate::span::Span;

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A client calls.
    Call {
        /// The region.
        region: String,
        /// The node, counted from 1; any when left out.
        node: Option<u64>,
        /// What it calls.
        call: Call,
        /// How that is expected to end.
        expect: Expectation,
    },
    /// Something goes wrong.
    Fault {
        /// What, with its ID; without a duration.
        fault: v1::Fault,
        /// For how long; until healed when left out.
        lasting: Option<Span>,
    },
    /// Faults end.
    Heal(Heal),
    /// The time of all regions moves forward.
    Advance(Span),
    /// This is expected to hold.
    Holds(Condition),
    /// The user's own application is asked.
    Probe(Probe),
}

/// Which faults end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heal {
    /// All of them, those of the profile too.
    All,
    /// The one with this ID.
    One(String),
}

/// A look at the user's own application.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Probe {
    /// A request over HTTP.
    Http {
        /// Where to.
        url: String,
        /// `GET` or `POST`.
        #[serde(default)]
        method: Method,
        /// What is sent.
        #[serde(default)]
        body: String,
        /// The status that is expected.
        #[serde(default = "ok")]
        status: u16,
    },
    /// A command that is expected to end with the exit code 0.
    Command(Vec<String>),
}

fn ok() -> u16 {
    200
}

/// A method of HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Reads.
    #[default]
    Get,
    /// Sends the body.
    Post,
}

impl Action {
    /// The regions that it is about: the called one, or those that a fault
    /// hits.
    pub fn regions(&self) -> Vec<String> {
        match self {
            Action::Call { region, .. } => vec![region.clone()],
            Action::Fault { fault, .. } => FaultWords::of(fault).regions,
            Action::Holds(condition) => condition.regions.clone(),
            Action::Heal(_) | Action::Advance(_) | Action::Probe(_) => Vec::new(),
        }
    }

    /// For people: `Encrypt c1 under orders at eu-west-1/2`.
    pub fn words(&self) -> String {
        match self {
            Action::Call {
                region, node, call, ..
            } => {
                let node = node.map_or(String::new(), |node| format!("/{node}"));
                format!("{} {} at {region}{node}", call.operation(), call.about())
            }
            Action::Fault { fault, lasting } => {
                let lasting = lasting.map_or(String::new(), |it| format!(" for {it}"));
                let words = FaultWords::of(fault);
                format!("{} {}{lasting}", words.kind, words.place)
            }
            Action::Heal(Heal::All) => "heal all".into(),
            Action::Heal(Heal::One(id)) => format!("heal {id}"),
            Action::Advance(span) => format!("advance {span}"),
            Action::Holds(condition) => format!("holds: {}", condition.words()),
            Action::Probe(Probe::Http { url, .. }) => format!("probe {url}"),
            Action::Probe(Probe::Command(line)) => format!("probe {}", line.join(" ")),
        }
    }
}
