//! A performance: a scenario while it happens. It says what is due and
//! remembers what came of it; a driver does it. Times are the driver's, in
//! milliseconds from wherever it counts.

use std::collections::BTreeMap;

use crate::action::Action;
use crate::condition::Condition;
use crate::progress::Progress;
use crate::prologue::{self, Setup};
use crate::record::{Ending, StepRecord};
use crate::scenario::Scenario;
use crate::step::Trigger;
use crate::task::{Due, Task};
use crate::view::View;

mod endings;

/// A scenario while it happens.
pub struct Performance {
    scenario: Scenario,
    /// When the driver began.
    start_ms: Option<i64>,
    /// When the timeline began.
    zero_ms: Option<i64>,
    setups: std::collections::VecDeque<Setup>,
    settled: Vec<Condition>,
    steps: Vec<Progress>,
    running: BTreeMap<u64, Running>,
    records: Vec<StepRecord>,
    /// Why the timeline could not begin.
    trouble: Option<String>,
    time_is_over: bool,
    next_id: u64,
}

/// Whose end is awaited.
enum Running {
    /// A call of the prologue.
    Setup(String),
    /// A step; by its place, and the place of its record.
    Step(usize, usize),
    /// The profile, which is no step.
    Profile,
    /// The workload, by the place of its record.
    Workload(usize),
}

impl Performance {
    /// Before anything has happened.
    pub fn new(scenario: Scenario) -> Performance {
        let (setups, settled) = prologue::of(&scenario);
        Performance {
            steps: vec![Progress::default(); scenario.timeline.len()],
            setups: setups.into(),
            settled,
            scenario,
            start_ms: None,
            zero_ms: None,
            running: BTreeMap::new(),
            records: Vec::new(),
            trouble: None,
            time_is_over: false,
            next_id: 0,
        }
    }

    /// What is due now. A driver asks again when something has ended, when the
    /// view has changed, and at [`Performance::next_time`].
    pub fn due(&mut self, now_ms: i64, view: &View) -> Vec<Due> {
        let start_ms = *self.start_ms.get_or_insert(now_ms);
        let limit_ms = self.zero_ms.unwrap_or(start_ms) + self.scenario.time_limit.ms();
        self.time_is_over |= now_ms >= limit_ms;
        if self.is_over() {
            return Vec::new();
        }
        match self.zero_ms {
            Some(zero_ms) => self.of_timeline(now_ms, zero_ms, view),
            None => self.of_prologue(now_ms, view),
        }
    }

    fn of_prologue(&mut self, now_ms: i64, view: &View) -> Vec<Due> {
        if !self.running.is_empty() {
            return Vec::new();
        }
        let Some(setup) = self.setups.front() else {
            let settled = self.settled.iter().all(|it| it.holds(view));
            return match settled {
                true => self.timeline_begins(now_ms, view),
                false => Vec::new(),
            };
        };
        if setup.needs.as_ref().is_some_and(|it| !it.holds(view)) {
            return Vec::new();
        }
        let Some(Setup { region, call, .. }) = self.setups.pop_front() else {
            return Vec::new();
        };
        let words = format!("{} {} at {region}", call.operation(), call.about());
        let task = Task::Call {
            region,
            node: None,
            call,
        };
        vec![self.begin("keys to begin with".into(), Running::Setup(words), task)]
    }

    fn timeline_begins(&mut self, now_ms: i64, view: &View) -> Vec<Due> {
        self.zero_ms = Some(now_ms);
        let profile = Task::Profile(self.scenario.profile.into());
        let mut due = vec![self.begin("profile".into(), Running::Profile, profile)];
        if let Some(workload) = self.scenario.workload.clone() {
            let record = self.record("workload", 1, None, now_ms, None);
            let running = Running::Workload(record);
            due.push(self.begin("workload".into(), running, Task::Workload(workload)));
        }
        due.extend(self.of_timeline(now_ms, now_ms, view));
        due
    }

    fn of_timeline(&mut self, now_ms: i64, zero_ms: i64, view: &View) -> Vec<Due> {
        let mut due = Vec::new();
        for index in 0..self.steps.len() {
            if let Trigger::When(condition) = &self.scenario.timeline[index].trigger
                && self.steps[index].held_ms.is_none()
                && condition.holds(view)
            {
                self.steps[index].held_ms = Some(now_ms);
            }
            while self.due_ms(index, zero_ms).is_some_and(|at| at <= now_ms) {
                due.extend(self.step_begins(index, now_ms, view));
            }
        }
        due
    }

    fn due_ms(&self, index: usize, zero_ms: i64) -> Option<i64> {
        let step = &self.scenario.timeline[index];
        let other = match &step.trigger {
            Trigger::After(other) | Trigger::AfterEndOf(other) => {
                let mut steps = self.scenario.timeline.iter();
                let other = steps.position(|it| it.name == *other);
                other.map(|other| &self.steps[other])
            }
            Trigger::At(_) | Trigger::Every { .. } | Trigger::When(_) => None,
        };
        self.steps[index].due_ms(step, zero_ms, other)
    }

    fn step_begins(&mut self, index: usize, now_ms: i64, view: &View) -> Option<Due> {
        self.steps[index].begun += 1;
        let (time, step) = (self.steps[index].begun, &self.scenario.timeline[index]);
        let (name, action) = (step.name.clone(), step.action.clone());
        let expected = match &action {
            Action::Call { expect, .. } => Some(expect.words()),
            _ => None,
        };
        let record = self.record(&name, time, Some(&action), now_ms, expected);
        let task = match action {
            Action::Call {
                region, node, call, ..
            } => Task::Call { region, node, call },
            Action::Fault { mut fault, lasting } => {
                let ends_ms = lasting.map(|it| now_ms + it.ms());
                self.steps[index].ended_ms = ends_ms;
                self.records[record].fault_ended_ms = ends_ms.map(|ms| self.since_zero(ms));
                fault.duration_ms = lasting.map(|it| it.ms().unsigned_abs());
                Task::Fault(fault)
            }
            Action::Heal(heal) => {
                self.faults_end(&heal, now_ms);
                Task::Heal(heal)
            }
            Action::Advance(span) => Task::Advance(span),
            Action::Probe(probe) => Task::Probe(probe),
            Action::Holds(condition) => {
                let held = Ending::Held(condition.holds(view));
                self.step_ended(index, record, now_ms, held);
                return None;
            }
        };
        Some(self.begin(name, Running::Step(index, record), task))
    }

    fn begin(&mut self, step: String, running: Running, task: Task) -> Due {
        let id = self.next_id;
        self.next_id += 1;
        self.running.insert(id, running);
        Due { id, step, task }
    }

    /// When something is due by time alone.
    pub fn next_time(&self) -> Option<i64> {
        if self.is_over() {
            return None;
        }
        let start_ms = self.zero_ms.or(self.start_ms)?;
        let steps = (0..self.steps.len()).filter_map(|index| self.due_ms(index, self.zero_ms?));
        steps
            .chain([start_ms + self.scenario.time_limit.ms()])
            .min()
    }

    /// Does the view decide about something that has not happened?
    pub fn is_watching(&self) -> bool {
        let waits = |(step, progress): (&crate::step::Step, &Progress)| {
            matches!(step.trigger, Trigger::When(_)) && progress.held_ms.is_none()
        };
        let mut steps = self.scenario.timeline.iter().zip(&self.steps);
        !self.is_over() && (self.zero_ms.is_none() || steps.any(waits))
    }

    /// Is nothing due any more?
    pub fn is_over(&self) -> bool {
        let spent = |(step, progress): (&crate::step::Step, &Progress)| progress.is_spent(step);
        let mut steps = self.scenario.timeline.iter().zip(&self.steps);
        let all = self.zero_ms.is_some() && self.running.is_empty() && steps.all(spent);
        self.trouble.is_some() || self.time_is_over || all
    }

    /// When the timeline began, in the driver's milliseconds.
    pub fn zero_ms(&self) -> Option<i64> {
        self.zero_ms
    }
}

#[cfg(test)]
mod tests;
