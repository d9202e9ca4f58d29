//! What a grant can allow, and which kinds of key have it (AWS KMS Developer
//! Guide, "Grant operations").

use meridian_crypto::KeySpec;
use serde::{Deserialize, Serialize};

use crate::key_usage::KeyUsage;

macro_rules! grant_operations {
    ($($operation:ident)*) => {
        /// AWS's `GrantOperation`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[allow(missing_docs, reason = "named as the actions that they allow")]
        pub enum GrantOperation { $($operation,)* }

        impl GrantOperation {
            /// AWS's spelling.
            pub fn name(self) -> &'static str {
                match self { $(GrantOperation::$operation => stringify!($operation),)* }
            }

            /// The operation with this name.
            pub fn from_name(name: &str) -> Option<GrantOperation> {
                match name {
                    $(stringify!($operation) => Some(GrantOperation::$operation),)*
                    _ => None,
                }
            }
        }
    };
}

grant_operations! {
    Decrypt Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext ReEncryptFrom ReEncryptTo
    Sign Verify GetPublicKey CreateGrant RetireGrant DescribeKey GenerateDataKeyPair
    GenerateDataKeyPairWithoutPlaintext GenerateMac VerifyMac DeriveSharedSecret Encapsulate
    Decapsulate
}

impl GrantOperation {
    /// The permission of a policy that allows the same, without `kms:`.
    pub fn is_action(self, action: &str) -> bool {
        action.strip_prefix("kms:") == Some(self.name())
    }

    /// Constraints on the encryption context apply to cryptography alone (AWS
    /// KMS Developer Guide, "Using grant constraints").
    pub fn has_context(self) -> bool {
        use GrantOperation::{CreateGrant, DescribeKey, GetPublicKey, RetireGrant};
        !matches!(self, CreateGrant | DescribeKey | GetPublicKey | RetireGrant)
    }
}

/// What a grant on a key of this kind can allow, in the order of AWS's refusal.
pub fn valid(spec: KeySpec, usage: KeyUsage) -> Vec<GrantOperation> {
    use GrantOperation::{
        CreateGrant, Decapsulate, Decrypt, DeriveSharedSecret, DescribeKey, Encapsulate, Encrypt,
        GenerateDataKey, GenerateDataKeyPair, GenerateDataKeyPairWithoutPlaintext,
        GenerateDataKeyWithoutPlaintext, GenerateMac, GetPublicKey, ReEncryptFrom, ReEncryptTo,
        RetireGrant, Sign, Verify, VerifyMac,
    };
    let mut valid = vec![CreateGrant, RetireGrant, DescribeKey];
    // fidelity: assumed, the order is recorded for HMAC keys only.
    if spec.is_asymmetric() {
        valid.push(GetPublicKey);
    }
    valid.extend_from_slice(match usage {
        KeyUsage::EncryptDecrypt => &[Encrypt, Decrypt, ReEncryptFrom, ReEncryptTo],
        KeyUsage::SignVerify => &[Sign, Verify],
        KeyUsage::GenerateVerifyMac => &[GenerateMac, VerifyMac],
        KeyUsage::KeyAgreement => &[DeriveSharedSecret],
        KeyUsage::EncapsulateDecapsulate => &[Encapsulate, Decapsulate],
    });
    if spec == KeySpec::SymmetricDefault {
        valid.extend_from_slice(&[
            GenerateDataKey,
            GenerateDataKeyWithoutPlaintext,
            GenerateDataKeyPair,
            GenerateDataKeyPairWithoutPlaintext,
        ]);
    }
    valid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_key_has_its_own_grant_operations() {
        let names = |spec, usage| {
            let valid = valid(spec, usage).into_iter();
            valid
                .map(GrantOperation::name)
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(
            names(KeySpec::Hmac256, KeyUsage::GenerateVerifyMac),
            "CreateGrant RetireGrant DescribeKey GenerateMac VerifyMac"
        );
        let symmetric = names(KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt);
        assert!(symmetric.contains("GenerateDataKeyPairWithoutPlaintext"));
        assert!(!symmetric.contains("GetPublicKey"));
        let rsa = names(KeySpec::Rsa2048, KeyUsage::EncryptDecrypt);
        assert!(rsa.contains("GetPublicKey") && !rsa.contains("GenerateDataKey"));
    }

    #[test]
    fn a_grant_operation_allows_the_action_of_its_name() {
        assert!(GrantOperation::ReEncryptTo.is_action("kms:ReEncryptTo"));
        assert!(!GrantOperation::ReEncryptTo.is_action("kms:ReEncryptFrom"));
        assert!(!GrantOperation::Sign.is_action("Sign"));
    }
}
