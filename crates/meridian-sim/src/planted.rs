//! Bugs of the ground that regions stand on, planted on purpose: each breaks
//! one promise, and the judge must say so. Only a test can plant one.

/// A bug in what the simulator models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// A disk loses an entry that it had said to be flushed.
    FlushLies,
    /// A node that believes to lead does not confirm it before a strong read.
    ReadNotConfirmed,
    /// A call that was committed is refused as if nothing had happened.
    RefusedAfterCommit,
    /// A node answers from a view that is older than one it has shown.
    ViewGoesBack,
    /// A node that starts again answers before it has caught up.
    RestartedShowsItsPast,
    /// A node that starts again leaves out an entry of its log.
    ReplaySkips,
    /// A region that is cut off does not answer its own cryptographic calls.
    ReadsAskThePrimary,
    /// A region whose links all lose or hold back messages answers no
    /// cryptographic call until they do not.
    ReadsAwaitLinks,
    /// A read from an older view is answered from one that is older still.
    StalerThanAllowed,
    /// A push that was lost is noticed after a minute.
    LossNoticedLate,
}
