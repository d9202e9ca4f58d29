//! The certificate that attestation documents have to lead back to.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::certificate::Certificate;

/// A self-signed certificate that is trusted. AWS's own is not built in: nobody
/// outside of AWS could make a document that leads back to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttestationRoot(Vec<u8>);

/// Not a root certificate for attestation documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a self-signed certificate authority on P-384 in PEM form")]
pub struct AttestationRootError;

impl AttestationRoot {
    /// Reads a certificate in PEM form.
    ///
    /// # Errors
    /// [`AttestationRootError`].
    pub fn from_pem(pem: &str) -> Result<AttestationRoot, AttestationRootError> {
        let lines = pem.lines().map(str::trim);
        let body: String = lines
            .skip_while(|line| *line != "-----BEGIN CERTIFICATE-----")
            .skip(1)
            .take_while(|line| !line.starts_with("-----"))
            .collect();
        let der = STANDARD.decode(body).map_err(|_| AttestationRootError)?;
        let certificate = Certificate::read(&der).ok_or(AttestationRootError)?;
        if !certificate.is_signed_by(&certificate) {
            return Err(AttestationRootError);
        }
        Ok(AttestationRoot(der))
    }

    /// The certificate in DER form.
    pub(super) fn der(&self) -> &[u8] {
        &self.0
    }
}
