//! Where a fault can hit.

/// A place that asks before it acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site<'a> {
    /// The link between two regions, in one direction.
    Link {
        /// The sending region.
        from: &'a str,
        /// The receiving region.
        to: &'a str,
    },
}
