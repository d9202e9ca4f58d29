//! From a file to a scenario, or to every mistake in it with its place.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};
use serde_path_to_error::Segment;

use crate::check;
use crate::places::{self, Place, Places};
use crate::scenario::{Scenario, VERSION};

/// Mistakes that are named in one reading, at most.
const MISTAKES_MAX: usize = 100;

/// Something wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Mistake {
    /// The line, counted from 1.
    pub line: u64,
    /// The column, counted from 1.
    pub column: u64,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.what)
    }
}

impl Mistake {
    fn at(place: Place, what: String) -> Mistake {
        Mistake {
            line: place.line,
            column: place.column,
            what,
        }
    }
}

/// Reads a scenario.
///
/// # Errors
/// Every mistake that can be told without guessing, in the order of the file:
/// first those of its shape, and if there are none those of its meaning.
pub fn read(text: &str) -> Result<Scenario, Vec<Mistake>> {
    let (value, places) =
        places::read(text).map_err(|(place, what)| vec![Mistake::at(place, what)])?;
    if let Some(version) = value.get("version").and_then(Value::as_u64)
        && version != u64::from(VERSION)
    {
        let what = format!("version {version} is not known; this release reads version {VERSION}");
        return Err(vec![Mistake::at(places.of(&["version".into()]), what)]);
    }
    let mut shape = Shape::default();
    let scenario = shape.read(value, &places);
    let Shape {
        mut mistakes,
        words,
    } = shape;
    if let Some(scenario) = &scenario {
        let found = check::mistakes(scenario, &words).into_iter();
        mistakes.extend(found.map(|(path, what)| Mistake::at(places.of(&path), what)));
    }
    match scenario.filter(|_| mistakes.is_empty()) {
        Some(scenario) => Ok(scenario),
        None => Err(mistakes.into_iter().collect()),
    }
}

/// What is wrong with the shape of a file.
#[derive(Default)]
struct Shape {
    mistakes: BTreeSet<Mistake>,
    /// The words of the parts that could not be read.
    words: BTreeSet<String>,
}

impl Shape {
    /// Reads the parts; a part that cannot be read is noted and taken away, so
    /// that the others are read too.
    fn read(&mut self, mut value: Value, places: &Places) -> Option<Scenario> {
        while self.mistakes.len() < MISTAKES_MAX {
            let error = match serde_path_to_error::deserialize(value.clone()) {
                Ok(scenario) => return Some(scenario),
                Err(error) => error,
            };
            let path = steps(error.path());
            let what = error.inner().to_string();
            self.mistakes.insert(Mistake::at(places.of(&path), what));
            let taken = take_away(&mut value, &path)?;
            note_words(&taken, &mut self.words);
        }
        None
    }
}

/// Every word in a value.
fn note_words(value: &Value, words: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            words.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|it| note_words(it, words)),
        Value::Object(map) => map.values().for_each(|it| note_words(it, words)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A path as the places have it.
fn steps(path: &serde_path_to_error::Path) -> Vec<String> {
    let step = |segment: &Segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { variant } => Some(variant.clone()),
        Segment::Unknown => None,
    };
    path.iter().map_while(step).collect()
}

/// Puts something harmless in the place of an element of a list, or takes a
/// field of the whole away. Gives what was there; nothing if that changes
/// nothing.
fn take_away(value: &mut Value, path: &[String]) -> Option<Value> {
    let (field, rest) = path.split_first()?;
    let map = value.as_object_mut()?;
    let index = rest.first().and_then(|it| it.parse::<usize>().ok());
    let items = map.get_mut(field).and_then(Value::as_array_mut);
    let element = items.zip(index).and_then(|(items, at)| items.get_mut(at));
    let (place, harmless) = match (field.as_str(), element) {
        ("timeline", Some(step)) => {
            let unnamed = Value::from(format!("step {}", rest[0]));
            let name = step.get("step").filter(|it| it.is_string());
            let name = name.cloned().unwrap_or(unnamed);
            (step, json!({"step": name, "at": "0s", "advance": "0s"}))
        }
        ("keys", Some(key)) => {
            let name = format!("key {}", rest[0]);
            let region = "us-east-1";
            (
                key,
                json!({"name": name, "origin": "generated", "region": region}),
            )
        }
        ("name", _) => (map.get_mut(field)?, "unnamed".into()),
        ("version", _) => (map.get_mut(field)?, VERSION.into()),
        _ => return map.remove(field),
    };
    (*place != harmless).then(|| std::mem::replace(place, harmless))
}

#[cfg(test)]
mod tests;
