//! A length of time as a scenario writes it: `200ms`, `5s`, `10m`, `8d`.

use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A length of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    ms: i64,
}

/// Longer than any story: 100 years, in milliseconds.
const LONGEST_MS: u128 = 100 * 365 * 86_400_000;

impl Span {
    /// So many milliseconds; none for less than none.
    pub const fn of_ms(ms: i64) -> Span {
        Span {
            ms: if ms < 0 { 0 } else { ms },
        }
    }

    /// In milliseconds.
    pub const fn ms(self) -> i64 {
        self.ms
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = Duration::from_millis(self.ms.unsigned_abs());
        // Days stay days, as they were written.
        let days = whole.as_secs() / 86_400;
        let rest = whole - Duration::from_secs(days * 86_400);
        match (days, rest.is_zero()) {
            (0, _) => write!(f, "{}", humantime::format_duration(rest)),
            (_, true) => write!(f, "{days}d"),
            (_, false) => write!(f, "{days}d {}", humantime::format_duration(rest)),
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Span;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a length of time with its unit, such as 200ms, 5s, 10m or 8d")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Span, E> {
                let read = humantime::parse_duration(text).ok();
                let ms = read.map(|it| it.as_millis());
                match ms.filter(|ms| *ms <= LONGEST_MS).map(i64::try_from) {
                    Some(Ok(ms)) => Ok(Span { ms }),
                    Some(Err(_)) | None => {
                        Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
                    }
                }
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A length of time with its unit, such as 200ms, 5s, 10m or 8d.",
            "type": "string",
            "pattern": "^[0-9]",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Span, String> {
        serde_json::from_value(text.into()).map_err(|error| error.to_string())
    }

    #[test]
    fn spans_have_units_and_are_shown_with_them() {
        for (text, ms) in [("200ms", 200), ("1m 30s", 90_000), ("8d", 8 * 86_400_000)] {
            assert_eq!(read(text), Ok(Span { ms }));
            assert_eq!(Span { ms }.to_string(), text);
        }
        assert_eq!(Span::of_ms(129_600_000).to_string(), "1d 12h");
    }

    #[test]
    fn what_is_no_span_is_told_what_one_looks_like() {
        for wrong in ["5", "soon", "-3s", "999999y"] {
            assert!(
                read(wrong).unwrap_err().contains("such as 200ms"),
                "{wrong}"
            );
        }
    }
}
