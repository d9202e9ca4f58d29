//! A set of numbers as a flag or a file writes it: `0-4,7`.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// A set of numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Numbers(pub BTreeSet<usize>);

/// Text that is no list of numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no number and no span of numbers, such as 3-7")]
pub struct ParseNumbersError(String);

/// The greatest number that a span may end with: more than any run has.
const GREATEST: usize = 10_000_000;

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut spans: Vec<(usize, usize)> = Vec::new();
        for number in &self.0 {
            match spans.last_mut() {
                Some((_, last)) if *last + 1 == *number => *last = *number,
                Some(_) | None => spans.push((*number, *number)),
            }
        }
        for (index, (first, last)) in spans.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            match first == last {
                true => write!(f, "{comma}{first}")?,
                false => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

impl FromStr for Numbers {
    type Err = ParseNumbersError;

    fn from_str(text: &str) -> Result<Numbers, ParseNumbersError> {
        let mut numbers = BTreeSet::new();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            match (first.parse::<usize>(), last.parse::<usize>()) {
                (Ok(first), Ok(last)) if last <= GREATEST => numbers.extend(first..=last),
                _ => return Err(ParseNumbersError(part.into())),
            }
        }
        Ok(Numbers(numbers))
    }
}

impl TryFrom<String> for Numbers {
    type Error = ParseNumbersError;

    fn try_from(text: String) -> Result<Numbers, ParseNumbersError> {
        text.parse()
    }
}

impl JsonSchema for Numbers {
    fn schema_name() -> Cow<'static, str> {
        "Numbers".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Numbers and spans of numbers, such as 0-4,7.",
            "type": "string",
            "pattern": "^([0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*)?$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_written() {
        let numbers = Numbers(BTreeSet::from([0, 1, 2, 5, 7, 8]));
        assert_eq!(numbers.to_string(), "0-2,5,7-8");
        assert_eq!("0-2,5,7-8".parse(), Ok(numbers));
        assert_eq!("".parse(), Ok(Numbers::default()));
        for wrong in ["1,x", "0-99999999999"] {
            assert!(wrong.parse::<Numbers>().is_err(), "{wrong}");
        }
    }
}
