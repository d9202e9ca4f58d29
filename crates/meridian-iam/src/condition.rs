//! The Condition element: all its operators and keys have to hold.
//!
//! A key that the request does not have makes a condition false, but an opposite
//! (`StringNotEquals`), `…IfExists` and `ForAllValues:` true.

use crate::evaluate::Facts;
use crate::json::Json;
use crate::operator::{Operator, boolean};
use crate::policy_error::PolicyError;

/// One operator with one key.
pub(crate) struct Condition {
    /// In lower case.
    key: String,
    test: Test,
}

enum Test {
    /// Is the key missing?
    Null(Vec<bool>),
    Values {
        operator: Operator,
        quantifier: Quantifier,
        if_exists: bool,
    },
}

/// Of how many of a key's values an operator has to hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quantifier {
    /// Of the only one.
    One,
    Any,
    All,
}

impl Condition {
    /// Reads the whole element.
    pub(crate) fn parse_all(element: Json, variables: bool) -> Result<Vec<Condition>, PolicyError> {
        let mut all = Vec::new();
        for (name, keys) in element.into_members("Condition")? {
            for (key, values) in keys.into_members("Condition")? {
                if !is_key(&key) {
                    return Err(PolicyError::syntax(format!("{key} is no condition key")));
                }
                let values = values.into_items("Condition")?;
                let values: Result<Vec<String>, _> = values
                    .into_iter()
                    .map(|it| it.into_scalar("Condition"))
                    .collect();
                all.push(Condition {
                    key: key.to_lowercase(),
                    test: Test::parse(&name, &values?, variables)?,
                });
            }
        }
        Ok(all)
    }

    pub(crate) fn holds(&self, facts: &Facts<'_>) -> bool {
        let values = facts.values(&self.key);
        match &self.test {
            Test::Null(wanted) => wanted.contains(&values.is_empty()),
            Test::Values { if_exists, .. } if values.is_empty() && *if_exists => true,
            Test::Values {
                operator,
                quantifier,
                ..
            } => {
                let mut each = values.iter().map(|value| operator.holds(value, facts));
                // fidelity: assumed, for several values and no quantifier: of one value,
                // and an opposite of all.
                match quantifier {
                    Quantifier::All => each.all(|holds| holds),
                    Quantifier::Any => each.any(|holds| holds),
                    Quantifier::One if operator.negated => each.all(|holds| holds),
                    Quantifier::One => each.any(|holds| holds),
                }
            }
        }
    }
}

impl Test {
    fn parse(name: &str, values: &[String], variables: bool) -> Result<Test, PolicyError> {
        if name == "Null" {
            let wanted: Option<Vec<bool>> = values.iter().map(|it| boolean(it)).collect();
            let malformed = || PolicyError::syntax("Null has a value that is not true or false");
            return Ok(Test::Null(wanted.ok_or_else(malformed)?));
        }
        let (quantifier, name) = match name.split_once(':') {
            None => (Quantifier::One, name),
            Some(("ForAnyValue", name)) => (Quantifier::Any, name),
            Some(("ForAllValues", name)) => (Quantifier::All, name),
            Some(_) => {
                return Err(PolicyError::syntax(format!(
                    "{name} is no condition operator"
                )));
            }
        };
        let (name, if_exists) = match name.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (name, false),
        };
        Ok(Test::Values {
            operator: Operator::parse(name, values, variables)?,
            quantifier,
            if_exists,
        })
    }
}

/// Such as `kms:ViaService`: a service and a name.
fn is_key(key: &str) -> bool {
    matches!(key.split_once(':'), Some((service, name)) if !service.is_empty() && !name.is_empty())
}
