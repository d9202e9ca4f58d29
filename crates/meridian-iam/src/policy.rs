//! A policy document, read once.

use std::collections::BTreeSet;

use crate::evaluate::Facts;
use crate::json::Json;
use crate::policy_error::PolicyError;
use crate::principals::Naming;
use crate::statement::{Effect, Place, Statement};

/// A key policy or an identity policy.
///
/// The grammar is IAM's: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.
/// What KMS adds: every statement of a key policy has a principal, an action
/// and a resource.
pub struct PolicyDocument {
    statements: Vec<Statement>,
}

/// What the statements of a policy that fit a request say.
#[derive(Clone, Copy, Default)]
pub(crate) struct Says {
    pub(crate) denies: bool,
    /// The most direct naming in an Allow.
    pub(crate) allows: Naming,
}

impl PolicyDocument {
    /// Reads a key policy.
    ///
    /// # Errors
    /// AWS would answer MalformedPolicyDocumentException.
    pub fn parse(text: &str) -> Result<PolicyDocument, PolicyError> {
        PolicyDocument::parse_in(Place::KeyPolicy, text)
    }

    /// Reads a policy of a user or a role, which names no principal.
    ///
    /// # Errors
    /// AWS would not take it.
    pub fn parse_identity(text: &str) -> Result<PolicyDocument, PolicyError> {
        PolicyDocument::parse_in(Place::IdentityPolicy, text)
    }

    fn parse_in(place: Place, text: &str) -> Result<PolicyDocument, PolicyError> {
        let mut variables = false;
        let mut elements = None;
        for (name, value) in Json::parse(text)?.into_members("the policy")? {
            match name.as_str() {
                "Version" => variables = has_variables(&value.into_text("Version")?)?,
                "Id" => drop(value.into_text("Id")?),
                "Statement" => elements = Some(value.into_items("Statement")?),
                _ => {
                    return Err(PolicyError::syntax(format!(
                        "{name} is no element of a policy"
                    )));
                }
            }
        }
        let elements = elements.ok_or_else(|| PolicyError::syntax("there is no Statement"))?;
        let parse = |element| Statement::parse(element, place, variables);
        let statements: Result<Vec<Statement>, PolicyError> =
            elements.into_iter().map(parse).collect();
        let statements = statements?;
        let mut sids = BTreeSet::new();
        let mut given = statements.iter().filter_map(|it| it.sid.as_deref());
        // fidelity: assumed for key policies; IAM documents it for all policies.
        match given.find(|sid| !sid.is_empty() && !sids.insert(*sid)) {
            Some(sid) => Err(PolicyError::syntax(format!("the Sid {sid} is there twice"))),
            None => Ok(PolicyDocument { statements }),
        }
    }

    pub(crate) fn says(&self, facts: &Facts<'_>) -> Says {
        let mut says = Says::default();
        self.add_to(&mut says, facts);
        says
    }

    /// Adds what this policy says to what others have said. A statement that
    /// could add nothing is not looked at.
    pub(crate) fn add_to(&self, says: &mut Says, facts: &Facts<'_>) {
        for statement in &self.statements {
            match statement.effect {
                Effect::Allow | Effect::Deny if says.denies => return,
                Effect::Deny => says.denies = statement.naming(facts) != Naming::Not,
                Effect::Allow if says.allows == Naming::Directly => {}
                Effect::Allow => says.allows = says.allows.max(statement.naming(facts)),
            }
        }
    }
}

/// The versions of the language; the newer one has policy variables.
fn has_variables(version: &str) -> Result<bool, PolicyError> {
    match version {
        "2012-10-17" => Ok(true),
        "2008-10-17" => Ok(false),
        _ => Err(PolicyError::syntax(format!(
            "there is no version {version}"
        ))),
    }
}
