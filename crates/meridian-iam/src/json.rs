//! JSON as a policy may use it: no name twice in one object, and the order of
//! names kept.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::policy_error::PolicyError;

/// One JSON value. Numbers keep only their text: that is what they are compared
/// by.
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads a whole text.
    pub(crate) fn parse(text: &str) -> Result<Json, PolicyError> {
        serde_json::from_str(text)
            .map_err(|error| PolicyError::syntax(format!("not JSON, {error}")))
    }

    /// The members of an object.
    pub(crate) fn into_members(self, what: &str) -> Result<Vec<(String, Json)>, PolicyError> {
        match self {
            Json::Object(members) => Ok(members),
            _ => Err(PolicyError::syntax(format!("{what} is not an object"))),
        }
    }

    /// A string.
    pub(crate) fn into_text(self, what: &str) -> Result<String, PolicyError> {
        match self {
            Json::Text(text) => Ok(text),
            _ => Err(PolicyError::syntax(format!("{what} is not a string"))),
        }
    }

    /// One value, or a list of one or more.
    pub(crate) fn into_items(self, what: &str) -> Result<Vec<Json>, PolicyError> {
        match self {
            Json::List(items) if items.is_empty() => {
                Err(PolicyError::syntax(format!("{what} is empty")))
            }
            Json::List(items) => Ok(items),
            other => Ok(vec![other]),
        }
    }

    /// One string, or a list of one or more.
    pub(crate) fn into_texts(self, what: &str) -> Result<Vec<String>, PolicyError> {
        let items = self.into_items(what)?;
        items.into_iter().map(|item| item.into_text(what)).collect()
    }

    /// A value of a condition, which may also be written as a number or a
    /// boolean.
    pub(crate) fn into_scalar(self, what: &str) -> Result<String, PolicyError> {
        match self {
            Json::Text(text) | Json::Number(text) => Ok(text),
            Json::Bool(value) => Ok(value.to_string()),
            Json::Null | Json::List(_) | Json::Object(_) => Err(PolicyError::syntax(format!(
                "{what} has a value of no kind"
            ))),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut object: Vec<(String, Json)> = Vec::new();
        let mut names = std::collections::BTreeSet::new();
        while let Some((name, value)) = members.next_entry::<String, Json>()? {
            if !names.insert(name.clone()) {
                return Err(de::Error::custom(format_args!("{name} is there twice")));
            }
            object.push((name, value));
        }
        Ok(Json::Object(object))
    }
}
