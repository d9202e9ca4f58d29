//! Text with wildcards and policy variables.
//!
//! `*` stands for any characters, `?` for one. `${aws:username}` stands for a
//! value of the request, `${aws:username, 'nobody'}` has a default, and `${*}`,
//! `${?}`, `${$}` are the characters themselves; variables exist since version
//! 2012-10-17. What a variable brings in is never a wildcard.

use std::borrow::Cow;

/// Whether text has policy variables, and wildcards.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    pub(crate) variables: bool,
    pub(crate) wildcards: bool,
}

/// What to compare with.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Vec<Piece>);

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    One,
    Many,
    Variable {
        /// In lower case.
        key: String,
        default: Option<String>,
    },
}

/// How characters compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    Sensitive,
    Ignored,
}

/// The value of a policy variable, by its name in lower case.
pub(crate) trait Variables {
    /// Nothing if the request has no such value, or several.
    fn value(&self, key: &str) -> Option<Cow<'_, str>>;
}

/// For elements that never have variables.
pub(crate) struct NoVariables;

impl Variables for NoVariables {
    fn value(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }
}

impl Pattern {
    pub(crate) fn new(text: &str, reading: Reading) -> Pattern {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            if reading.variables
                && let Some((inside, after)) = variable(rest)
            {
                rest = after;
                match inside {
                    "*" | "?" | "$" => plain.push_str(inside),
                    _ => {
                        flush(&mut plain, &mut pieces);
                        pieces.push(named(inside));
                    }
                }
                continue;
            }
            rest = &rest[first.len_utf8()..];
            match first {
                '*' if reading.wildcards => {
                    flush(&mut plain, &mut pieces);
                    if !matches!(pieces.last(), Some(Piece::Many)) {
                        pieces.push(Piece::Many);
                    }
                }
                '?' if reading.wildcards => {
                    flush(&mut plain, &mut pieces);
                    pieces.push(Piece::One);
                }
                _ => plain.push(first),
            }
        }
        flush(&mut plain, &mut pieces);
        Pattern(pieces)
    }

    /// Does it stand for everything, whatever the request?
    pub(crate) fn is_everything(&self) -> bool {
        matches!(self.0.as_slice(), [Piece::Many])
    }

    /// Does the whole text fit? Not if a variable has no value.
    pub(crate) fn matches(&self, text: &str, case: Case, variables: &impl Variables) -> bool {
        let is_variable = |piece: &Piece| matches!(piece, Piece::Variable { .. });
        match self.0.iter().any(is_variable) {
            false => fits(&self.0, text, case),
            true => self
                .filled_in(variables)
                .is_some_and(|pieces| fits(&pieces, text, case)),
        }
    }

    /// The pieces with values in the place of variables, if they have them.
    fn filled_in(&self, variables: &impl Variables) -> Option<Vec<Piece>> {
        let fill = |piece: &Piece| match piece {
            Piece::Variable { key, default } => {
                let value = variables.value(key).map(Cow::into_owned);
                value.or_else(|| default.clone()).map(Piece::Text)
            }
            Piece::Text(_) | Piece::One | Piece::Many => Some(piece.clone()),
        };
        self.0.iter().map(fill).collect()
    }
}

/// Without recursion: only the last `*` before a mismatch ever has to take more.
fn fits(pieces: &[Piece], text: &str, case: Case) -> bool {
    let (mut at, mut rest) = (0, text);
    let mut retry: Option<(usize, &str)> = None;
    loop {
        let after = match pieces.get(at) {
            Some(Piece::Many) if at + 1 == pieces.len() => return true,
            Some(Piece::Many) => {
                retry = Some((at + 1, rest));
                Some(rest)
            }
            Some(Piece::One) => after_one(rest),
            Some(Piece::Text(begin)) => after_text(rest, begin, case),
            Some(Piece::Variable { .. }) => unreachable!("variables are filled in before"),
            None if rest.is_empty() => return true,
            None => None,
        };
        match (after, retry) {
            (Some(after), _) => {
                at += 1;
                rest = after;
            }
            (None, Some((next, from))) => match after_one(from) {
                Some(from) => {
                    retry = Some((next, from));
                    (at, rest) = (next, from);
                }
                None => return false,
            },
            (None, None) => return false,
        }
    }
}

fn after_one(text: &str) -> Option<&str> {
    text.chars().next().map(|first| &text[first.len_utf8()..])
}

fn after_text<'t>(text: &'t str, begin: &str, case: Case) -> Option<&'t str> {
    match case {
        Case::Sensitive => text.strip_prefix(begin),
        // As bytes, where no character has a lower case of other bytes.
        Case::Ignored if text.is_ascii() && begin.is_ascii() => {
            let (same, rest) = text.split_at_checked(begin.len())?;
            same.eq_ignore_ascii_case(begin).then_some(rest)
        }
        Case::Ignored => {
            let mut rest = text.chars();
            for wanted in begin.chars() {
                let found = rest.next()?;
                if found != wanted && !found.to_lowercase().eq(wanted.to_lowercase()) {
                    return None;
                }
            }
            Some(rest.as_str())
        }
    }
}

fn flush(plain: &mut String, pieces: &mut Vec<Piece>) {
    if !plain.is_empty() {
        pieces.push(Piece::Text(std::mem::take(plain)));
    }
}

/// What stands between `${` and `}` at the beginning of a text, and what follows.
pub(crate) fn variable(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix("${")?.split_once('}')
}

fn named(inside: &str) -> Piece {
    let (key, default) = match inside.split_once(',') {
        None => (inside, None),
        Some((key, default)) => {
            let default = default.trim();
            let bare = default
                .strip_prefix('\'')
                .and_then(|it| it.strip_suffix('\''));
            (key, Some(bare.unwrap_or(default).to_owned()))
        }
    };
    Piece::Variable {
        key: key.trim().to_lowercase(),
        default,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Ann;

    impl Variables for Ann {
        fn value(&self, key: &str) -> Option<Cow<'_, str>> {
            (key == "aws:username").then_some(Cow::Borrowed("ann*"))
        }
    }

    fn glob(pattern: &str, text: &str) -> bool {
        let reading = Reading {
            variables: true,
            wildcards: true,
        };
        Pattern::new(pattern, reading).matches(text, Case::Sensitive, &Ann)
    }

    #[test]
    fn wildcards_stand_for_any_characters_and_for_one() {
        for (pattern, text, fits) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("?", "", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-", false),
            ("*ab", "aab", true),
            ("?é?", "xéy", true),
            ("**?", "é", true),
            ("Key", "key", false),
        ] {
            assert_eq!(glob(pattern, text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn the_value_of_a_variable_is_never_a_wildcard() {
        assert!(glob("home/${aws:username}/?", "home/ann*/x"));
        assert!(!glob("home/${aws:username}/?", "home/anna/x"));
    }

    #[test]
    fn a_variable_without_value_fits_nothing_unless_it_has_a_default() {
        assert!(!glob("${aws:nothing}", ""));
        assert!(glob("${aws:nothing, 'no one'}!", "no one!"));
    }

    #[test]
    fn special_characters_can_be_meant_themselves() {
        assert!(glob("${*}${?}${$}{x}", "*?${x}"));
        assert!(!glob("${*}", "a"));
    }

    #[test]
    fn without_variables_or_wildcards_all_is_text() {
        let reading = Reading {
            variables: false,
            wildcards: false,
        };
        let pattern = Pattern::new("${aws:username}*", reading);
        assert!(pattern.matches("${aws:username}*", Case::Sensitive, &Ann));
        assert!(pattern.matches("${AWS:userNAME}*", Case::Ignored, &Ann));
        assert!(!pattern.is_everything());
    }

    #[test]
    fn many_stars_take_no_longer_than_text_times_pattern() {
        let pattern = "*a".repeat(200) + "b";
        assert!(!glob(&pattern, &"a".repeat(5000)));
    }
}
