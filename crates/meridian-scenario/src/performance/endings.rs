//! How what was begun ends, and the record of it.

use super::{Performance, Running};
use crate::action::{Action, Heal};
use crate::answer::CallEnd;
use crate::record::{Ending, StepRecord};

impl Performance {
    /// What was due has come to its end.
    pub fn ended(&mut self, id: u64, now_ms: i64, ending: Ending) {
        match self.running.remove(&id) {
            Some(Running::Setup(_)) if matches!(ending, Ending::Call(CallEnd::Ok(_))) => {}
            Some(Running::Setup(words)) => {
                let what = ending.words();
                self.trouble = Some(format!("the keys to begin with: {words}: {what}"));
            }
            Some(Running::Step(index, record)) => self.step_ended(index, record, now_ms, ending),
            Some(Running::Profile) => {
                if let Ending::Failed(what) = ending {
                    self.trouble = Some(format!("the profile: {what}"));
                }
            }
            Some(Running::Workload(record)) => self.note_end(record, now_ms, ending, None),
            None => {}
        }
    }

    pub(super) fn step_ended(&mut self, index: usize, record: usize, now_ms: i64, ending: Ending) {
        self.steps[index].done_ms.get_or_insert(now_ms);
        let met = match (&self.scenario.timeline[index].action, &ending) {
            (Action::Call { expect, .. }, Ending::Call(end)) => Some(expect.is_met_by(end)),
            _ => None,
        };
        self.note_end(record, now_ms, ending, met);
    }

    fn note_end(&mut self, record: usize, now_ms: i64, ending: Ending, met: Option<bool>) {
        let ended_ms = self.since_zero(now_ms);
        let record = &mut self.records[record];
        record.ended_ms = Some(ended_ms);
        record.met = met.or(match &ending {
            Ending::NotRun(_) => None,
            Ending::Done | Ending::Held(true) | Ending::Probed(Ok(())) => Some(true),
            Ending::Call(CallEnd::Ok(_)) => Some(true),
            Ending::Call(_)
            | Ending::Held(false)
            | Ending::Probed(Err(_))
            | Ending::Failed(_)
            | Ending::Unfinished
            | Ending::NeverDue => Some(false),
        });
        record.ending = ending;
    }

    /// As the record counts.
    pub(super) fn since_zero(&self, ms: i64) -> i64 {
        ms - self.zero_ms.unwrap_or(ms)
    }

    /// Faults that have begun and not ended are over now.
    pub(super) fn faults_end(&mut self, heal: &Heal, now_ms: i64) {
        let told_ms = self.since_zero(now_ms);
        for (step, progress) in self.scenario.timeline.iter().zip(&mut self.steps) {
            let healed = match (&step.action, heal) {
                (Action::Fault { .. }, Heal::All) => true,
                (Action::Fault { fault, .. }, Heal::One(id)) => fault.id == *id,
                _ => false,
            };
            if healed && progress.begun > 0 {
                let end_ms = progress.ended_ms.unwrap_or(now_ms);
                progress.ended_ms = Some(end_ms.min(now_ms));
                for record in self.records.iter_mut().filter(|it| it.step == step.name) {
                    let end_ms = record.fault_ended_ms.unwrap_or(told_ms);
                    record.fault_ended_ms = Some(end_ms.min(told_ms));
                }
            }
        }
    }

    /// Notes that something has begun; gives the place of its record.
    pub(super) fn record(
        &mut self,
        step: &str,
        time: u32,
        action: Option<&Action>,
        now_ms: i64,
        expected: Option<String>,
    ) -> usize {
        let began_ms = self.since_zero(now_ms);
        self.records.push(StepRecord {
            time,
            began_ms: Some(began_ms),
            ending: Ending::Unfinished,
            expected,
            ..untouched(step, action)
        });
        self.records.len() - 1
    }

    /// The record, in the order in which things began, and why the timeline
    /// could not begin. What never was due is at the end.
    pub fn into_records(mut self) -> (Vec<StepRecord>, Option<String>) {
        for (step, progress) in self.scenario.timeline.iter().zip(&self.steps) {
            if progress.begun == 0 {
                self.records.push(untouched(&step.name, Some(&step.action)));
            }
        }
        let unsettled = self.zero_ms.is_none().then(|| {
            let limit = self.scenario.time_limit;
            format!("the keys to begin with were not there after {limit}")
        });
        (self.records, self.trouble.or(unsettled))
    }
}

/// The record of something that has not begun.
fn untouched(step: &str, action: Option<&Action>) -> StepRecord {
    let work = || "work in the background".to_owned();
    StepRecord {
        step: step.to_owned(),
        time: 1,
        action: action.map_or_else(work, Action::words),
        regions: action.map(Action::regions).unwrap_or_default(),
        began_ms: None,
        ended_ms: None,
        fault_ended_ms: None,
        ending: Ending::NeverDue,
        expected: None,
        met: Some(false),
    }
}
