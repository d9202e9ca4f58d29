//! One step of the timeline: when, and what.

use std::borrow::Cow;

use meridian_proto::proto_json;
use meridian_proto::v1;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::action::{Action, Heal, Probe};
use crate::call::Call;
use crate::condition::Condition;
use crate::expectation::Expectation;
use crate::span::Span;

/// One step.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "StepLine")]
pub struct Step {
    /// What other steps and reports call it.
    pub name: String,
    /// When it is due.
    pub trigger: Trigger,
    /// How long it waits once it is due.
    pub delay: Span,
    /// What it does.
    pub action: Action,
}

/// When a step is due. Times count from the beginning of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// At a time.
    At(Span),
    /// Again and again.
    Every {
        /// The first time.
        first: Span,
        /// Between two times.
        period: Span,
        /// No more after this time.
        until: Option<Span>,
        /// No more often than this.
        times: Option<u32>,
    },
    /// As soon as this holds.
    When(Condition),
    /// Once this step is done: its call answered, its fault active.
    After(String),
    /// Once the fault of this step has ended.
    AfterEndOf(String),
}

/// A step as the file has it: exactly one of `at`, `every`, `when`, `after` and
/// `after_end_of`, and exactly one of `call`, `fault`, `heal`, `advance`,
/// `holds` and `probe`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StepLine {
    /// A name that no other step has.
    step: String,
    /// The time at which it happens; with `every` the first time.
    at: Option<Span>,
    /// It happens again after each such span.
    every: Option<Span>,
    /// With `every`: not after this time.
    until: Option<Span>,
    /// With `every`: not more often than this.
    times: Option<u32>,
    /// It happens as soon as this holds.
    when: Option<Condition>,
    /// It happens once this step is done: its call answered, its fault active.
    after: Option<String>,
    /// It happens once the fault of this step has ended.
    after_end_of: Option<String>,
    /// With `when`, `after` and `after_end_of`: so much later.
    delay: Option<Span>,
    /// The region that is called.
    region: Option<String>,
    /// The node of it that is called, counted from 1; any when left out.
    node: Option<u64>,
    /// A client calls.
    call: Option<Call>,
    /// How the call is expected to end: ok when left out.
    expect: Option<Expectation>,
    /// A fault as `POST /chaos/faults` takes it; its ID is the step's name
    /// unless it has one.
    #[serde(default)]
    #[schemars(schema_with = "crate::fault_schema::fault")]
    fault: Option<Map<String, Value>>,
    /// How long the fault lasts; until healed when left out.
    #[serde(rename = "for")]
    lasting: Option<Span>,
    /// `all`, or the ID of a fault that ends.
    heal: Option<String>,
    /// The time of all regions moves forward.
    advance: Option<Span>,
    /// This is expected to hold at this time.
    holds: Option<Condition>,
    /// The user's own application is asked.
    probe: Option<Probe>,
}

const TRIGGERS: &str = "a step has exactly one of at, every, when, after and after_end_of";
const ACTIONS: &str = "a step has exactly one of call, fault, heal, advance, holds and probe";

impl TryFrom<StepLine> for Step {
    type Error = String;

    fn try_from(mut line: StepLine) -> Result<Step, String> {
        let name = std::mem::take(&mut line.step);
        let trigger = line.trigger()?;
        let delay = match (line.delay.take(), &trigger) {
            (Some(_), Trigger::At(_) | Trigger::Every { .. }) => {
                return Err("delay goes with when, after and after_end_of".into());
            }
            (delay, _) => delay.unwrap_or_default(),
        };
        let action = line.action(&name)?;
        line.nothing_is_left()?;
        Ok(Step {
            name,
            trigger,
            delay,
            action,
        })
    }
}

impl StepLine {
    fn trigger(&mut self) -> Result<Trigger, String> {
        let every = self.every.take().map(|period| Trigger::Every {
            first: self.at.take().unwrap_or_default(),
            period,
            until: self.until.take(),
            times: self.times.take(),
        });
        let triggers = [
            every,
            self.at.take().map(Trigger::At),
            self.when.take().map(Trigger::When),
            self.after.take().map(Trigger::After),
            self.after_end_of.take().map(Trigger::AfterEndOf),
        ];
        the_only(triggers, TRIGGERS)
    }

    fn action(&mut self, name: &str) -> Result<Action, String> {
        let heal = self.heal.take().map(|id| match id.as_str() {
            "all" => Heal::All,
            _ => Heal::One(id),
        });
        let actions = [
            self.called()?,
            self.wrong(name)?,
            heal.map(Action::Heal),
            self.advance.take().map(Action::Advance),
            self.holds.take().map(Action::Holds),
            self.probe.take().map(Action::Probe),
        ];
        the_only(actions, ACTIONS)
    }

    fn called(&mut self) -> Result<Option<Action>, String> {
        let Some(call) = self.call.take() else {
            return Ok(None);
        };
        let region = self.region.take();
        Ok(Some(Action::Call {
            region: region.ok_or("a call says its region")?,
            node: self.node.take(),
            call,
            expect: self.expect.take().unwrap_or_default(),
        }))
    }

    fn wrong(&mut self, name: &str) -> Result<Option<Action>, String> {
        let Some(fault) = self.fault.take() else {
            return Ok(None);
        };
        let json = Value::Object(fault).to_string();
        let mut fault: v1::Fault = proto_json::from_json("Fault", &json)
            .map_err(|why| format!("no fault as POST /chaos/faults takes it: {why}"))?;
        if fault.duration_ms.is_some() {
            return Err("a step says how long its fault lasts with for, not duration_ms".into());
        }
        if fault.id.is_empty() {
            fault.id = name.to_owned();
        }
        let lasting = self.lasting.take();
        Ok(Some(Action::Fault { fault, lasting }))
    }

    /// What the step's trigger and action did not take says nothing.
    fn nothing_is_left(&self) -> Result<(), String> {
        let left = [
            (self.until.is_some(), "until goes with every"),
            (self.times.is_some(), "times goes with every"),
            (self.region.is_some(), "region goes with call"),
            (self.node.is_some(), "node goes with call"),
            (self.expect.is_some(), "expect goes with call"),
            (self.lasting.is_some(), "for goes with fault"),
        ];
        match left.into_iter().find(|(is_left, _)| *is_left) {
            Some((_, what)) => Err(what.into()),
            None => Ok(()),
        }
    }
}

fn the_only<T, const N: usize>(several: [Option<T>; N], otherwise: &str) -> Result<T, String> {
    let mut there = several.into_iter().flatten();
    match (there.next(), there.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(otherwise.into()),
    }
}

impl JsonSchema for Step {
    fn schema_name() -> Cow<'static, str> {
        "Step".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        StepLine::json_schema(generator)
    }
}

#[cfg(test)]
mod tests;
