"""Which operation a key state refuses: the table of the AWS KMS Developer Guide as
data, with a word for each refusal. Where AWS's table and its other documents or
the live service differ, DEPARTURES says what was chosen."""

# fmt: off

STATES = (
    "Enabled", "Disabled", "PendingDeletion", "PendingImport", "Unavailable", "Creating", "Updating",
)

# Shares its column with PendingDeletion.
PENDING_REPLICA_DELETION = "PendingReplicaDeletion"

# What a word of the table means: the error, and the end of its text after the
# key's ARN. None: AWS sends no text, or the text names something else.
REFUSALS = {
    "disabled": ("DisabledException", " is disabled."),
    "deletion": ("KMSInvalidStateException", " is pending deletion."),
    "replica-deletion": ("KMSInvalidStateException", " is pending replica deletion."),
    "not-pending": ("KMSInvalidStateException", " is not pending deletion."),
    "import": ("KMSInvalidStateException", " is pending import."),
    "external": (
        "UnsupportedOperationException", " origin is EXTERNAL which is not valid for this operation."
    ),
    "store": ("UnsupportedOperationException", None),
    "not-external": (
        "UnsupportedOperationException", None
    ),
    "replica": ("UnsupportedOperationException", None),
    "not-primary": ("KMSInvalidStateException", " is not a multi-Region primary key."),
    "unavailable": ("KMSInvalidStateException", " is unavailable."),
    "creating": ("KMSInvalidStateException", " is creating."),
    "updating": ("KMSInvalidStateException", " is updating."),
}

# By operation, the cells in the order of STATES; `-` where the combination
# cannot occur. Keys with imported material where an operation is for those only.
TABLE = {
    "CancelKeyDeletion": "not-pending not-pending ok not-pending not-pending not-pending not-pending",
    "CreateAlias": "ok ok deletion ok ok ok ok",
    "CreateGrant": "ok disabled deletion import ok creating ok",
    "Decapsulate": "ok disabled deletion import - creating ok",
    "Decrypt": "ok disabled deletion import unavailable creating ok",
    "DeleteAlias": "ok ok ok ok ok ok ok",
    "DeleteImportedKeyMaterial": "ok ok ok ok - creating updating",
    "DeriveSharedSecret": "ok disabled deletion import - creating ok",
    "DescribeKey": "ok ok ok ok ok ok ok",
    "DisableKey": "ok ok deletion import ok creating updating",
    "DisableKeyRotation": "ok disabled deletion external store creating ok",
    "EnableKey": "ok ok deletion import ok creating updating",
    "EnableKeyRotation": "ok disabled deletion external store creating ok",
    "Encapsulate": "ok disabled deletion import - creating ok",
    "Encrypt": "ok disabled deletion import unavailable creating ok",
    "GenerateDataKey": "ok disabled deletion import unavailable creating ok",
    "GenerateDataKeyPair": "ok disabled deletion import store creating ok",
    "GenerateDataKeyPairWithoutPlaintext": "ok disabled deletion import store creating ok",
    "GenerateDataKeyWithoutPlaintext": "ok disabled deletion import unavailable creating ok",
    "GenerateMac": "ok disabled deletion import - creating ok",
    "GetKeyLastUsage": "ok ok ok ok ok ok ok",
    "GetKeyPolicy": "ok ok ok ok ok ok ok",
    "GetKeyRotationStatus": "ok ok ok external store ok ok",
    "GetParametersForImport": "ok ok deletion ok not-external creating updating",
    "GetPublicKey": "ok ok deletion ok - creating ok",
    "ImportKeyMaterial": "ok ok deletion ok not-external creating ok",
    "ListAliases": "ok ok ok ok ok ok ok",
    "ListGrants": "ok ok ok ok ok ok ok",
    "ListKeyPolicies": "ok ok ok ok ok ok ok",
    "ListKeyRotations": "ok ok ok ok store ok ok",
    "ListResourceTags": "ok ok ok ok ok ok ok",
    "PutKeyPolicy": "ok ok ok ok ok ok ok",
    "ReEncrypt": "ok disabled deletion import unavailable creating ok",
    "ReplicateKey": "ok disabled deletion import - creating updating",
    "RetireGrant": "ok ok ok ok ok ok ok",
    "RevokeGrant": "ok ok ok ok ok ok ok",
    "RotateKeyOnDemand": "ok disabled deletion import store creating ok",
    "ScheduleKeyDeletion": "ok ok deletion ok ok ok updating",
    "Sign": "ok disabled deletion import - creating ok",
    "TagResource": "ok ok deletion ok ok ok ok",
    "UntagResource": "ok ok deletion ok ok ok ok",
    "UpdateAlias": "ok ok deletion ok ok ok ok",
    "UpdateKeyDescription": "ok ok deletion ok ok ok ok",
    "UpdatePrimaryRegion": "ok disabled deletion import - creating ok",
    "Verify": "ok disabled deletion import - creating ok",
    "VerifyMac": "ok disabled deletion import - creating ok",
}

# Operations that no state of a key concerns.
STATELESS = frozenset({
    "ConnectCustomKeyStore", "CreateCustomKeyStore", "CreateKey", "DeleteCustomKeyStore",
    "DescribeCustomKeyStores", "DisconnectCustomKeyStore", "GenerateRandom", "ListKeys",
    "ListRetirableGrants", "UpdateCustomKeyStore",
})

# Cells in which Meridian answers otherwise than the table, with the reason.
DEPARTURES: dict[tuple[str, str], tuple[str, str]] = {
    **{
        (operation, "Creating"): (
            "not-primary" if operation == "UpdatePrimaryRegion" else "replica",
            "a key that is being created is a replica, and its role is checked before its state",
        )
        for operation in (
            "DisableKeyRotation", "EnableKeyRotation", "ReplicateKey", "RotateKeyOnDemand",
            "UpdatePrimaryRegion",
        )
    },
    **{
        (operation, "Updating"): (
            "not-primary" if operation == "UpdatePrimaryRegion" else "replica",
            "until the role of primary has arrived, the key that gives it away is a replica already",
        )
        for operation in (
            "DisableKeyRotation", "EnableKeyRotation", "ReplicateKey", "RotateKeyOnDemand",
            "UpdatePrimaryRegion",
        )
    },
    **{
        (operation, "PendingImport"): ("-", "material for these keys cannot be imported")
        for operation in ("Decapsulate", "Encapsulate")
    },
    ("GetPublicKey", "PendingImport"): (
        "import", "no material was ever imported, so no public key is known, as AWS says in a note"
    ),
}

# States in which no test holds a key that is not symmetric, with the reason.
UNREACHABLE: dict[str, str] = {
    "Creating":
        "only a rotation under way holds a replica in Creating, and these keys do not rotate",
}


def cell(operation: str, state: str) -> str:
    """The word of the table for an operation on a key in a state."""
    if state == PENDING_REPLICA_DELETION:
        word = cell(operation, "PendingDeletion")
        return "replica-deletion" if word == "deletion" else word
    return dict(zip(STATES, TABLE[operation].split(), strict=True))[state]
