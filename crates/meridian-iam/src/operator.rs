//! The condition operators: what a value of the request is compared with.

use std::cmp::Ordering;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::arn::ArnPattern;
use crate::moment;
use crate::network::Network;
use crate::pattern::{Case, Pattern, Reading, Variables};
use crate::policy_error::PolicyError;

/// The values of a condition, read as its operator reads them.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    Texts(Vec<Pattern>, Case),
    Numbers(Vec<f64>, Order),
    /// Milliseconds since the Unix epoch.
    Dates(Vec<i64>, Order),
    Booleans(Vec<bool>),
    Bytes(Vec<Vec<u8>>),
    Networks(Vec<Network>),
    Arns(Vec<ArnPattern>),
}

/// How a value of the request has to stand to a wanted one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    fn allows(self, found: Ordering) -> bool {
        match self {
            Order::Equal => found.is_eq(),
            Order::Less => found.is_lt(),
            Order::LessOrEqual => found.is_le(),
            Order::Greater => found.is_gt(),
            Order::GreaterOrEqual => found.is_ge(),
        }
    }

    /// From the end of an operator's name.
    fn parse(name: &str) -> Option<Order> {
        match name {
            "Equals" => Some(Order::Equal),
            "LessThan" => Some(Order::Less),
            "LessThanEquals" => Some(Order::LessOrEqual),
            "GreaterThan" => Some(Order::Greater),
            "GreaterThanEquals" => Some(Order::GreaterOrEqual),
            _ => None,
        }
    }
}

/// An operator that holds for a value when it fits one of the wanted ones, or
/// when it fits none.
pub(crate) struct Operator {
    pub(crate) negated: bool,
    pub(crate) wanted: Wanted,
}

impl Operator {
    /// Reads the wanted values. Variables belong to text and to ARNs only.
    pub(crate) fn parse(
        name: &str,
        values: &[String],
        variables: bool,
    ) -> Result<Operator, PolicyError> {
        let (plain, negated) = without_not(name);
        let unknown = || PolicyError::syntax(format!("{name} is no condition operator"));
        let malformed = || {
            PolicyError::syntax(format!(
                "{name} has a value that it cannot be compared with"
            ))
        };
        let texts = |wildcards, case| {
            let reading = Reading {
                variables,
                wildcards,
            };
            let each = values.iter().map(|text| Pattern::new(text, reading));
            Wanted::Texts(each.collect(), case)
        };
        let wanted = match plain.as_str() {
            "StringEquals" => texts(false, Case::Sensitive),
            "StringEqualsIgnoreCase" => texts(false, Case::Ignored),
            "StringLike" => texts(true, Case::Sensitive),
            "ArnEquals" | "ArnLike" => {
                let each = values.iter().map(|text| ArnPattern::new(text, variables));
                Wanted::Arns(each.collect())
            }
            "IpAddress" => Wanted::Networks(each(values, Network::parse).ok_or_else(malformed)?),
            "Bool" if !negated => Wanted::Booleans(each(values, boolean).ok_or_else(malformed)?),
            "BinaryEquals" if !negated => Wanted::Bytes(each(values, bytes).ok_or_else(malformed)?),
            _ => {
                let (dates, order) = match (plain.strip_prefix("Date"), negated) {
                    (Some(order), _) => (true, order),
                    (None, _) => (false, plain.strip_prefix("Numeric").ok_or_else(unknown)?),
                };
                let order = Order::parse(order).ok_or_else(unknown)?;
                if negated && order != Order::Equal {
                    return Err(unknown());
                }
                match dates {
                    true => {
                        Wanted::Dates(each(values, moment::parse).ok_or_else(malformed)?, order)
                    }
                    false => Wanted::Numbers(each(values, number).ok_or_else(malformed)?, order),
                }
            }
        };
        Ok(Operator { negated, wanted })
    }

    /// Does the operator hold for one value of the request?
    pub(crate) fn holds(&self, value: &str, variables: &impl Variables) -> bool {
        self.negated != self.wanted.fits(value, variables)
    }
}

/// The operator that this one is the opposite of.
fn without_not(name: &str) -> (String, bool) {
    match name {
        "NotIpAddress" => ("IpAddress".into(), true),
        _ => match name.split_once("Not") {
            Some((begin, end)) if ["String", "Numeric", "Date", "Arn"].contains(&begin) => {
                (format!("{begin}{end}"), true)
            }
            _ => (name.to_owned(), false),
        },
    }
}

impl Wanted {
    fn fits(&self, value: &str, variables: &impl Variables) -> bool {
        match self {
            Wanted::Texts(all, case) => all.iter().any(|it| it.matches(value, *case, variables)),
            Wanted::Arns(all) => all.iter().any(|it| it.matches(value, variables)),
            Wanted::Numbers(all, order) => number(value).is_some_and(|found| {
                let ordering = |it: &f64| found.partial_cmp(it);
                all.iter().filter_map(ordering).any(|it| order.allows(it))
            }),
            Wanted::Dates(all, order) => moment::parse(value)
                .is_some_and(|found| all.iter().any(|it| order.allows(found.cmp(it)))),
            Wanted::Booleans(all) => boolean(value).is_some_and(|found| all.contains(&found)),
            Wanted::Bytes(all) => bytes(value).is_some_and(|found| all.contains(&found)),
            Wanted::Networks(all) => value
                .parse::<IpAddr>()
                .is_ok_and(|found| all.iter().any(|it| it.contains(found))),
        }
    }
}

fn each<T>(values: &[String], read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    values.iter().map(|value| read(value)).collect()
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}
