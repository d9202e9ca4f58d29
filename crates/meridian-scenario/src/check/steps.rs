//! What the steps of a timeline mean.

use std::collections::BTreeSet;

use meridian_chaos::{Fault, Nodes};
use meridian_kms::key_state::KeyState;
use meridian_kms::material::MaterialState;
use meridian_kms::{AccountId, ErrorCode};

use super::Check;
use crate::action::{Action, Heal};
use crate::call::{Call, KeyName};
use crate::condition::Condition;
use crate::expectation::Expectation;
use crate::step::{Step, Trigger};

impl<'a> Check<'a> {
    /// Looks at one step.
    pub(super) fn step(&mut self, index: usize, step: &'a Step) {
        if self.names.steps[step.name.as_str()] != index {
            self.wrong(&["step"], format!("another step is called {:?}", step.name));
        }
        match &step.trigger {
            Trigger::At(_) => {}
            Trigger::Every {
                period,
                until,
                times,
                ..
            } => {
                if period.ms() == 0 {
                    self.wrong(&["every"], "the time between two must be more than zero");
                }
                if until.is_none() && times.is_none() {
                    self.wrong(&["every"], "say how often, with until or times");
                }
            }
            Trigger::When(condition) => self.condition("when", condition),
            Trigger::After(other) => self.after("after", step, other),
            Trigger::AfterEndOf(other) => {
                self.after("after_end_of", step, other);
                let other = self.step_named(other);
                if other.is_some_and(|it| !matches!(it.action, Action::Fault { .. })) {
                    self.wrong(&["after_end_of"], "that step is no fault: say after");
                }
            }
        }
        self.action(&step.action);
    }

    fn step_named(&self, name: &str) -> Option<&'a Step> {
        self.scenario.timeline.get(*self.names.steps.get(name)?)
    }

    /// Steps that wait for each other never happen.
    fn after(&mut self, field: &str, step: &'a Step, other: &'a str) {
        if let Err(what) = self.names.step(other) {
            return self.wrong(&[field], what);
        }
        let mut met = BTreeSet::from([step.name.as_str()]);
        let mut next = Some(other);
        while let Some(name) = next {
            if !met.insert(name) {
                let what = format!("it waits for {other:?}, and that waits for it");
                return self.wrong(&[field], what);
            }
            next = self.step_named(name).and_then(|step| match &step.trigger {
                Trigger::After(other) | Trigger::AfterEndOf(other) => Some(other.as_str()),
                Trigger::At(_) | Trigger::Every { .. } | Trigger::When(_) => None,
            });
        }
    }

    fn action(&mut self, action: &Action) {
        match action {
            Action::Call {
                region,
                node,
                call,
                expect,
            } => {
                self.unless_ok(&["region"], self.names.region(region));
                let nodes = self.scenario.topology.nodes_per_region;
                if node.is_some_and(|node| node == 0 || node > nodes) {
                    self.wrong(&["node"], format!("nodes count from 1 to {nodes}"));
                }
                self.call(call);
                self.expectation(expect);
            }
            Action::Fault { fault, lasting } => {
                let topology = &self.scenario.topology;
                let nodes = (1..=topology.nodes_per_region).collect::<Vec<u64>>();
                let all = topology.regions.iter().cloned();
                let all: Nodes = all.map(|region| (region, nodes.clone())).collect();
                if let Err(error) = Fault::from_proto(fault, &all, String::new(), 0) {
                    self.wrong(&["fault"], error.to_string());
                }
                if lasting.is_none() && !self.heals(&fault.id) {
                    let id = &fault.id;
                    let what =
                        format!("it never ends: say for how long, or `heal: {id}` in a step");
                    self.wrong(&["fault"], what);
                }
            }
            Action::Heal(Heal::One(id)) => self.unless_ok(&["heal"], self.names.fault(id)),
            Action::Heal(Heal::All) | Action::Advance(_) | Action::Probe(_) => {}
            Action::Holds(condition) => self.condition("holds", condition),
        }
    }

    fn heals(&self, id: &str) -> bool {
        self.scenario
            .timeline
            .iter()
            .any(|step| match &step.action {
                Action::Heal(Heal::All) => true,
                Action::Heal(Heal::One(other)) => other == id,
                _ => false,
            })
    }

    fn call(&mut self, call: &Call) {
        let variant = "call";
        if let Call::Create { .. } = call {
            return;
        }
        if let Some(key) = call.key() {
            self.unless_ok(&[variant], self.names.key(key));
        }
        match call {
            Call::Replicate { to, .. } | Call::Move { to, .. } => {
                self.unless_ok(&[variant], self.names.region(to));
            }
            Call::Decrypt { ciphertext, .. } => {
                self.unless_ok(&[variant], self.names.ciphertext(ciphertext));
            }
            Call::Encrypt { key, by, token, .. } => {
                if let Some(by) = by {
                    self.unless_ok(&[variant], account(by));
                    if !matches!(KeyName::of(key), KeyName::Arn { .. }) {
                        let what = "another account names a key by its ARN, as KEY@REGION";
                        self.wrong(&[variant], what);
                    }
                }
                if let Some(token) = token {
                    self.unless_ok(&[variant], self.names.grant(token));
                }
            }
            Call::Grant { to, .. } => self.unless_ok(&[variant], account(to)),
            Call::CreateAlias { alias, .. } if !alias.starts_with("alias/") => {
                self.wrong(&[variant], "the name of an alias begins with alias/");
            }
            _ => {}
        }
    }

    fn expectation(&mut self, expectation: &Expectation) {
        match expectation {
            Expectation::Error(code) => {
                let own = ["NoLeader", "Unreachable"].contains(&code.as_str());
                if !own && ErrorCode::from_name(code).is_none() {
                    let what = format!("{code:?} is no AWS code, such as NotFoundException");
                    self.wrong(&["expect"], what);
                }
            }
            Expectation::Answer(answer) => {
                if let Some(state) = &answer.key_state {
                    self.key_state(&["expect"], state);
                }
            }
            Expectation::OneOf(several) => several.iter().for_each(|it| self.expectation(it)),
            Expectation::Ok | Expectation::Any | Expectation::Unknown | Expectation::Fails => {}
        }
    }

    fn condition(&mut self, field: &str, condition: &Condition) {
        self.unless_ok(&[field, "key"], self.names.key(&condition.key));
        for (index, region) in condition.regions.iter().enumerate() {
            let at = [field, "in", &index.to_string()];
            self.unless_ok(&at, self.names.region(region));
        }
        if let Some(state) = &condition.key_state {
            self.key_state(&[field, "key_state"], state);
        }
        if let Some(primary) = &condition.primary {
            self.unless_ok(&[field, "primary"], self.names.region(primary));
        }
        if let Some(state) = &condition.material_state
            && !MaterialState::ALL.iter().any(|it| it.name() == state)
        {
            let names: Vec<&str> = MaterialState::ALL.iter().map(|it| it.name()).collect();
            let what = format!("{state:?} is no state of a material: {}", names.join(", "));
            self.wrong(&[field, "material_state"], what);
        }
        let of_material = condition.material_state.is_some() || condition.imported.is_some();
        if of_material && condition.material.is_none() {
            self.wrong(&[field], "say which material");
        }
        if condition.absent && condition.regions.is_empty() {
            self.wrong(&[field], "say in which regions it is absent, with in");
        }
    }

    fn key_state(&mut self, at: &[&str], state: &str) {
        if !KeyState::ALL.iter().any(|it| it.name() == state) {
            let names: Vec<&str> = KeyState::ALL.iter().map(|it| it.name()).collect();
            let what = format!("{state:?} is no state of a key: {}", names.join(", "));
            self.wrong(at, what);
        }
    }
}

fn account(text: &str) -> Result<(), String> {
    match text.parse::<AccountId>() {
        Ok(_) => Ok(()),
        Err(_) => Err(format!("{text:?} is no account, which has twelve digits")),
    }
}
