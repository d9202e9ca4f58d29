"""What AWS says of each operation beyond its model: whose key it means in a set
of multi-Region keys, and what the caller must be allowed."""

# fmt: off

OWN = "the region's own key"
PRIMARY = "primary only"
ANY = "any key of the set"
NONE = "no key"

# By operation: multi-Region, the permission, and whether a key of another
# account can be named.
OPERATIONS: dict[str, tuple[str, str, bool]] = {
    "CancelKeyDeletion": (OWN, "kms:CancelKeyDeletion", False),
    "ConnectCustomKeyStore": (NONE, "kms:ConnectCustomKeyStore", False),
    "CreateAlias": (OWN, "kms:CreateAlias on alias and key", False),
    "CreateCustomKeyStore": (NONE, "kms:CreateCustomKeyStore", False),
    "CreateGrant": (OWN, "kms:CreateGrant", True),
    "CreateKey": ("makes a primary with `MultiRegion`", "kms:CreateKey; kms:TagResource with `Tags`", False),
    "Decapsulate": (OWN, "kms:Decapsulate", True),
    "Decrypt": ("the region's own key, also what related keys encrypted", "kms:Decrypt", True),
    "DeleteAlias": (OWN, "kms:DeleteAlias on alias and key", False),
    "DeleteCustomKeyStore": (NONE, "kms:DeleteCustomKeyStore", False),
    "DeleteImportedKeyMaterial": (
        "the region's bytes; pending material of the primary goes everywhere",
        "kms:DeleteImportedKeyMaterial", False,
    ),
    "DeriveSharedSecret": (OWN, "kms:DeriveSharedSecret", True),
    "DescribeCustomKeyStores": (NONE, "kms:DescribeCustomKeyStores", False),
    "DescribeKey": ("any key; shows the whole set", "kms:DescribeKey", True),
    "DisableKey": (OWN, "kms:DisableKey", False),
    "DisableKeyRotation": (PRIMARY, "kms:DisableKeyRotation", False),
    "DisconnectCustomKeyStore": (NONE, "kms:DisconnectCustomKeyStore", False),
    "EnableKey": (OWN, "kms:EnableKey", False),
    "EnableKeyRotation": (PRIMARY, "kms:EnableKeyRotation", False),
    "Encapsulate": (OWN, "kms:Encapsulate", True),
    "Encrypt": (OWN, "kms:Encrypt", True),
    "GenerateDataKey": (OWN, "kms:GenerateDataKey", True),
    "GenerateDataKeyPair": (OWN, "kms:GenerateDataKeyPair", True),
    "GenerateDataKeyPairWithoutPlaintext": (OWN, "kms:GenerateDataKeyPairWithoutPlaintext", True),
    "GenerateDataKeyWithoutPlaintext": (OWN, "kms:GenerateDataKeyWithoutPlaintext", True),
    "GenerateMac": (OWN, "kms:GenerateMac", True),
    "GenerateRandom": (NONE, "kms:GenerateRandom", False),
    "GetKeyLastUsage": ("the region's own key; uses in other regions do not count", "kms:GetKeyLastUsage", False),
    "GetKeyPolicy": (OWN, "kms:GetKeyPolicy", False),
    "GetKeyRotationStatus": (ANY, "kms:GetKeyRotationStatus", True),
    "GetParametersForImport": (OWN, "kms:GetParametersForImport", False),
    "GetPublicKey": (ANY, "kms:GetPublicKey", True),
    "ImportKeyMaterial": (
        "new material into the primary first, then the same bytes into each replica",
        "kms:ImportKeyMaterial", False,
    ),
    "ListAliases": (OWN, "kms:ListAliases", False),
    "ListGrants": (OWN, "kms:ListGrants", True),
    "ListKeyPolicies": (OWN, "kms:ListKeyPolicies", False),
    "ListKeyRotations": ("any key; import state and expiry are the region's own", "kms:ListKeyRotations", False),
    "ListKeys": ("the region's keys", "kms:ListKeys", False),
    "ListResourceTags": (OWN, "kms:ListResourceTags", False),
    "ListRetirableGrants": ("grants of the region", "kms:ListRetirableGrants", False),
    "PutKeyPolicy": (OWN, "kms:PutKeyPolicy", False),
    "ReEncrypt": ("both keys in the region", "kms:ReEncryptFrom and kms:ReEncryptTo", True),
    "ReplicateKey": (PRIMARY, "kms:ReplicateKey; kms:CreateKey there; kms:TagResource there with `Tags`", False),
    "RetireGrant": (OWN, "the grant itself", True),
    "RevokeGrant": (OWN, "kms:RevokeGrant", True),
    "RotateKeyOnDemand": (PRIMARY, "kms:RotateKeyOnDemand", False),
    "ScheduleKeyDeletion": ("the region's own key; a primary waits for its replicas", "kms:ScheduleKeyDeletion", False),
    "Sign": (OWN, "kms:Sign", True),
    "TagResource": (OWN, "kms:TagResource", False),
    "UntagResource": (OWN, "kms:UntagResource", False),
    "UpdateAlias": (OWN, "kms:UpdateAlias on alias, old key and new key", False),
    "UpdateCustomKeyStore": (NONE, "kms:UpdateCustomKeyStore", False),
    "UpdateKeyDescription": (OWN, "kms:UpdateKeyDescription", False),
    "UpdatePrimaryRegion": (PRIMARY, "kms:UpdatePrimaryRegion on both keys", False),
    "Verify": (OWN, "kms:Verify", True),
    "VerifyMac": (OWN, "kms:VerifyMac", True),
}
