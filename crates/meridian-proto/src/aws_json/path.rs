//! Where in a request a value stands, as AWS's error texts name it.

use std::fmt;

/// Path of a member: `keyId`, or `tags.1.member.tagKey` inside a list. Built
/// on the stack on the way down and printed only for a violation.
#[derive(Debug, Clone, Copy)]
pub struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    name: &'static str,
    /// Counted from 1.
    item: Option<usize>,
}

impl<'a> Path<'a> {
    /// The request itself.
    pub const ROOT: Path<'static> = Path {
        parent: None,
        name: "",
        item: None,
    };

    pub(crate) fn member(&'a self, name: &'static str) -> Path<'a> {
        Path {
            parent: Some(self),
            name,
            item: None,
        }
    }

    /// The item at `index`, counted from 0, of the list at this path.
    pub(crate) fn item(self, index: usize) -> Path<'a> {
        Path {
            item: Some(index + 1),
            ..self
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent.filter(|parent| parent.parent.is_some()) {
            write!(f, "{parent}.")?;
        }
        f.write_str(self.name)?;
        match self.item {
            Some(item) => write!(f, ".{item}.member"),
            None => Ok(()),
        }
    }
}
