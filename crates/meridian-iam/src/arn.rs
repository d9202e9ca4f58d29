//! ARNs with wildcards: each of the six parts is compared by itself.
//!
//! An ARN with fewer parts is completed with `*`, as IAM does.

use crate::pattern::{Case, Pattern, Reading, Variables, variable};

const PARTS: usize = 6;

/// Which ARNs are meant.
#[derive(Clone, Debug)]
pub(crate) enum ArnPattern {
    /// `*`, which is also anything that is no ARN.
    Everything,
    Parts(Vec<Pattern>),
}

impl ArnPattern {
    pub(crate) fn new(text: &str, variables: bool) -> ArnPattern {
        let reading = Reading {
            variables,
            wildcards: true,
        };
        if Pattern::new(text, reading).is_everything() {
            return ArnPattern::Everything;
        }
        let mut parts: Vec<Pattern> = split(text, variables)
            .into_iter()
            .map(|part| Pattern::new(part, reading))
            .collect();
        while parts.len() < PARTS {
            parts.push(Pattern::new("*", reading));
        }
        ArnPattern::Parts(parts)
    }

    pub(crate) fn matches(&self, arn: &str, variables: &impl Variables) -> bool {
        let ArnPattern::Parts(patterns) = self else {
            return true;
        };
        let mut parts = arn.splitn(PARTS, ':');
        let mut each = patterns.iter();
        each.all(|pattern| {
            let part = parts.next();
            part.is_some_and(|part| pattern.matches(part, Case::Sensitive, variables))
        })
    }
}

/// At the first five colons that are not inside a variable.
fn split(text: &str, variables: bool) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut begin, mut at) = (0, 0);
    while at < text.len() && parts.len() < PARTS - 1 {
        let rest = &text[at..];
        if variables && let Some((_, after)) = variable(rest) {
            at = text.len() - after.len();
            continue;
        }
        let first = rest.chars().next().expect("at is before the end");
        if first == ':' {
            parts.push(&text[begin..at]);
            begin = at + 1;
        }
        at += first.len_utf8();
    }
    parts.push(&text[begin..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::NoVariables;

    const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/a:b";

    fn fits(pattern: &str, arn: &str) -> bool {
        ArnPattern::new(pattern, true).matches(arn, &NoVariables)
    }

    #[test]
    fn a_wildcard_stays_in_its_part() {
        assert!(fits("arn:aws:kms:*:111122223333:key/*", KEY));
        assert!(fits("arn:aws:kms:us-*-?:*:*/a:b", KEY));
        assert!(!fits("arn:aws:kms:*:key/a:b", KEY));
        assert!(!fits("arn:aws:kms:*:111122223333:alias/*", KEY));
    }

    #[test]
    fn missing_parts_are_any() {
        assert!(fits("arn:aws:kms", KEY));
        assert!(fits("arn:aws:kms:us-east-1", KEY));
        assert!(!fits("arn:aws:sqs", KEY));
    }

    #[test]
    fn only_a_star_fits_what_is_no_arn() {
        assert!(fits("*", "*"));
        assert!(fits("**", "anything"));
        assert!(!fits("arn:*", "anything"));
    }

    #[test]
    fn a_colon_in_a_variable_parts_nothing() {
        assert!(fits(
            "arn:aws:kms:us-east-1:${aws:none, '111122223333'}:key/*",
            KEY
        ));
    }
}
