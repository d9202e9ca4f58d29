//! What kind of operation each one is.

use crate::key_usage::KeyUsage;
use crate::ops::Operation;

/// Which state a read is answered from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// The answering node's own.
    Local,
    /// Not older than any write that was answered before.
    Strong,
}

impl Operation {
    /// False for the operations that AWS's model gives no output at all; the
    /// output of some others is an object without members.
    pub fn has_output(self) -> bool {
        !matches!(
            self,
            Operation::CreateAlias
                | Operation::DeleteAlias
                | Operation::DisableKey
                | Operation::DisableKeyRotation
                | Operation::EnableKey
                | Operation::EnableKeyRotation
                | Operation::PutKeyPolicy
                | Operation::RetireGrant
                | Operation::RevokeGrant
                | Operation::TagResource
                | Operation::UntagResource
                | Operation::UpdateAlias
                | Operation::UpdateKeyDescription
                | Operation::UpdatePrimaryRegion
        )
    }

    /// The usage that a key needs for a cryptographic operation; nothing for the
    /// operations that manage keys, or need none.
    pub fn key_usage(self) -> Option<KeyUsage> {
        match self {
            Operation::Decrypt
            | Operation::Encrypt
            | Operation::GenerateDataKey
            | Operation::GenerateDataKeyPair
            | Operation::GenerateDataKeyPairWithoutPlaintext
            | Operation::GenerateDataKeyWithoutPlaintext
            | Operation::ReEncrypt => Some(KeyUsage::EncryptDecrypt),
            Operation::Sign | Operation::Verify => Some(KeyUsage::SignVerify),
            Operation::GenerateMac | Operation::VerifyMac => Some(KeyUsage::GenerateVerifyMac),
            Operation::DeriveSharedSecret => Some(KeyUsage::KeyAgreement),
            Operation::Decapsulate | Operation::Encapsulate => {
                Some(KeyUsage::EncapsulateDecapsulate)
            }
            Operation::CancelKeyDeletion
            | Operation::ConnectCustomKeyStore
            | Operation::CreateAlias
            | Operation::CreateCustomKeyStore
            | Operation::CreateGrant
            | Operation::CreateKey
            | Operation::DeleteAlias
            | Operation::DeleteCustomKeyStore
            | Operation::DeleteImportedKeyMaterial
            | Operation::DescribeCustomKeyStores
            | Operation::DescribeKey
            | Operation::DisableKey
            | Operation::DisableKeyRotation
            | Operation::DisconnectCustomKeyStore
            | Operation::EnableKey
            | Operation::EnableKeyRotation
            | Operation::GenerateRandom
            | Operation::GetKeyLastUsage
            | Operation::GetKeyPolicy
            | Operation::GetKeyRotationStatus
            | Operation::GetParametersForImport
            | Operation::GetPublicKey
            | Operation::ImportKeyMaterial
            | Operation::ListAliases
            | Operation::ListGrants
            | Operation::ListKeyPolicies
            | Operation::ListKeyRotations
            | Operation::ListKeys
            | Operation::ListResourceTags
            | Operation::ListRetirableGrants
            | Operation::PutKeyPolicy
            | Operation::ReplicateKey
            | Operation::RetireGrant
            | Operation::RevokeGrant
            | Operation::RotateKeyOnDemand
            | Operation::ScheduleKeyDeletion
            | Operation::TagResource
            | Operation::UntagResource
            | Operation::UpdateAlias
            | Operation::UpdateCustomKeyStore
            | Operation::UpdateKeyDescription
            | Operation::UpdatePrimaryRegion => None,
        }
    }

    /// Cryptographic operations use the node's own view; management reads
    /// confirm the leadership first.
    pub fn consistency(self) -> Consistency {
        match self.key_usage().is_some() || self == Operation::GenerateRandom {
            true => Consistency::Local,
            false => Consistency::Strong,
        }
    }
}
