//! One statement of a policy.

use crate::arn::ArnPattern;
use crate::condition::Condition;
use crate::evaluate::Facts;
use crate::json::Json;
use crate::pattern::{Case, NoVariables, Pattern, Reading};
use crate::policy_error::PolicyError;
use crate::principals::{Naming, Principals};

/// What a statement does to the requests that it fits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Allow,
    Deny,
}

/// Which kind of policy a statement stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    KeyPolicy,
    IdentityPolicy,
}

pub(crate) struct Statement {
    pub(crate) sid: Option<String>,
    pub(crate) effect: Effect,
    principals: Principals,
    actions: Matched<Pattern>,
    resources: Matched<ArnPattern>,
    conditions: Vec<Condition>,
}

/// An element and its opposite.
enum Matched<T> {
    In(Vec<T>),
    NotIn(Vec<T>),
}

impl<T> Matched<T> {
    fn fits(&self, one: impl Fn(&T) -> bool) -> bool {
        match self {
            Matched::In(all) => all.iter().any(one),
            Matched::NotIn(all) => !all.iter().any(one),
        }
    }
}

impl Statement {
    /// Reads one; policy variables are those of the policy's version.
    pub(crate) fn parse(
        element: Json,
        place: Place,
        variables: bool,
    ) -> Result<Statement, PolicyError> {
        let (mut sid, mut effect, mut principals) = (None, None, None);
        let (mut actions, mut resources, mut conditions) = (None, None, Vec::new());
        for (name, value) in element.into_members("Statement")? {
            match name.as_str() {
                "Sid" => sid = Some(value.into_text("Sid")?),
                "Effect" => effect = Some(parse_effect(&value.into_text("Effect")?)?),
                "Principal" => {
                    let named = Principals::In(Principals::parse(value)?);
                    once(&mut principals, named, "Principal")?;
                }
                "NotPrincipal" => {
                    let named = Principals::NotIn(Principals::parse(value)?);
                    once(&mut principals, named, "Principal")?;
                }
                "Action" => once(&mut actions, Matched::In(parse_actions(value)?), "Action")?,
                "NotAction" => {
                    once(
                        &mut actions,
                        Matched::NotIn(parse_actions(value)?),
                        "Action",
                    )?;
                }
                "Resource" => {
                    let all = Matched::In(parse_resources(value, variables)?);
                    once(&mut resources, all, "Resource")?;
                }
                "NotResource" => {
                    let all = Matched::NotIn(parse_resources(value, variables)?);
                    once(&mut resources, all, "Resource")?;
                }
                "Condition" => conditions = Condition::parse_all(value, variables)?,
                _ => {
                    return Err(PolicyError::syntax(format!(
                        "{name} is no element of a statement"
                    )));
                }
            }
        }
        let lacks = |what: &str| PolicyError::syntax(format!("a statement has no {what}"));
        let principals = match (principals, place) {
            (Some(principals), Place::KeyPolicy) => principals,
            (None, Place::KeyPolicy) => return Err(PolicyError::NoPrincipal),
            (None, Place::IdentityPolicy) => Principals::Bearer,
            (Some(_), Place::IdentityPolicy) => {
                return Err(PolicyError::syntax("an identity policy names a principal"));
            }
        };
        Ok(Statement {
            sid,
            effect: effect.ok_or_else(|| lacks("effect"))?,
            principals,
            actions: actions.ok_or_else(|| lacks("action"))?,
            resources: resources.ok_or_else(|| lacks("resource"))?,
            conditions,
        })
    }

    /// How the statement names who asks, if all else of it fits the request.
    pub(crate) fn naming(&self, facts: &Facts<'_>) -> Naming {
        let query = facts.query;
        let action = |it: &Pattern| it.matches(query.action, Case::Ignored, &NoVariables);
        let resource = |it: &ArnPattern| it.matches(query.resource, facts);
        let naming = self.principals.naming(query.principal);
        let fits = naming != Naming::Not
            && self.actions.fits(action)
            && self.resources.fits(resource)
            && self.conditions.iter().all(|it| it.holds(facts));
        if fits { naming } else { Naming::Not }
    }
}

fn once<T>(element: &mut Option<T>, value: T, name: &str) -> Result<(), PolicyError> {
    match element.replace(value) {
        None => Ok(()),
        Some(_) => Err(PolicyError::syntax(format!(
            "a statement has both {name} and Not{name}"
        ))),
    }
}

fn parse_effect(text: &str) -> Result<Effect, PolicyError> {
    match text {
        "Allow" => Ok(Effect::Allow),
        "Deny" => Ok(Effect::Deny),
        _ => Err(PolicyError::syntax(format!("{text} is no effect"))),
    }
}

/// `*`, or a service and a name with wildcards, such as `kms:Re*`.
fn parse_actions(value: Json) -> Result<Vec<Pattern>, PolicyError> {
    let reading = Reading {
        variables: false,
        wildcards: true,
    };
    let parse = |text: String| {
        let of_service = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"*?".contains(&byte);
        let known = text.split_once(':').is_some_and(|(service, name)| {
            !service.is_empty()
                && !name.is_empty()
                && service.bytes().all(of_service)
                && name.bytes().all(of_name)
        });
        match known || text == "*" {
            true => Ok(Pattern::new(&text, reading)),
            false => Err(PolicyError::syntax(format!("{text} is no action"))),
        }
    };
    value.into_texts("Action")?.into_iter().map(parse).collect()
}

/// `*` or ARNs.
fn parse_resources(value: Json, variables: bool) -> Result<Vec<ArnPattern>, PolicyError> {
    let parse = |text: String| match text.starts_with("arn:") || text.bytes().all(|it| it == b'*') {
        true if !text.is_empty() => Ok(ArnPattern::new(&text, variables)),
        _ => Err(PolicyError::syntax(format!("{text} is no resource"))),
    };
    value
        .into_texts("Resource")?
        .into_iter()
        .map(parse)
        .collect()
}
