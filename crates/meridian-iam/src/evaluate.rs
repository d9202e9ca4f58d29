//! May this principal do that? AWS's evaluation, as KMS does it.
//!
//! An explicit Deny anywhere ends it. A grant that fits allows, or leaves it to the
//! identity policies if it was given to a whole account. Otherwise a key belongs to
//! its key policy: it allows a principal of its own account by itself, and leaves
//! it to the identity policies where it allows the account. A principal of another
//! account needs both. What has no key needs identity policies. The account itself
//! may do what its identity policies could allow.

use std::borrow::Cow;

use crate::conditions::ConditionValues;
use crate::pattern::Variables;
use crate::policy::{PolicyDocument, Says};
use crate::principal::{Principal, PrincipalKind};
use crate::principals::Naming;

/// One question.
pub struct Query<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// Such as `kms:Encrypt`.
    pub action: &'a str,
    /// A key ARN, an alias ARN, or `*` for an operation on nothing in particular.
    pub resource: &'a str,
    /// The account that owns the resource.
    pub resource_account: &'a str,
    /// What else the request says about itself; never asked by policies without
    /// conditions.
    pub conditions: &'a dyn ConditionValues,
    /// The policies of the user or role; none for a root or a service.
    pub identity_policies: &'a [PolicyDocument],
    /// The policy of the key; nothing for an operation without a key.
    pub key_policy: Option<&'a PolicyDocument>,
    /// How a grant that allows it names who asks. Asked where the policies leave it
    /// open.
    pub granted: &'a dyn Fn() -> Naming,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Allowed,
    /// AccessDeniedException, with the text of [`crate::access_denied`].
    Denied(Reason),
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A Deny of the key policy.
    KeyPolicyDenies,
    /// A Deny of an identity policy.
    IdentityPolicyDenies,
    /// No identity policy allows it, and one would have to.
    NoIdentityPolicy,
    /// The key policy allows it neither directly nor to the account.
    NoKeyPolicy,
}

/// Decides.
pub fn evaluate(query: &Query<'_>) -> Decision {
    let facts = Facts { query };
    let key = query.key_policy.map(|policy| policy.says(&facts));
    if key.is_some_and(|says| says.denies) {
        // fidelity: assumed, which Deny AWS names if both policies have one.
        return Decision::Denied(Reason::KeyPolicyDenies);
    }
    let decided = key.is_some_and(|says| says.allows == Naming::Directly) && !is_foreign(query);
    // Where nothing more needs to be allowed, only a Deny is looked for.
    let mut identity = Says {
        allows: match decided {
            true => Naming::Directly,
            false => Naming::Not,
        },
        ..Says::default()
    };
    for policy in query.identity_policies {
        policy.add_to(&mut identity, &facts);
        if identity.denies {
            return Decision::Denied(Reason::IdentityPolicyDenies);
        }
    }
    let denied = match without_grants(query, key.map(|says| says.allows), identity.allows) {
        Decision::Allowed => return Decision::Allowed,
        denied => denied,
    };
    match (query.granted)() {
        // fidelity: assumed, also for another account without identity policies.
        Naming::Directly => Decision::Allowed,
        // fidelity: assumed, as a key policy that names the account: AWS documents
        // an account as a grantee, and that a grantee can stand for several
        // identities, but not what they need besides.
        Naming::ByAccount if may_by_identity(query, identity.allows) => Decision::Allowed,
        Naming::ByAccount => Decision::Denied(Reason::NoIdentityPolicy),
        Naming::Not => denied,
    }
}

/// The account itself may do what its identity policies could allow.
fn may_by_identity(query: &Query<'_>, identity: Naming) -> bool {
    query.principal.kind == PrincipalKind::Root || identity != Naming::Not
}

/// What the policies come to, none of which denies it.
fn without_grants(query: &Query<'_>, key: Option<Naming>, identity: Naming) -> Decision {
    let by_identity = may_by_identity(query, identity);
    let foreign = is_foreign(query);
    let allows = match key {
        Some(naming) => naming,
        // Nobody outside its account can be let at what has no policy.
        None if foreign => Naming::Not,
        None => Naming::ByAccount,
    };
    match allows {
        Naming::Directly if !foreign => Decision::Allowed,
        Naming::Not if foreign && !by_identity => Decision::Denied(Reason::NoIdentityPolicy),
        Naming::Not => Decision::Denied(Reason::NoKeyPolicy),
        Naming::ByAccount | Naming::Directly if by_identity => Decision::Allowed,
        Naming::ByAccount | Naming::Directly => Decision::Denied(Reason::NoIdentityPolicy),
    }
}

/// Is the resource of another account than who asks? A service has none.
pub(crate) fn is_foreign(query: &Query<'_>) -> bool {
    let principal = query.principal;
    !matches!(principal.kind, PrincipalKind::Service { .. })
        && principal.account != query.resource_account
}

/// Everything that a statement may ask about a request.
pub(crate) struct Facts<'a> {
    pub(crate) query: &'a Query<'a>,
}

impl Facts<'_> {
    /// The values of a condition key in lower case; none if it is missing.
    pub(crate) fn values(&self, key: &str) -> Vec<Cow<'_, str>> {
        let given = self.query.conditions.values(key);
        if !given.is_empty() {
            return given;
        }
        let own = match key {
            "aws:resourceaccount" => Some(self.query.resource_account),
            _ => self.query.principal.condition(key),
        };
        own.into_iter().map(Cow::Borrowed).collect()
    }
}

impl Variables for Facts<'_> {
    fn value(&self, key: &str) -> Option<Cow<'_, str>> {
        let mut values = self.values(key);
        let value = values.pop()?;
        values.is_empty().then_some(value)
    }
}
