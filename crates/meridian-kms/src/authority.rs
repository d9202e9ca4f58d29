//! By what rules a region lets callers in.

/// How authorization is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// Every caller may do everything with what its own account owns. What
    /// other accounts own takes a grant.
    Open,
}
