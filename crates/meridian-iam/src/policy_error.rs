//! Why a text is no policy.

/// What is wrong with a policy; its text is that of
/// MalformedPolicyDocumentException.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A statement of a key policy names nobody.
    #[error("Policy contains a statement with no principal.")]
    NoPrincipal,
    /// A principal is neither `*`, an account, nor the ARN of an identity.
    #[error("Policy contains a statement with one or more invalid principals.")]
    InvalidPrincipals,
    /// Not of the policy grammar.
    #[error("Policy contains a syntax error: {0}.")]
    // fidelity: assumed, AWS's texts for other mistakes are not recorded.
    Syntax(String),
}

impl PolicyError {
    pub(crate) fn syntax(what: impl Into<String>) -> PolicyError {
        PolicyError::Syntax(what.into())
    }
}
