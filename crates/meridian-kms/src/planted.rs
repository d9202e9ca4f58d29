//! Bugs planted on purpose, so that whoever watches over a promise can be seen
//! to notice. Each breaks one promise. They exist only with the feature
//! `planted-bugs`, which nothing but tests switches on, and even there they
//! sleep until one is planted in the running thread.

/// A bug in the rules of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// New material may be rotated to as soon as the primary holds it (R1).
    ReplicasNotAwaited,
    /// A rotation switches without the members' confirmation (R1).
    SwitchUnprepared,
    /// Material that is being rotated to does not decrypt yet (R2).
    PreparedDoesNotDecrypt,
    /// An older fact wins over a newer one (R3).
    OlderFactWins,
    /// The successor goes on in the old primary's epoch (R4).
    EpochKept,
    /// Imported material travels like generated one (R6).
    ImportedMaterialSent,
    /// A replica does not tell what bytes it holds (R7).
    ReportForgotten,
    /// A rotation that is asked for again is counted again.
    RotationCountedTwice,
    /// A set accepts rotations on demand without end.
    RotationsUnlimited,
    /// Whatever bytes are imported as existing material are taken for the
    /// newest.
    BytesNotCompared,
    /// A replica goes on with its own current material when the set switches.
    SwitchIgnored,
    /// A replica takes new material like a primary.
    ReplicaOriginates,
    /// A replica never leaves the state in which it is created.
    StaysCreating,
    /// A cancelled deletion leaves the key enabled.
    CancelEnables,
    /// A primary does not wait for its replicas to be deleted.
    PrimaryGoesFirst,
}

#[cfg(feature = "planted-bugs")]
mod switch {
    use std::cell::Cell;

    use super::Bug;

    thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// Plants a bug in this thread, or takes it out.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.set(bug);
    }

    pub(crate) fn is_planted(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }
}

#[cfg(feature = "planted-bugs")]
pub(crate) use switch::is_planted;
#[cfg(feature = "planted-bugs")]
pub use switch::plant;

/// Without the feature there is no bug to plant.
#[cfg(not(feature = "planted-bugs"))]
pub(crate) const fn is_planted(_: Bug) -> bool {
    false
}
