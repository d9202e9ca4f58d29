//! Grant tokens as requests carry them: they name grants of this region, and
//! make them usable before they have spread.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use meridian_crypto::GrantToken;
use meridian_proto::MemberValue;

use crate::arn::KeyRef;
use crate::context::Context;
use crate::error::{ErrorCode, KmsError};
use crate::grant::{Grant, GrantId};
use crate::region::Region;

/// A fresh token of a grant.
pub(crate) fn seal(cx: &mut Context<'_>, key: &KeyRef, id: GrantId) -> String {
    let token = GrantToken {
        grant: id.0,
        key: key.to_string(),
    };
    STANDARD.encode(cx.vault.seal_grant_token(&token, cx.entropy))
}

/// The grant that a token names, whether it still exists or not.
///
/// # Errors
/// InvalidGrantTokenException for a text that this region did not give out.
pub(crate) fn open(cx: &Context<'_>, token: &str) -> Result<(KeyRef, GrantId), KmsError> {
    let bytes = STANDARD.decode(token).ok();
    let token = bytes.and_then(|bytes| cx.vault.open_grant_token(&bytes));
    let named = token.and_then(|token| Some((token.key.parse().ok()?, GrantId(token.grant))));
    named.ok_or_else(invalid)
}

/// The grants that the tokens of the request name. Opened once, however many
/// permissions the request takes.
///
/// # Errors
/// InvalidGrantTokenException.
pub(crate) fn named<'c>(cx: &'c Context<'_>) -> Result<&'c [(KeyRef, GrantId)], KmsError> {
    let open_all = || {
        let tokens = match cx.asked.and_then(|request| request.member("GrantTokens")) {
            Some(MemberValue::Texts(tokens)) => tokens,
            _ => &[],
        };
        tokens.iter().map(|token| open(cx, token)).collect()
    };
    let named = cx.named_grants.get_or_init(open_all);
    named.as_deref().map_err(Clone::clone)
}

impl Region {
    /// Checks the grant tokens of the request, whatever they are for.
    ///
    /// # Errors
    /// InvalidGrantTokenException.
    pub(crate) fn check_grant_tokens(&self, cx: &Context<'_>) -> Result<(), KmsError> {
        let exists = |(key, id): &(KeyRef, GrantId)| self.grant(key, *id).is_some();
        match named(cx)?.iter().all(exists) {
            true => Ok(()),
            false => Err(invalid()),
        }
    }

    /// A grant of a key, if both are here.
    pub fn grant(&self, key: &KeyRef, id: GrantId) -> Option<&Grant> {
        self.key(key)?.grants.get(&id)
    }
}

fn invalid() -> KmsError {
    KmsError::bare(ErrorCode::InvalidGrantTokenException)
}
