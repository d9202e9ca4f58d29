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
    let scenario = shape(value, &places)?;
    let found = check::mistakes(&scenario);
    let mut mistakes: Vec<Mistake> = found
        .into_iter()
        .map(|(path, what)| Mistake::at(places.of(&path), what))
        .collect();
    mistakes.sort();
    mistakes.dedup();
    match mistakes.is_empty() {
        true => Ok(scenario),
        false => Err(mistakes),
    }
}

/// Reads the parts; a part that cannot be read is noted and taken away, so that
/// the others are read too.
fn shape(mut value: Value, places: &Places) -> Result<Scenario, Vec<Mistake>> {
    let mut mistakes = BTreeSet::new();
    loop {
        let error = match serde_path_to_error::deserialize::<_, Scenario>(value.clone()) {
            Ok(scenario) if mistakes.is_empty() => return Ok(scenario),
            Ok(_) => break,
            Err(error) => error,
        };
        let path = steps(error.path());
        let what = error.inner().to_string();
        mistakes.insert(Mistake::at(places.of(&path), what));
        if mistakes.len() >= MISTAKES_MAX || !take_away(&mut value, &path) {
            break;
        }
    }
    Err(mistakes.into_iter().collect())
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
/// field of the whole away; false if there was neither.
fn take_away(value: &mut Value, path: &[String]) -> bool {
    let Some((field, rest)) = path.split_first() else {
        return false;
    };
    let Some(map) = value.as_object_mut() else {
        return false;
    };
    let index = rest.first().and_then(|it| it.parse::<usize>().ok());
    let items = map.get_mut(field).and_then(Value::as_array_mut);
    let element = items.zip(index).and_then(|(items, at)| items.get_mut(at));
    let replace = |place: &mut Value, harmless: Value| {
        let before = std::mem::replace(place, harmless);
        before != *place
    };
    match (field.as_str(), element) {
        ("timeline", Some(step)) => replace(step, json!({"step": "-", "at": "0s", "heal": "all"})),
        ("keys", Some(key)) => replace(
            key,
            json!({"name": "-", "origin": "generated", "region": "-"}),
        ),
        ("name", _) => map.get_mut(field).is_some_and(|it| replace(it, "-".into())),
        ("version", _) => map
            .get_mut(field)
            .is_some_and(|it| replace(it, VERSION.into())),
        _ => map.remove(field).is_some(),
    }
}

#[cfg(test)]
mod tests;
