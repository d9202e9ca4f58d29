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
        let mut tokens = Vec::with_capacity(self.0.len());
        for piece in &self.0 {
            tokens.push(match piece {
                Piece::Text(text) => Token::Text(Cow::Borrowed(text.as_str())),
                Piece::One => Token::One,
                Piece::Many => Token::Many,
                Piece::Variable { key, default } => {
                    let value = variables.value(key);
                    match value.or_else(|| default.as_deref().map(Cow::Borrowed)) {
                        Some(value) => Token::Text(value),
                        None => return false,
                    }
                }
            });
        }
        fits(&tokens, text, case)
    }
}

enum Token<'a> {
    Text(Cow<'a, str>),
    One,
    Many,
}

/// Without recursion: only the last `*` before a mismatch ever has to take more.
fn fits(tokens: &[Token<'_>], text: &str, case: Case) -> bool {
    let (mut token, mut rest) = (0, text);
    let mut retry: Option<(usize, &str)> = None;
    loop {
        let after = match tokens.get(token) {
            Some(Token::Many) => {
                retry = Some((token + 1, rest));
                Some(rest)
            }
            Some(Token::One) => after_one(rest),
            Some(Token::Text(begin)) => after_text(rest, begin, case),
            None if rest.is_empty() => return true,
            None => None,
        };
        match (after, retry) {
            (Some(after), _) => {
                token += 1;
                rest = after;
            }
            (None, Some((next, from))) => match after_one(from) {
                Some(from) => {
                    retry = Some((next, from));
                    (token, rest) = (next, from);
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
