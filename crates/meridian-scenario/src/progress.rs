//! How far one step is.

use crate::step::{Step, Trigger};

/// How far one step is; times in the driver's milliseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    /// How often it has begun.
    pub(crate) begun: u32,
    /// When it was done for the first time.
    pub(crate) done_ms: Option<i64>,
    /// When its fault has ended, or will.
    pub(crate) ended_ms: Option<i64>,
    /// When its condition held for the first time.
    pub(crate) held_ms: Option<i64>,
}

impl Progress {
    /// Will it not begin again?
    pub(crate) fn is_spent(&self, step: &Step) -> bool {
        match &step.trigger {
            Trigger::Every {
                first,
                period,
                until,
                times,
            } => {
                let next_ms = first.ms() + i64::from(self.begun) * period.ms();
                let late = until.is_some_and(|until| next_ms > until.ms());
                late || times.is_some_and(|times| self.begun >= times)
            }
            Trigger::At(_) | Trigger::When(_) | Trigger::After(_) | Trigger::AfterEndOf(_) => {
                self.begun > 0
            }
        }
    }

    /// When it begins next, if that is known; `other` is the progress of the
    /// step that it waits for.
    pub(crate) fn due_ms(
        &self,
        step: &Step,
        zero_ms: i64,
        other: Option<&Progress>,
    ) -> Option<i64> {
        if self.is_spent(step) {
            return None;
        }
        let from_ms = match &step.trigger {
            Trigger::At(at) => Some(zero_ms + at.ms()),
            Trigger::Every { first, period, .. } => {
                Some(zero_ms + first.ms() + i64::from(self.begun) * period.ms())
            }
            Trigger::When(_) => self.held_ms,
            Trigger::After(_) => other?.done_ms,
            Trigger::AfterEndOf(_) => other?.ended_ms,
        };
        from_ms.map(|from_ms| from_ms + step.delay.ms())
    }
}
