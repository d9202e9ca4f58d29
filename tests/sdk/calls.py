"""What every test does with a KMS client: make keys, import material, wait, be refused."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding
from cryptography.hazmat.primitives.serialization import load_der_public_key

T = TypeVar("T")

WAIT_S = 30.0
POLL_S = 0.02
DAY_S = 24 * 60 * 60

PENDING_ROTATION = "PENDING_ROTATION"
PENDING_MULTI_REGION = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION"
CURRENT, NON_CURRENT = "CURRENT", "NON_CURRENT"
IMPORTED, PENDING_IMPORT = "IMPORTED", "PENDING_IMPORT"
READY_REPLICA = ("Enabled", "PendingImport")
NEW = {"ImportType": "NEW_KEY_MATERIAL"}
EXISTING = {"ImportType": "EXISTING_KEY_MATERIAL"}

UNEXPECTED_MATERIAL = re.compile(
    r"Imported key material does not have the expected identifier \([0-9a-f]{64}\)\."
)
REPLICAS_LACK_MATERIAL = (
    "Cannot perform key material rotation: "
    "Key material has not been imported for replicas of the Multi-Region key."
)
# A key that is nobody's.
NOBODY = "1234abcd-12ab-34cd-56ef-1234567890ab"
# What passes for the certificate of a CloudHSM cluster.
ANCHOR = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
WRONG_KEY = "The key ID in the request does not identify a CMK that can perform this operation."

HASHES = {
    "RSAES_OAEP_SHA_1": SHA1,
    "RSAES_OAEP_SHA_256": SHA256,
    "RSA_AES_KEY_WRAP_SHA_1": SHA1,
    "RSA_AES_KEY_WRAP_SHA_256": SHA256,
}


def eventually(read: Callable[[], T], wanted: Any, timeout_s: float = WAIT_S) -> T:
    """Reads until the value is the wanted one, or satisfies `wanted` if that is a
    function. A key that is not there yet is waited for."""
    is_right = wanted if callable(wanted) else lambda value: value == wanted
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            value = read()
            if is_right(value):
                return value
        except ClientError as error:
            if error.response["Error"]["Code"] != "NotFoundException":
                raise
            value = error
        if time.monotonic() > deadline:
            pytest.fail(f"after {timeout_s} s still {value!r}, not {wanted!r}")
        time.sleep(POLL_S)


@contextmanager
def refused(
    code: str, text: str | re.Pattern[str] | None = None, status: int = 400
) -> Iterator[pytest.ExceptionInfo[ClientError]]:
    """The block must fail with this AWS error; `""` means that AWS sends no text."""
    with pytest.raises(ClientError) as caught:
        yield caught
    response = caught.value.response
    error = response["Error"]
    assert (error["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status), error
    assert response["ResponseMetadata"]["RequestId"]
    if isinstance(text, re.Pattern):
        assert text.fullmatch(error["Message"]), error["Message"]
    elif text is not None:
        assert error["Message"] == text


def error_code(call: Callable[[], Any]) -> str | None:
    """The code that a call fails with; None if it succeeds."""
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


def members(response: dict) -> set[str]:
    """What AWS's answer itself holds, without botocore's additions."""
    return set(response) - {"ResponseMetadata"}


def create_key(kms, **parameters) -> dict:
    return kms.create_key(**parameters)["KeyMetadata"]


def describe(kms, key_id: str) -> dict:
    return kms.describe_key(KeyId=key_id)["KeyMetadata"]


def key_state(kms, key_id: str) -> str:
    return describe(kms, key_id)["KeyState"]


def new_material() -> bytes:
    return os.urandom(32)


def wrap(public_key_der: bytes, algorithm: str, material: bytes) -> bytes:
    digest = HASHES[algorithm]()
    oaep = padding.OAEP(mgf=padding.MGF1(algorithm=digest), algorithm=digest, label=None)
    public_key = load_der_public_key(public_key_der)
    if not algorithm.startswith("RSA_AES_KEY_WRAP"):
        return public_key.encrypt(material, oaep)
    aes_key = os.urandom(32)
    return public_key.encrypt(aes_key, oaep) + aes_key_wrap_with_padding(aes_key, material)


def import_parameters(
    kms, key_id: str, algorithm: str = "RSAES_OAEP_SHA_256", spec: str = "RSA_2048"
) -> dict:
    return kms.get_parameters_for_import(
        KeyId=key_id, WrappingAlgorithm=algorithm, WrappingKeySpec=spec
    )


def import_material(
    kms,
    key_id: str,
    material: bytes,
    *,
    algorithm: str = "RSAES_OAEP_SHA_256",
    spec: str = "RSA_2048",
    **parameters,
) -> dict:
    """Parameters, wrapping and import in one; the material lasts unless ValidTo says otherwise."""
    if "ValidTo" not in parameters:
        parameters.setdefault("ExpirationModel", "KEY_MATERIAL_DOES_NOT_EXPIRE")
    given = import_parameters(kms, key_id, algorithm, spec)
    return kms.import_key_material(
        KeyId=key_id,
        ImportToken=given["ImportToken"],
        EncryptedKeyMaterial=wrap(given["PublicKey"], algorithm, material),
        **parameters,
    )


def imported_key(kms, material: bytes | None = None, **parameters) -> tuple[str, str]:
    """A key of origin EXTERNAL with its first material; key ID and material ID."""
    key_id = create_key(kms, Origin="EXTERNAL", **parameters)["KeyId"]
    imported = import_material(kms, key_id, material or new_material())
    return key_id, imported["KeyMaterialId"]


def seconds_from_now(kms, key_id: str, seconds: float) -> float:
    """A time by the clock of the key's region, which a test may have moved."""
    parameters_end = import_parameters(kms, key_id)["ParametersValidTo"].timestamp()
    return parameters_end - DAY_S + seconds


def materials(kms, key_id: str) -> list[dict]:
    """Every material of the key as this region lists it."""
    answer = kms.list_key_rotations(KeyId=key_id, IncludeKeyMaterial="ALL_KEY_MATERIAL")
    return answer["Rotations"]


def material_entry(kms, key_id: str, material_id: str) -> dict | None:
    entries = [it for it in materials(kms, key_id) if it["KeyMaterialId"] == material_id]
    return entries[0] if entries else None


def material_state(kms, key_id: str, material_id: str) -> tuple[str, str | None] | None:
    """KeyMaterialState and ImportState of one material; None if it is not listed."""
    entry = material_entry(kms, key_id, material_id)
    return entry and (entry["KeyMaterialState"], entry.get("ImportState"))


def current_material(kms, key_id: str) -> str | None:
    return describe(kms, key_id).get("CurrentKeyMaterialId")


def encrypting_material(kms, key_id: str) -> str:
    """The material that a data key is encrypted under at this moment."""
    made = kms.generate_data_key_without_plaintext(KeyId=key_id, KeySpec="AES_256")
    return made["KeyMaterialId"]


def encrypt(kms, key_id: str, plaintext: bytes = b"a secret", **parameters) -> bytes:
    return kms.encrypt(KeyId=key_id, Plaintext=plaintext, **parameters)["CiphertextBlob"]


def rotation_runs(kms, key_id: str) -> bool:
    return "OnDemandRotationStartDate" in kms.get_key_rotation_status(KeyId=key_id)


def replicate(kms, key_id: str, replica_kms, **parameters) -> dict:
    """Replicates into the region of `replica_kms` and waits until the replica is there."""
    region = replica_kms.meta.region_name
    answer = kms.replicate_key(KeyId=key_id, ReplicaRegion=region, **parameters)
    eventually(lambda: key_state(replica_kms, key_id), lambda state: state in READY_REPLICA)
    return answer


def key_store(kms: Any, store: str) -> dict:
    """What DescribeCustomKeyStores shows of one custom key store."""
    return kms.describe_custom_key_stores(CustomKeyStoreId=store)["CustomKeyStores"][0]
