//! What a fault does to whoever asked.

/// The effect of all active faults together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It arrives this much later; zero when nothing is wrong.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// It never arrives; the sender notices by its time-out.
    Drop,
}

impl Effect {
    /// Nothing is wrong.
    pub const PASS: Effect = Effect::Delay { ms: 0 };

    /// Two faults at once: a drop wins, delays add up.
    pub fn and(self, other: Effect) -> Effect {
        match (self, other) {
            (Effect::Delay { ms: a }, Effect::Delay { ms: b }) => Effect::Delay {
                ms: a.saturating_add(b),
            },
            (Effect::Drop, _) | (_, Effect::Drop) => Effect::Drop,
        }
    }
}
