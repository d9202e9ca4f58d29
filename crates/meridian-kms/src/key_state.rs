//! The key states and, as data, which operation each of them refuses.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{ErrorCode, KmsError};
use crate::ops::Operation;

/// AWS's `KeyState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyState {
    /// A replica that is not ready.
    Creating,
    /// Usable.
    Enabled,
    /// Switched off by the user.
    Disabled,
    /// A permanent material has no bytes here.
    PendingImport,
    /// Deleted when its window ends.
    PendingDeletion,
    /// A primary that is deleted once its replicas are.
    PendingReplicaDeletion,
    /// The primary role is moving.
    Updating,
    /// The custom key store of the key is not connected.
    Unavailable,
}

impl KeyState {
    /// All of them.
    pub const ALL: [KeyState; 8] = [
        KeyState::Creating,
        KeyState::Enabled,
        KeyState::Disabled,
        KeyState::PendingImport,
        KeyState::PendingDeletion,
        KeyState::PendingReplicaDeletion,
        KeyState::Updating,
        KeyState::Unavailable,
    ];

    /// AWS's spelling.
    pub fn name(self) -> &'static str {
        match self {
            KeyState::Creating => "Creating",
            KeyState::Enabled => "Enabled",
            KeyState::Disabled => "Disabled",
            KeyState::PendingImport => "PendingImport",
            KeyState::PendingDeletion => "PendingDeletion",
            KeyState::PendingReplicaDeletion => "PendingReplicaDeletion",
            KeyState::Updating => "Updating",
            KeyState::Unavailable => "Unavailable",
        }
    }

    /// The error that names this state as the obstacle.
    pub fn refusal(self, arn: impl fmt::Display) -> KmsError {
        let what = match self {
            KeyState::Disabled => {
                return KmsError::new(ErrorCode::DisabledException, format!("{arn} is disabled."));
            }
            KeyState::Enabled => "enabled",
            KeyState::Creating => "creating",
            KeyState::PendingImport => "pending import",
            KeyState::PendingDeletion => "pending deletion",
            KeyState::PendingReplicaDeletion => "pending replica deletion",
            KeyState::Updating => "updating",
            KeyState::Unavailable => "unavailable",
        };
        KmsError::invalid_state(format!("{arn} is {what}."))
    }
}

/// Whether an operation works on a key in a state (the table "operation ×
/// state" of the AWS KMS Developer Guide).
///
/// `arn` names the key in the error.
pub fn admit(
    operation: Operation,
    state: KeyState,
    arn: impl fmt::Display,
) -> Result<(), KmsError> {
    use KeyState::{
        Creating, Disabled, Enabled, PendingDeletion, PendingImport, PendingReplicaDeletion,
        Unavailable, Updating,
    };
    let refused: &[KeyState] = match operation {
        Operation::CreateGrant => &[
            Disabled,
            PendingDeletion,
            PendingReplicaDeletion,
            PendingImport,
            Creating,
        ],
        Operation::Encrypt
        | Operation::Decrypt
        | Operation::ReEncrypt
        | Operation::GenerateDataKey
        | Operation::GenerateDataKeyWithoutPlaintext
        | Operation::GenerateDataKeyPair
        | Operation::GenerateDataKeyPairWithoutPlaintext
        | Operation::Sign
        | Operation::Verify
        | Operation::GenerateMac
        | Operation::VerifyMac
        | Operation::DeriveSharedSecret
        | Operation::Encapsulate
        | Operation::Decapsulate
        | Operation::RotateKeyOnDemand
        | Operation::EnableKeyRotation
        | Operation::DisableKeyRotation
        | Operation::UpdatePrimaryRegion => &[
            Disabled,
            PendingDeletion,
            PendingReplicaDeletion,
            PendingImport,
            Unavailable,
            Creating,
        ],
        Operation::ReplicateKey => &[
            Disabled,
            PendingDeletion,
            PendingReplicaDeletion,
            PendingImport,
            Unavailable,
            Creating,
            Updating,
        ],
        Operation::EnableKey | Operation::DisableKey => &[
            PendingDeletion,
            PendingReplicaDeletion,
            PendingImport,
            Creating,
            Updating,
        ],
        Operation::GetPublicKey => &[PendingDeletion, PendingReplicaDeletion, Creating],
        Operation::GetParametersForImport => {
            &[PendingDeletion, PendingReplicaDeletion, Creating, Updating]
        }
        Operation::ImportKeyMaterial => &[PendingDeletion, PendingReplicaDeletion, Creating],
        Operation::DeleteImportedKeyMaterial => &[Creating, Updating],
        Operation::ScheduleKeyDeletion => &[PendingDeletion, PendingReplicaDeletion, Updating],
        Operation::CreateAlias
        | Operation::TagResource
        | Operation::UntagResource
        | Operation::UpdateAlias
        | Operation::UpdateKeyDescription => &[PendingDeletion, PendingReplicaDeletion],
        Operation::CancelKeyDeletion => {
            return match state {
                PendingDeletion | PendingReplicaDeletion => Ok(()),
                Creating | Enabled | Disabled | PendingImport | Unavailable | Updating => Err(
                    KmsError::invalid_state(format!("{arn} is not pending deletion.")),
                ),
            };
        }
        Operation::GetKeyLastUsage
        | Operation::GetKeyPolicy
        | Operation::GetKeyRotationStatus
        | Operation::ListGrants
        | Operation::ListKeyPolicies
        | Operation::ListKeyRotations
        | Operation::ListResourceTags
        | Operation::ListRetirableGrants
        | Operation::PutKeyPolicy
        | Operation::RetireGrant
        | Operation::RevokeGrant
        | Operation::DescribeKey
        | Operation::DeleteAlias
        | Operation::ListAliases
        | Operation::CreateKey
        | Operation::ListKeys
        | Operation::CreateCustomKeyStore
        | Operation::ConnectCustomKeyStore
        | Operation::DisconnectCustomKeyStore
        | Operation::DeleteCustomKeyStore
        | Operation::DescribeCustomKeyStores
        | Operation::UpdateCustomKeyStore
        | Operation::GenerateRandom => &[],
    };
    if refused.contains(&state) {
        Err(state.refusal(arn))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Refusals by state, in the order Enabled, Disabled, PendingDeletion (the
    /// same for PendingReplicaDeletion), PendingImport, Creating, Updating:
    /// `.` admits, and `!` means that only a pending deletion will do.
    const TABLE: &[(&str, &str)] = &[
        ("CancelKeyDeletion", "!!.!!!"),
        ("ConnectCustomKeyStore", "......"),
        ("CreateAlias", "..x..."),
        ("CreateCustomKeyStore", "......"),
        ("CreateGrant", ".xxxx."),
        ("CreateKey", "......"),
        ("Decapsulate", ".xxxx."),
        ("Decrypt", ".xxxx."),
        ("DeleteAlias", "......"),
        ("DeleteCustomKeyStore", "......"),
        ("DeleteImportedKeyMaterial", "....xx"),
        ("DescribeCustomKeyStores", "......"),
        ("DeriveSharedSecret", ".xxxx."),
        ("DescribeKey", "......"),
        ("DisableKey", "..xxxx"),
        ("DisableKeyRotation", ".xxxx."),
        ("DisconnectCustomKeyStore", "......"),
        ("EnableKey", "..xxxx"),
        ("EnableKeyRotation", ".xxxx."),
        ("Encapsulate", ".xxxx."),
        ("Encrypt", ".xxxx."),
        ("GenerateDataKey", ".xxxx."),
        ("GenerateDataKeyPair", ".xxxx."),
        ("GenerateDataKeyPairWithoutPlaintext", ".xxxx."),
        ("GenerateDataKeyWithoutPlaintext", ".xxxx."),
        ("GenerateMac", ".xxxx."),
        ("GenerateRandom", "......"),
        ("GetKeyLastUsage", "......"),
        ("GetKeyPolicy", "......"),
        ("GetKeyRotationStatus", "......"),
        ("GetParametersForImport", "..x.xx"),
        ("GetPublicKey", "..x.x."),
        ("ImportKeyMaterial", "..x.x."),
        ("ListAliases", "......"),
        ("ListGrants", "......"),
        ("ListKeyPolicies", "......"),
        ("ListKeyRotations", "......"),
        ("ListKeys", "......"),
        ("ListResourceTags", "......"),
        ("ListRetirableGrants", "......"),
        ("PutKeyPolicy", "......"),
        ("ReEncrypt", ".xxxx."),
        ("ReplicateKey", ".xxxxx"),
        ("RetireGrant", "......"),
        ("RevokeGrant", "......"),
        ("RotateKeyOnDemand", ".xxxx."),
        ("ScheduleKeyDeletion", "..x..x"),
        ("Sign", ".xxxx."),
        ("TagResource", "..x..."),
        ("UntagResource", "..x..."),
        ("UpdateAlias", "..x..."),
        ("UpdateCustomKeyStore", "......"),
        ("UpdateKeyDescription", "..x..."),
        ("UpdatePrimaryRegion", ".xxxx."),
        ("Verify", ".xxxx."),
        ("VerifyMac", ".xxxx."),
    ];

    fn texts(state: KeyState) -> &'static str {
        match state {
            KeyState::Enabled => "KMSInvalidStateException: ARN is enabled.",
            KeyState::Disabled => "DisabledException: ARN is disabled.",
            KeyState::PendingDeletion => "KMSInvalidStateException: ARN is pending deletion.",
            KeyState::PendingReplicaDeletion => {
                "KMSInvalidStateException: ARN is pending replica deletion."
            }
            KeyState::PendingImport => "KMSInvalidStateException: ARN is pending import.",
            KeyState::Creating => "KMSInvalidStateException: ARN is creating.",
            KeyState::Updating => "KMSInvalidStateException: ARN is updating.",
            KeyState::Unavailable => "KMSInvalidStateException: ARN is unavailable.",
        }
    }

    #[test]
    fn every_operation_is_refused_in_exactly_the_states_of_the_table() {
        use KeyState::{
            Creating, Disabled, Enabled, PendingDeletion, PendingImport, PendingReplicaDeletion,
            Unavailable, Updating,
        };
        let mut seen = 0;
        for (name, row) in TABLE {
            let operation = Operation::from_name(name).unwrap();
            let columns = [
                Enabled,
                Disabled,
                PendingDeletion,
                PendingImport,
                Creating,
                Updating,
            ];
            let mut cells: Vec<_> = columns.into_iter().zip(row.chars()).collect();
            cells.push((PendingReplicaDeletion, cells[2].1));
            // Whatever a disabled key refuses, an unavailable one refuses too,
            // except CreateGrant.
            let unavailable = if *name == "CreateGrant" {
                '.'
            } else {
                cells[1].1
            };
            cells.push((Unavailable, unavailable));
            for (state, cell) in cells {
                let answer = admit(operation, state, "ARN").map_err(|error| error.to_string());
                let expected = match cell {
                    '.' => Ok(()),
                    '!' => Err("KMSInvalidStateException: ARN is not pending deletion.".into()),
                    _ => Err(texts(state).to_owned()),
                };
                assert_eq!(answer, expected, "{name} in {}", state.name());
            }
            seen += 1;
        }
        assert_eq!(
            seen,
            Operation::ALL.len(),
            "an operation is missing from the table"
        );
    }
}
