//! Where things stand in a file: YAML as JSON values, and the line and column
//! of each.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::{Location, Spanned};

/// Line and column, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: u64,
    pub(crate) column: u64,
}

impl From<Location> for Place {
    fn from(location: Location) -> Place {
        Place {
            line: location.line().max(1),
            column: location.column().max(1),
        }
    }
}

/// The places of all values, by the path that leads to them.
#[derive(Default)]
pub(crate) struct Places(BTreeMap<Vec<String>, Place>);

impl Places {
    /// Where a value stands, or else what contains it.
    pub(crate) fn of(&self, path: &[String]) -> Place {
        let ends = (0..=path.len()).rev();
        let found = ends.map(|end| self.0.get(&path[..end])).find_map(|it| it);
        *found.unwrap_or(&Place { line: 1, column: 1 })
    }
}

/// Reads YAML.
///
/// # Errors
/// Where it is no YAML, and why.
pub(crate) fn read(text: &str) -> Result<(Value, Places), (Place, String)> {
    let root: Spanned<Node> = serde_saphyr::from_str(text).map_err(|error| {
        let place = error.location().unwrap_or(Location::UNKNOWN);
        (place.into(), error.without_snippet().to_string())
    })?;
    let mut places = Places::default();
    let value = root.value.into_value(&mut Vec::new(), &mut places);
    Ok((value, places))
}

enum Node {
    Scalar(Value),
    List(Vec<Spanned<Node>>),
    Map(Vec<(Spanned<String>, Node)>),
}

impl Node {
    fn into_value(self, path: &mut Vec<String>, places: &mut Places) -> Value {
        match self {
            Node::Scalar(value) => value,
            Node::List(items) => {
                let item = |(index, item): (usize, Spanned<Node>)| {
                    path.push(index.to_string());
                    places.0.insert(path.clone(), item.referenced.into());
                    let value = item.value.into_value(path, places);
                    path.pop();
                    value
                };
                Value::Array(items.into_iter().enumerate().map(item).collect())
            }
            Node::Map(entries) => {
                let mut map = Map::new();
                for (key, node) in entries {
                    path.push(key.value.clone());
                    places.0.insert(path.clone(), key.referenced.into());
                    map.insert(key.value, node.into_value(path, places));
                    path.pop();
                }
                Value::Object(map)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(AnyNode)
    }
}

struct AnyNode;

impl<'de> Visitor<'de> for AnyNode {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, a list or a map with names")
    }

    fn visit_bool<E>(self, it: bool) -> Result<Node, E> {
        Ok(Node::Scalar(it.into()))
    }

    fn visit_i64<E>(self, it: i64) -> Result<Node, E> {
        Ok(Node::Scalar(it.into()))
    }

    fn visit_u64<E>(self, it: u64) -> Result<Node, E> {
        Ok(Node::Scalar(it.into()))
    }

    fn visit_f64<E>(self, it: f64) -> Result<Node, E> {
        let number = Number::from_f64(it).map_or(Value::Null, Value::Number);
        Ok(Node::Scalar(number))
    }

    fn visit_str<E>(self, it: &str) -> Result<Node, E> {
        Ok(Node::Scalar(it.into()))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, it: D) -> Result<Node, D::Error> {
        Node::deserialize(it)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Node::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(places: &Places, path: &[&str]) -> (u64, u64) {
        let path: Vec<String> = path.iter().map(|it| (*it).to_owned()).collect();
        let place = places.of(&path);
        (place.line, place.column)
    }

    #[test]
    fn every_value_is_found_at_its_place() {
        let text = "name: a\nlist:\n  - x: 1\n    y: [true, 5s]\n";
        let (value, places) = read(text).unwrap();
        assert_eq!(
            value,
            serde_json::json!({"name": "a", "list": [{"x": 1, "y": [true, "5s"]}]})
        );
        assert_eq!(place(&places, &["name"]), (1, 1));
        assert_eq!(place(&places, &["list", "0", "y"]), (4, 5));
        assert_eq!(place(&places, &["list", "0", "y", "1"]), (4, 15));
        assert_eq!(place(&places, &["list", "0", "z", "q"]), (3, 5));
    }

    #[test]
    fn what_is_no_yaml_is_refused_with_its_place() {
        for text in ["a: [1, 2", "a: 1\na: 2\n", "a: 1\n  b: 2\n", "a: {b: }}"] {
            let (place, what) = read(text).err().unwrap();
            assert!(place.line >= 1 && !what.is_empty(), "{text}");
        }
        let (place, what) = read("a: 1\na: 2\n").err().unwrap();
        assert_eq!(place.line, 2, "{what}");
    }
}
