//! `Authentication`: whether callers have to prove who they are, and the proof.

use std::sync::Arc;

use http::header::HOST;
use http::request::Parts;
use meridian_iam::signature::SignedRequest;
use meridian_iam::{AccessKey, Directory, PrincipalKind};
use meridian_kms::{Caller, RegionName};

use crate::machine_clock::machine_now_ms;
use crate::refusal::Refusal;
use crate::sigv4::Credential;

const TOKEN: &str = "x-amz-security-token";

/// How callers prove who they are.
#[derive(Clone)]
pub enum Authentication {
    /// They need not: any signature does, and is only read for its names.
    Open,
    /// By Signature Version 4 with an access key of the directory.
    Enforced {
        /// Who is known.
        directory: Arc<Directory>,
        /// The clock that signatures are held against: milliseconds since the
        /// Unix epoch. Never a region's, which may be moved.
        now_ms: fn() -> i64,
    },
}

impl Authentication {
    /// By an access key of this directory, at the time of this machine.
    pub fn enforced(directory: Arc<Directory>) -> Authentication {
        Authentication::Enforced {
            directory,
            now_ms: machine_now_ms,
        }
    }

    /// The role that an access key's session is of, if it is one of a session.
    pub(crate) fn role_arn(&self, access_key_id: &str) -> Option<&str> {
        let Authentication::Enforced { directory, .. } = self else {
            return None;
        };
        let key = directory.access_key(access_key_id)?;
        match &key.identity().principal.kind {
            PrincipalKind::RoleSession { role_arn } => Some(role_arn),
            PrincipalKind::Root
            | PrincipalKind::User { .. }
            | PrincipalKind::FederatedUser
            | PrincipalKind::Service { .. } => None,
        }
    }

    /// Finds whose credential it is.
    ///
    /// # Errors
    /// Nobody's: UnrecognizedClientException.
    pub(crate) fn holder(&self, credential: &Credential<'_>) -> Result<Holder<'_>, Refusal> {
        match self {
            Authentication::Open => {
                credential.check_access_key()?;
                Ok(Holder::Anybody)
            }
            Authentication::Enforced { directory, now_ms } => {
                let key = directory.access_key(credential.access_key_id);
                Ok(Holder::Known {
                    key: key.ok_or(Refusal::UnrecognizedClient)?,
                    now_ms: now_ms(),
                })
            }
        }
    }
}

/// Whose a credential is, before it is known whether it was used by its holder.
pub(crate) enum Holder<'a> {
    Anybody,
    Known { key: &'a AccessKey, now_ms: i64 },
}

impl Holder<'_> {
    /// Who calls.
    ///
    /// # Errors
    /// The request was not signed with the holder's secret, or not today, or
    /// lacks the token of a session.
    pub(crate) fn caller(
        &self,
        credential: &Credential<'_>,
        region: &RegionName,
        (head, body): (&Parts, &[u8]),
        request_id: &str,
    ) -> Result<Caller, Refusal> {
        let Holder::Known { key, now_ms } = self else {
            return Ok(credential.caller(region, request_id));
        };
        let sent = Sent::new(head, body);
        let request = sent.request();
        key.verify(&credential.signature(), &request, *now_ms)?;
        key.check_token(sent.token(), *now_ms)?;
        let principal = &key.identity().principal;
        Ok(Caller {
            account: principal
                .account
                .parse()
                .map_err(|_| Refusal::UnrecognizedClient)?,
            principal: principal.arn.clone(),
            request_id: request_id.to_owned(),
        })
    }
}

/// A request as its sender signed it.
struct Sent<'a> {
    head: &'a Parts,
    headers: Vec<(&'a str, &'a [u8])>,
    body: &'a [u8],
}

impl<'a> Sent<'a> {
    fn new(head: &'a Parts, body: &'a [u8]) -> Sent<'a> {
        let each = head.headers.iter();
        let mut headers: Vec<(&str, &[u8])> = each
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect();
        // HTTP/2 has the host in the request line.
        if !head.headers.contains_key(HOST)
            && let Some(authority) = head.uri.authority()
        {
            headers.push(("host", authority.as_str().as_bytes()));
        }
        Sent {
            head,
            headers,
            body,
        }
    }

    fn request(&self) -> SignedRequest<'_> {
        SignedRequest {
            method: self.head.method.as_str(),
            path: self.head.uri.path(),
            query: self.head.uri.query().unwrap_or_default(),
            headers: &self.headers,
            body: self.body,
        }
    }

    fn token(&self) -> Option<&str> {
        self.head.headers.get(TOKEN)?.to_str().ok()
    }
}
