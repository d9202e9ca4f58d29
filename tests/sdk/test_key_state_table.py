"""The table operation × key state of the AWS KMS Developer Guide, every cell of it
through the API. The table is in `key_states.py`."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator

import pytest
from botocore.exceptions import ClientError

import key_states
from calls import create_key
from cluster import ACCOUNT, AP, EU, US, Cluster, started
from departures import UNSERVED
from specimens import (
    AGREEMENT,
    CONTEXT,
    ENCAPSULATION,
    IMPORTED,
    MAC,
    SIGNING,
    STATES,
    SYMMETRIC,
    Kind,
    Specimen,
    Specimens,
    public_key,
)

# Operations for other keys than symmetric ones of KMS's own making.
KINDS: dict[str, Kind] = {
    "Decapsulate": ENCAPSULATION,
    "DeleteImportedKeyMaterial": IMPORTED,
    "DeriveSharedSecret": AGREEMENT,
    "Encapsulate": ENCAPSULATION,
    "GenerateMac": MAC,
    "GetParametersForImport": IMPORTED,
    "GetPublicKey": SIGNING,
    "ImportKeyMaterial": IMPORTED,
    "Sign": SIGNING,
    "Verify": SIGNING,
    "VerifyMac": MAC,
}

# What an operation does to the key must not be seen by the next one.
CHANGES_THE_KEY = {
    "CancelKeyDeletion",
    "DeleteAlias",
    "DeleteImportedKeyMaterial",
    "DisableKey",
    "EnableKey",
    "ImportKeyMaterial",
    "ReplicateKey",
    "RetireGrant",
    "RevokeGrant",
    "RotateKeyOnDemand",
    "ScheduleKeyDeletion",
    "UpdatePrimaryRegion",
}

# Admitted by the state and refused by what follows, because nothing could be
# made for the operation in that state.
ADMITTED_AND_REFUSED = {
    ("RetireGrant", "Creating"): "NotFoundException",
    ("RevokeGrant", "Creating"): "NotFoundException",
}

POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": "kms:*",
                "Resource": "*",
            }
        ],
    }
)

# Each operation as a call with the key of a specimen.
CALLS: dict[str, Callable[[Specimen], object]] = {
    "CancelKeyDeletion": lambda it: it.kms.cancel_key_deletion(KeyId=it.key_id),
    "CreateAlias": lambda it: it.kms.create_alias(
        AliasName=f"alias/{uuid.uuid4()}", TargetKeyId=it.key_id
    ),
    "CreateGrant": lambda it: it.kms.create_grant(
        KeyId=it.key_id,
        GranteePrincipal=f"arn:aws:iam::{ACCOUNT}:root",
        Operations=["DescribeKey"],
    ),
    "Decapsulate": lambda it: it.kms.decapsulate(
        KeyId=it.key_id, SharedSecretCiphertextBlob=it.ciphertext, EncapsulationAlgorithm="ML_KEM"
    ),
    "Decrypt": lambda it: it.kms.decrypt(CiphertextBlob=it.ciphertext, EncryptionContext=CONTEXT),
    "DeleteAlias": lambda it: it.kms.delete_alias(AliasName=it.alias),
    "DeleteImportedKeyMaterial": lambda it: it.kms.delete_imported_key_material(KeyId=it.key_id),
    "DeriveSharedSecret": lambda it: it.kms.derive_shared_secret(
        KeyId=it.key_id, KeyAgreementAlgorithm="ECDH", PublicKey=public_key()
    ),
    "DescribeKey": lambda it: it.kms.describe_key(KeyId=it.key_id),
    "DisableKey": lambda it: it.kms.disable_key(KeyId=it.key_id),
    "DisableKeyRotation": lambda it: it.kms.disable_key_rotation(KeyId=it.key_id),
    "EnableKey": lambda it: it.kms.enable_key(KeyId=it.key_id),
    "EnableKeyRotation": lambda it: it.kms.enable_key_rotation(KeyId=it.key_id),
    "Encapsulate": lambda it: it.kms.encapsulate(KeyId=it.key_id, EncapsulationAlgorithm="ML_KEM"),
    "Encrypt": lambda it: it.kms.encrypt(KeyId=it.key_id, Plaintext=b"x"),
    "GenerateDataKey": lambda it: it.kms.generate_data_key(KeyId=it.key_id, KeySpec="AES_256"),
    "GenerateDataKeyPair": lambda it: it.kms.generate_data_key_pair(
        KeyId=it.key_id, KeyPairSpec="ECC_NIST_P256"
    ),
    "GenerateDataKeyPairWithoutPlaintext": lambda it: (
        it.kms.generate_data_key_pair_without_plaintext(
            KeyId=it.key_id, KeyPairSpec="ECC_NIST_P256"
        )
    ),
    "GenerateDataKeyWithoutPlaintext": lambda it: it.kms.generate_data_key_without_plaintext(
        KeyId=it.key_id, KeySpec="AES_256"
    ),
    "GenerateMac": lambda it: it.kms.generate_mac(
        KeyId=it.key_id, Message=b"x", MacAlgorithm="HMAC_SHA_256"
    ),
    "GetKeyLastUsage": lambda it: it.kms.get_key_last_usage(KeyId=it.key_id),
    "GetKeyPolicy": lambda it: it.kms.get_key_policy(KeyId=it.key_id),
    "GetKeyRotationStatus": lambda it: it.kms.get_key_rotation_status(KeyId=it.key_id),
    "GetParametersForImport": lambda it: it.kms.get_parameters_for_import(
        KeyId=it.key_id, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    ),
    "GetPublicKey": lambda it: it.kms.get_public_key(KeyId=it.key_id),
    "ImportKeyMaterial": lambda it: it.kms.import_key_material(KeyId=it.key_id, **it.wrapped()),
    "ListAliases": lambda it: it.kms.list_aliases(KeyId=it.key_id),
    "ListGrants": lambda it: it.kms.list_grants(KeyId=it.key_id),
    "ListKeyPolicies": lambda it: it.kms.list_key_policies(KeyId=it.key_id),
    "ListKeyRotations": lambda it: it.kms.list_key_rotations(KeyId=it.key_id),
    "ListResourceTags": lambda it: it.kms.list_resource_tags(KeyId=it.key_id),
    "PutKeyPolicy": lambda it: it.kms.put_key_policy(KeyId=it.key_id, Policy=POLICY),
    "ReEncrypt": lambda it: it.kms.re_encrypt(
        CiphertextBlob=it.ciphertext,
        SourceEncryptionContext=CONTEXT,
        DestinationKeyId=it.key_id,
    ),
    "ReplicateKey": lambda it: it.kms.replicate_key(KeyId=it.key_id, ReplicaRegion=AP),
    "RetireGrant": lambda it: it.kms.retire_grant(KeyId=it.arn, GrantId=it.grant),
    "RevokeGrant": lambda it: it.kms.revoke_grant(KeyId=it.key_id, GrantId=it.grant),
    "RotateKeyOnDemand": lambda it: it.kms.rotate_key_on_demand(KeyId=it.key_id),
    "ScheduleKeyDeletion": lambda it: it.kms.schedule_key_deletion(KeyId=it.key_id),
    "Sign": lambda it: it.kms.sign(KeyId=it.key_id, Message=b"x", SigningAlgorithm="ECDSA_SHA_256"),
    "TagResource": lambda it: it.kms.tag_resource(
        KeyId=it.key_id, Tags=[{"TagKey": "a", "TagValue": "b"}]
    ),
    "UntagResource": lambda it: it.kms.untag_resource(KeyId=it.key_id, TagKeys=["a"]),
    "UpdateAlias": lambda it: it.kms.update_alias(
        AliasName=alias_of_another(it), TargetKeyId=it.key_id
    ),
    "UpdateKeyDescription": lambda it: it.kms.update_key_description(
        KeyId=it.key_id, Description="new"
    ),
    "UpdatePrimaryRegion": lambda it: it.kms.update_primary_region(
        KeyId=it.key_id, PrimaryRegion=EU
    ),
    "Verify": lambda it: it.kms.verify(
        KeyId=it.key_id,
        Message=b"x",
        Signature=it.signature,
        SigningAlgorithm="ECDSA_SHA_256",
    ),
    "VerifyMac": lambda it: it.kms.verify_mac(
        KeyId=it.key_id, Message=b"x", Mac=it.mac, MacAlgorithm="HMAC_SHA_256"
    ),
}


def alias_of_another(it: Specimen) -> str:
    """An alias of another key of the same kind."""
    name = f"alias/{uuid.uuid4()}"
    kms = getattr(it.kms, "bare", it.kms)
    kms.create_alias(AliasName=name, TargetKeyId=create_key(kms)["KeyId"])
    return name


@pytest.fixture(scope="module")
def specimens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Specimens]:
    """Keys in states, on a cluster of their own: some need faults that stay."""
    directory = tmp_path_factory.mktemp("key-states")
    with started(Cluster(directory, (US, EU, AP), nodes_per_region=1)) as cluster:
        yield Specimens(cluster)


@pytest.fixture(scope="module")
def shared() -> dict[tuple[Kind, str], Specimen]:
    """Keys that no test changes."""
    return {}


def specimen(specimens: Specimens, shared: dict, operation: str, state: str) -> Specimen:
    kind = KINDS.get(operation, SYMMETRIC)
    if operation in CHANGES_THE_KEY:
        return specimens.make(kind, state, replica=operation == "UpdatePrimaryRegion")
    if (kind, state) not in shared:
        shared[kind, state] = specimens.make(kind, state)
    return shared[kind, state]


def outcome(call: Callable[[], object], arn: str) -> tuple[str, str | None]:
    """`ok`, or the code and the text behind the key's ARN."""
    try:
        call()
    except ClientError as error:
        answered = error.response["Error"]
        return answered["Code"], answered["Message"].removeprefix(arn)
    return "ok", None


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("operation", key_states.TABLE)
def test_an_operation_is_refused_in_the_states_of_the_table(specimens, shared, operation, state):
    if operation in UNSERVED:
        pytest.skip(f"{operation} is not served")
    if key_states.cell(operation, state) == "-":
        pytest.skip("AWS: this cannot be")
    if not KINDS.get(operation, SYMMETRIC).is_symmetric and state in key_states.UNREACHABLE:
        pytest.skip(key_states.UNREACHABLE[state])
    word = key_states.cell(operation, state)
    departure = key_states.DEPARTURES.get((operation, state))
    if departure is not None:
        assert departure[0] != word, "a departure that is none"
        word = departure[0]
        if word == "-":
            pytest.skip(departure[1])
    it = specimen(specimens, shared, operation, state)
    code, text = outcome(lambda: CALLS[operation](it), it.arn)
    if word == "ok":
        assert code == ADMITTED_AND_REFUSED.get((operation, state), "ok"), text
        return
    wanted, wanted_text = key_states.REFUSALS[word]
    assert code == wanted, text
    if wanted_text is not None:
        assert text == wanted_text


def test_every_operation_of_the_table_has_a_call():
    assert set(CALLS) == set(key_states.TABLE)
