//! The identities of all accounts and the access keys by which they are known.

use std::collections::BTreeMap;
use std::sync::Arc;

use hmac::Mac as _;
use zeroize::Zeroizing;

use crate::policy::PolicyDocument;
use crate::principal::Principal;
use crate::signature::{KeptKeys, Signature, SignatureError, SignedRequest, mac};

/// A principal with its own policies.
pub struct Identity {
    /// Who it is.
    pub principal: Principal,
    /// Its identity policies; none for a root.
    pub policies: Vec<PolicyDocument>,
}

/// What proves that a request is somebody's. It cannot be printed, and is wiped.
pub struct AccessKey {
    identity: Arc<Identity>,
    secret: Zeroizing<String>,
    session: Option<Session>,
    kept: KeptKeys,
}

/// The rest of a temporary credential.
pub struct Session {
    /// The value of `x-amz-security-token`.
    pub token: Zeroizing<String>,
    /// From when it is worth nothing, in milliseconds since the Unix epoch.
    pub expires_ms: Option<i64>,
}

/// What is wrong with the token of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// Missing, another one, or one where there is none.
    Invalid,
    /// It was the right one.
    Expired,
}

/// Characters of an access key ID, at most (IAM, `AccessKey`).
const ID_LEN_MAX: usize = 128;

impl AccessKey {
    /// The access key of somebody: what signatures are made with, and what has to
    /// come with every request, if the credential is temporary.
    pub fn new(
        identity: Arc<Identity>,
        secret: Zeroizing<String>,
        session: Option<Session>,
    ) -> AccessKey {
        AccessKey {
            identity,
            secret,
            session,
            kept: KeptKeys::default(),
        }
    }

    /// Whose it is.
    pub fn identity(&self) -> &Arc<Identity> {
        &self.identity
    }

    /// Is a request of this time, and signed with this access key? As
    /// [`Signature::verify`] says it, at the cost of a signing key derived once
    /// a day.
    ///
    /// # Errors
    /// Those of [`Signature::verify`].
    pub fn verify(
        &self,
        signature: &Signature<'_>,
        request: &SignedRequest<'_>,
        now_ms: i64,
    ) -> Result<(), SignatureError> {
        let secret = self.secret.as_bytes();
        signature.verify_by(request, now_ms, |scope| {
            self.kept.signing_key(secret, scope)
        })
    }

    /// Has a text the characters of an access key ID? They are those of a name:
    /// an ARN made from it means one principal, and cannot be mistaken for
    /// another or for a pattern.
    pub fn is_id(text: &str) -> bool {
        let named = |byte: u8| byte.is_ascii_alphanumeric() || b"+=.@_-".contains(&byte);
        (1..=ID_LEN_MAX).contains(&text.len()) && text.bytes().all(named)
    }

    /// Does a request carry the token that it has to?
    ///
    /// # Errors
    /// It does not, or the session is over.
    pub fn check_token(&self, token: Option<&str>, now_ms: i64) -> Result<(), TokenError> {
        match (&self.session, token) {
            (None, None) => Ok(()),
            (Some(session), Some(token)) if same(&session.token, token) => {
                match session.expires_ms {
                    Some(expires_ms) if now_ms >= expires_ms => Err(TokenError::Expired),
                    Some(_) | None => Ok(()),
                }
            }
            (Some(_), _) | (None, Some(_)) => Err(TokenError::Invalid),
        }
    }
}

/// In constant time, but for the length.
fn same(one: &str, other: &str) -> bool {
    let digest = |text: &str| mac(text.as_bytes(), b"session token");
    let other = digest(other).finalize().into_bytes();
    digest(one).verify_slice(&other).is_ok()
}

/// Everybody who is known.
#[derive(Default)]
pub struct Directory {
    identities: BTreeMap<String, Arc<Identity>>,
    access_keys: BTreeMap<String, AccessKey>,
}

impl Directory {
    /// Nobody.
    pub fn new() -> Directory {
        Directory::default()
    }

    /// Adds an identity; one with the same ARN is replaced.
    pub fn add(&mut self, identity: Identity) -> Arc<Identity> {
        let identity = Arc::new(identity);
        let arn = identity.principal.arn.clone();
        self.identities.insert(arn, identity.clone());
        identity
    }

    /// Adds an access key; false if there is one with this ID.
    pub fn add_access_key(&mut self, id: &str, key: AccessKey) -> bool {
        let free = !self.access_keys.contains_key(id);
        if free {
            self.access_keys.insert(id.to_owned(), key);
        }
        free
    }

    /// The identity with this ARN: that of a session for somebody in a role.
    pub fn identity(&self, arn: &str) -> Option<&Arc<Identity>> {
        self.identities.get(arn)
    }

    /// The access key with this ID.
    pub fn access_key(&self, id: &str) -> Option<&AccessKey> {
        self.access_keys.get(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_key_id_is_a_name_of_1_to_128_characters() {
        let long = "A".repeat(128);
        for id in ["AKIAIOSFODNN7EXAMPLE", "a+b=c.d@e_f-g", &long] {
            assert!(AccessKey::is_id(id), "{id}");
        }
        let longer = "A".repeat(129);
        for text in ["", "a/b", "a*", "a:b", "é", &longer] {
            assert!(!AccessKey::is_id(text), "{text}");
        }
    }

    fn key(session: Option<Session>) -> AccessKey {
        let identity = Arc::new(Identity {
            principal: Principal::parse("arn:aws:iam::111122223333:root").unwrap(),
            policies: Vec::new(),
        });
        AccessKey::new(identity, Zeroizing::new("secret".into()), session)
    }

    #[test]
    fn a_temporary_credential_needs_its_token_until_it_expires() {
        let temporary = key(Some(Session {
            token: Zeroizing::new("token".into()),
            expires_ms: Some(1000),
        }));
        assert_eq!(temporary.check_token(Some("token"), 999), Ok(()));
        assert_eq!(
            temporary.check_token(Some("token"), 1000),
            Err(TokenError::Expired)
        );
        assert_eq!(
            temporary.check_token(Some("other"), 0),
            Err(TokenError::Invalid)
        );
        assert_eq!(temporary.check_token(None, 0), Err(TokenError::Invalid));
    }

    #[test]
    fn a_lasting_credential_has_no_token() {
        assert_eq!(key(None).check_token(None, 0), Ok(()));
        assert_eq!(
            key(None).check_token(Some("token"), 0),
            Err(TokenError::Invalid)
        );
    }

    #[test]
    fn an_access_key_belongs_to_one_identity() {
        let mut directory = Directory::new();
        assert!(directory.add_access_key("AKIDEXAMPLE", key(None)));
        assert!(!directory.add_access_key("AKIDEXAMPLE", key(None)));
        assert!(directory.access_key("AKIDOTHER").is_none());
    }
}
