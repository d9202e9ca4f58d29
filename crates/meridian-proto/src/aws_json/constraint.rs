//! AWS's limits on values, and its words for a value that breaks one.

use std::{fmt, sync::LazyLock};

use regex::Regex;

use super::Path;

/// Limits shared by all members that mean the same thing. Everything set must
/// hold.
pub(crate) struct Shape {
    /// Characters of a string, bytes of a blob, items of a list: least, most.
    pub(crate) length: Option<(usize, usize)>,
    /// Least and greatest number.
    pub(crate) value: Option<(i32, i32)>,
    pub(crate) pattern: Option<Pattern>,
    /// Values of an AWS enum; empty for other shapes.
    pub(crate) one_of: &'static [&'static str],
    /// What every item of a list must satisfy.
    pub(crate) item: Option<&'static Shape>,
    /// A missing value is reported like a wrong one.
    pub(crate) sensitive: bool,
}

/// A regular expression for the whole value.
pub(crate) struct Pattern {
    /// As AWS prints it.
    pub(crate) shown: &'static str,
    pub(crate) regex: LazyLock<Regex>,
}

/// Compiles `pattern` to match whole values only.
pub(crate) fn whole(pattern: &str) -> Regex {
    Regex::new(&format!("^(?:{pattern})$")).expect("the build has compiled it")
}

impl Shape {
    pub(super) fn shown<'a>(&self, value: &'a dyn fmt::Display) -> Shown<'a> {
        match self.sensitive {
            true => Shown::Nothing,
            false => Shown::Value(value),
        }
    }

    pub(super) fn is_broken_by(&self, text: &str) -> bool {
        let mut broken = false;
        self.broken_by_text(text, |_| broken = true);
        broken
    }

    pub(super) fn broken_by_text(&self, text: &str, mut report: impl FnMut(Limit)) {
        self.broken_by_length(text.chars().count(), &mut report);
        if let Some(pattern) = &self.pattern
            && !pattern.regex.is_match(text)
        {
            report(Limit::Pattern(pattern.shown));
        }
        if !self.one_of.is_empty() && !self.one_of.contains(&text) {
            report(Limit::OneOf(self.one_of));
        }
    }

    pub(super) fn broken_by_length(&self, length: usize, mut report: impl FnMut(Limit)) {
        match self.length {
            Some((_, max)) if length > max => report(Limit::LengthMax(max)),
            Some((min, _)) if length < min => report(Limit::LengthMin(min)),
            _ => {}
        }
    }

    pub(super) fn broken_by_number(&self, number: i32, report: impl FnOnce(Limit)) {
        match self.value {
            Some((_, max)) if number > max => report(Limit::ValueMax(max)),
            Some((min, _)) if number < min => report(Limit::ValueMin(min)),
            _ => {}
        }
    }

    /// All limits, as AWS lists them for the items of a list.
    pub(super) fn limits(&self) -> Vec<String> {
        let mut limits = Vec::new();
        if let Some((min, max)) = self.length {
            limits.extend([Limit::LengthMax(max), Limit::LengthMin(min)]);
        }
        limits.extend(self.pattern.as_ref().map(|p| Limit::Pattern(p.shown)));
        if !self.one_of.is_empty() {
            limits.push(Limit::OneOf(self.one_of));
        }
        limits.iter().map(Limit::to_string).collect()
    }
}

/// One limit of a shape.
pub(super) enum Limit {
    LengthMin(usize),
    LengthMax(usize),
    ValueMin(i32),
    ValueMax(i32),
    Pattern(&'static str),
    OneOf(&'static [&'static str]),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Member must ")?;
        match self {
            Limit::LengthMin(min) => write!(f, "have length greater than or equal to {min}"),
            Limit::LengthMax(max) => write!(f, "have length less than or equal to {max}"),
            Limit::ValueMin(min) => write!(f, "have value greater than or equal to {min}"),
            Limit::ValueMax(max) => write!(f, "have value less than or equal to {max}"),
            Limit::Pattern(shown) => write!(f, "satisfy regular expression pattern: {shown}"),
            Limit::OneOf(values) => write!(f, "satisfy enum value set: [{}]", values.join(", ")),
        }
    }
}

/// What an error text tells about a value.
pub(super) enum Shown<'a> {
    Value(&'a dyn fmt::Display),
    Null,
    Nothing,
}

pub(super) fn violation(shown: Shown<'_>, at: &Path<'_>, broken: impl fmt::Display) -> String {
    let value = match shown {
        Shown::Value(value) => format!("Value '{value}'"),
        Shown::Null => "Value null".into(),
        Shown::Nothing => "Value".into(),
    };
    format!("{value} at '{at}' failed to satisfy constraint: {broken}")
}
