//! By what rules a region lets callers in.

use meridian_iam::Identity;

/// How authorization is decided.
#[derive(Clone, Copy)]
pub enum Authority<'a> {
    /// Every caller may do everything with what its own account owns. What
    /// other accounts own takes a grant or a key policy.
    Open,
    /// By policies and grants. Who is not known has no identity policies.
    Enforced(Option<&'a Identity>),
}
