//! Random worlds: who there is, what the policies say, what was granted.

use meridian_crypto::{Entropy, SeededEntropy};

/// The account of the key.
pub const OWNER: &str = "111122223333";
const OTHER: &str = "999999999999";

/// Somebody who asks.
pub struct Caller {
    pub account: &'static str,
    /// Nothing for the account itself.
    pub user: Option<&'static str>,
}

/// Everybody; the first is the owner.
pub const CALLERS: [Caller; 5] = [
    Caller {
        account: OWNER,
        user: None,
    },
    Caller {
        account: OWNER,
        user: Some("ann"),
    },
    Caller {
        account: OWNER,
        user: Some("bob"),
    },
    Caller {
        account: OTHER,
        user: None,
    },
    Caller {
        account: OTHER,
        user: Some("eve"),
    },
];

impl Caller {
    pub fn arn(&self) -> String {
        match self.user {
            None => format!("arn:aws:iam::{}:root", self.account),
            Some(user) => format!("arn:aws:iam::{}:user/{user}", self.account),
        }
    }
}

/// What a rule or a grant is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Encrypt,
    DescribeKey,
}

impl Action {
    pub fn name(self) -> &'static str {
        match self {
            Action::Encrypt => "Encrypt",
            Action::DescribeKey => "DescribeKey",
        }
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    Describe,
    /// With this value for `c` in the encryption context, if any.
    Encrypt {
        context: Option<u8>,
    },
}

impl Use {
    pub const ALL: [Use; 4] = [
        Use::Describe,
        Use::Encrypt { context: None },
        Use::Encrypt { context: Some(1) },
        Use::Encrypt { context: Some(2) },
    ];

    pub fn action(&self) -> Action {
        match self {
            Use::Describe => Action::DescribeKey,
            Use::Encrypt { .. } => Action::Encrypt,
        }
    }

    pub fn context(&self) -> Option<u8> {
        match self {
            Use::Describe => None,
            Use::Encrypt { context } => *context,
        }
    }
}

/// A statement, without its principal.
pub struct Rule {
    pub deny: bool,
    /// Everything without one.
    pub action: Option<Action>,
    /// What `c` has to be.
    pub context: Option<u8>,
}

/// A grant.
pub struct Given {
    pub to: usize,
    pub action: Action,
    pub context: Option<u8>,
}

/// One key and whatever decides about it.
pub struct World {
    pub key_policy: Vec<(usize, Rule)>,
    /// By caller.
    pub identity_policies: Vec<Vec<Rule>>,
    pub grants: Vec<Given>,
    pub disabled: bool,
}

fn below(dice: &mut SeededEntropy, bound: u8) -> u8 {
    let mut byte = [0];
    dice.fill(&mut byte);
    byte[0] % bound
}

fn context(dice: &mut SeededEntropy) -> Option<u8> {
    match below(dice, 4) {
        0 => Some(1 + below(dice, 2)),
        _ => None,
    }
}

fn action(dice: &mut SeededEntropy) -> Action {
    match below(dice, 2) {
        0 => Action::Encrypt,
        _ => Action::DescribeKey,
    }
}

fn rule(dice: &mut SeededEntropy) -> Rule {
    Rule {
        deny: below(dice, 4) == 0,
        action: (below(dice, 2) == 0).then(|| action(dice)),
        context: context(dice),
    }
}

fn caller(dice: &mut SeededEntropy) -> usize {
    below(dice, CALLERS.len() as u8).into()
}

impl World {
    pub fn draw(dice: &mut SeededEntropy) -> World {
        let statements = 1 + below(dice, 4);
        let key_policy = (0..statements).map(|_| (caller(dice), rule(dice)));
        let key_policy = key_policy.collect();
        let identity_policies = CALLERS.iter().map(|_| {
            let statements = 1 + below(dice, 2);
            (0..statements).map(|_| rule(dice)).collect()
        });
        let identity_policies = identity_policies.collect();
        let grants = (0..below(dice, 3)).map(|_| Given {
            to: caller(dice),
            action: action(dice),
            context: context(dice),
        });
        World {
            key_policy,
            identity_policies,
            grants: grants.collect(),
            disabled: below(dice, 4) == 0,
        }
    }

    pub fn key_policy_text(&self) -> String {
        let statements = self.key_policy.iter().map(|(named, rule)| {
            let principal = format!(r#","Principal":{{"AWS":"{}"}}"#, CALLERS[*named].arn());
            rule.text(&principal)
        });
        document(statements.collect())
    }

    pub fn identity_policy_text(&self, caller: &Caller) -> String {
        let at = CALLERS.iter().position(|it| it.arn() == caller.arn());
        let rules = &self.identity_policies[at.unwrap()];
        document(rules.iter().map(|rule| rule.text("")).collect())
    }
}

impl Rule {
    fn text(&self, principal: &str) -> String {
        let effect = if self.deny { "Deny" } else { "Allow" };
        let action = self.action.map_or("*", Action::name);
        let condition = self.context.map_or(String::new(), |context| {
            format!(r#","Condition":{{"StringEquals":{{"kms:EncryptionContext:c":"{context}"}}}}"#)
        });
        format!(
            r#"{{"Effect":"{effect}"{principal},"Action":"kms:{action}","Resource":"*"{condition}}}"#
        )
    }
}

fn document(statements: Vec<String>) -> String {
    let statements = statements.join(",");
    format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)
}
