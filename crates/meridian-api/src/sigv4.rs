//! A SigV4 Authorization header: who calls, which region, with what signature.
//!
//! Where nobody is authenticated, an access key ID of twelve digits stands for
//! the account with that number; any other one for a user of account
//! 000000000000.

use http::HeaderValue;
use meridian_iam::AccessKey;
use meridian_iam::signature::Signature;
use meridian_kms::{AccountId, Caller, RegionName};

use crate::refusal::Refusal;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "kms";
const TERMINATOR: &str = "aws4_request";

/// The access key ID of a credential, and its scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Credential<'a> {
    pub(crate) access_key_id: &'a str,
    date: &'a str,
    /// The region for which the request was signed.
    pub(crate) region: &'a str,
    service: &'a str,
    terminator: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Credential<'a> {
    /// Reads the header's value.
    ///
    /// # Errors
    /// The header is missing, or lacks a part.
    pub(crate) fn parse(header: Option<&'a HeaderValue>) -> Result<Credential<'a>, Refusal> {
        let header = header.ok_or(Refusal::MissingAuthenticationToken)?;
        let text = header.to_str().map_err(|_| {
            Refusal::IncompleteSignature("Authorization header must be ASCII.".into())
        })?;
        let (algorithm, parameters) = cut(text, b' ');
        if algorithm != ALGORITHM {
            let message = format!("Unsupported AWS 'algorithm': '{algorithm}'.");
            return Err(Refusal::IncompleteSignature(message));
        }
        let [mut credential, mut signature, mut signed_headers] = [""; 3];
        let mut rest = parameters;
        while !rest.is_empty() {
            let (parameter, others) = cut(rest, b',');
            match cut(parameter.trim(), b'=') {
                ("Credential", value) => credential = value,
                ("Signature", value) => signature = value,
                ("SignedHeaders", value) => signed_headers = value,
                _ => {}
            }
            rest = others;
        }
        if credential.is_empty() || signature.is_empty() || signed_headers.is_empty() {
            let found = [
                ("Credential", credential),
                ("Signature", signature),
                ("SignedHeaders", signed_headers),
            ];
            return Err(Refusal::IncompleteSignature(missing(&found)));
        }
        Credential::from_scope(credential, signed_headers, signature)
    }

    fn from_scope(
        credential: &'a str,
        signed_headers: &'a str,
        signature: &'a str,
    ) -> Result<Credential<'a>, Refusal> {
        let (access_key_id, rest) = cut(credential, b'/');
        let (date, rest) = cut(rest, b'/');
        let (region, rest) = cut(rest, b'/');
        let (service, terminator) = cut(rest, b'/');
        let elements = [access_key_id, date, region, service, terminator];
        if elements.contains(&"") || terminator.contains('/') {
            return Err(Refusal::IncompleteSignature(format!(
                "Credential must have exactly 5 slash-delimited elements, \
                 e.g. keyid/date/region/service/term, got '{credential}'"
            )));
        }
        Ok(Credential {
            access_key_id,
            date,
            region,
            service,
            terminator,
            signed_headers,
            signature,
        })
    }

    /// The access key ID is one.
    ///
    /// # Errors
    /// UnrecognizedClientException.
    pub(crate) fn check_access_key(&self) -> Result<(), Refusal> {
        match AccessKey::is_id(self.access_key_id) {
            true => Ok(()),
            false => Err(Refusal::UnrecognizedClient),
        }
    }

    /// The rest of the scope, once the region is known to be right.
    ///
    /// # Errors
    /// InvalidSignatureException.
    pub(crate) fn check_service(&self) -> Result<(), Refusal> {
        if self.service != SERVICE {
            let message = "Credential should be scoped to correct service: 'kms'.";
            return Err(Refusal::InvalidSignature(message.into()));
        }
        if self.terminator != TERMINATOR {
            return Err(Refusal::InvalidSignature(
                format!(
                    "Credential should be scoped with a valid terminator: '{TERMINATOR}', \
                     not '{}'.",
                    self.terminator
                )
                .into(),
            ));
        }
        Ok(())
    }

    /// What there is to verify.
    pub(crate) fn signature(&self) -> Signature<'a> {
        Signature {
            date: self.date,
            region: self.region,
            service: self.service,
            signed_headers: self.signed_headers,
            signature: self.signature,
        }
    }

    /// Who calls, where nobody has to prove it.
    pub(crate) fn caller(&self, region: &RegionName, request_id: &str) -> Caller {
        match self.access_key_id.parse() {
            Ok(account) => root(account, region, request_id),
            Err(_) => {
                let account = AccountId::default();
                Caller {
                    account,
                    principal: principal(region, account, ["user/", self.access_key_id]),
                    request_id: request_id.to_owned(),
                }
            }
        }
    }
}

/// The account itself as a caller.
pub(crate) fn root(account: AccountId, region: &RegionName, request_id: &str) -> Caller {
    Caller {
        account,
        principal: principal(region, account, ["root", ""]),
        request_id: request_id.to_owned(),
    }
}

/// An ARN of IAM. Every request has one, and formatting costs several times as
/// much as joining.
fn principal(region: &RegionName, account: AccountId, resource: [&str; 2]) -> String {
    let [kind, name] = resource;
    let account = account.to_string();
    [
        "arn:",
        region.partition(),
        ":iam::",
        &account,
        ":",
        kind,
        name,
    ]
    .concat()
}

/// What comes before the first such byte and what comes after it; all and
/// nothing if there is none.
fn cut(text: &str, at: u8) -> (&str, &str) {
    match memchr::memchr(at, text.as_bytes()) {
        Some(place) => (&text[..place], &text[place + 1..]),
        None => (text, ""),
    }
}

fn missing(parameters: &[(&str, &str)]) -> String {
    let absent = parameters.iter().filter(|(_, value)| value.is_empty());
    let texts: Vec<String> = absent
        .map(|(name, _)| format!("Authorization header requires '{name}' parameter."))
        .collect();
    texts.join(" ")
}

#[cfg(test)]
mod tests;
