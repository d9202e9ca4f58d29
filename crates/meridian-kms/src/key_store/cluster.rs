//! The CloudHSM cluster below a key store. There are no clusters here: the ID
//! says what kind of cluster it would be.

use meridian_crypto::{SealedSecret, Vault};
use serde::{Deserialize, Serialize};

use crate::error::{ErrorCode, KmsError};
use crate::key_store::ConnectionError;

/// A cluster, as the owner of a key store described it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// `cluster-` and 11 to 16 letters and digits.
    pub id: String,
    /// The certificate that the owner gave, which is not a secret.
    pub trust_anchor: String,
    /// The password of kmsuser.
    pub password: SealedSecret,
}

// fidelity: assumed, there are no CloudHSM clusters: every well-formed cluster ID
// is an active cluster that shares its backups with all others, but for IDs that
// begin with `cluster-missing` (CloudHsmClusterNotFoundException),
// `cluster-inactive` (CloudHsmClusterNotActiveException), `cluster-broken`
// (CloudHsmClusterInvalidConfigurationException) and `cluster-stranger`
// (CloudHsmClusterNotRelatedException on update). Any PEM certificate is its trust
// anchor. A password of kmsuser that begins with `wrong` fails to connect with
// INVALID_CREDENTIALS.
const MISSING: &str = "cluster-missing";
const INACTIVE: &str = "cluster-inactive";
const BROKEN: &str = "cluster-broken";
const STRANGER: &str = "cluster-stranger";
const WRONG_PASSWORD: &[u8] = b"wrong";

impl Cluster {
    /// Does the cluster exist?
    pub(crate) fn check_exists(&self) -> Result<(), KmsError> {
        refuse(
            self.id.starts_with(MISSING),
            ErrorCode::CloudHsmClusterNotFoundException,
            format!("There is no AWS CloudHSM cluster with the ID {}.", self.id),
        )
    }

    /// Does the cluster share backups with the one before it?
    pub(crate) fn check_related(&self) -> Result<(), KmsError> {
        refuse(
            self.id.starts_with(STRANGER),
            ErrorCode::CloudHsmClusterNotRelatedException,
            format!(
                "The AWS CloudHSM cluster {} shares no backup history with the original.",
                self.id
            ),
        )
    }

    /// Can the cluster serve a key store?
    pub(crate) fn check_ready(&self) -> Result<(), KmsError> {
        refuse(
            self.id.starts_with(INACTIVE),
            ErrorCode::CloudHsmClusterNotActiveException,
            format!("The AWS CloudHSM cluster {} is not active.", self.id),
        )?;
        refuse(
            self.id.starts_with(BROKEN),
            ErrorCode::CloudHsmClusterInvalidConfigurationException,
            format!(
                "The AWS CloudHSM cluster {} is not configured for a custom key store.",
                self.id
            ),
        )
    }

    /// Is it a certificate at all?
    pub(crate) fn check_trust_anchor(&self) -> Result<(), KmsError> {
        let certificate = &self.trust_anchor;
        let pem = certificate.contains("-----BEGIN CERTIFICATE-----")
            && certificate.contains("-----END CERTIFICATE-----");
        refuse(
            !pem,
            ErrorCode::IncorrectTrustAnchorException,
            "The trust anchor certificate is not that of the AWS CloudHSM cluster.".into(),
        )
    }

    /// How an attempt to connect would end, unless well.
    pub(crate) fn connection_failure(
        &self,
        vault: &Vault,
        owner: &str,
    ) -> Result<Option<ConnectionError>, KmsError> {
        let password = vault
            .open_secret(owner, &self.password)
            .map_err(|_| KmsError::bare(ErrorCode::KMSInternalException))?;
        let wrong = password.starts_with(WRONG_PASSWORD);
        Ok(wrong.then_some(ConnectionError::InvalidCredentials))
    }
}

fn refuse(refused: bool, code: ErrorCode, text: String) -> Result<(), KmsError> {
    if refused {
        Err(KmsError::new(code, text))
    } else {
        Ok(())
    }
}
