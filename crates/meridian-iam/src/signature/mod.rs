//! Signature Version 4: does whoever sent a request hold the secret?
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

mod canonical;
mod instant;
mod kept;
mod key;
mod verification;

pub use canonical::SignedRequest;
pub use instant::{CLOCK_TOLERANCE_MS, amz_date};
pub use verification::{Signature, SignatureError};

pub(crate) use kept::KeptKeys;
pub(crate) use key::mac;
