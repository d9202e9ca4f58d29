"""Errors that many operations share, each from every operation that declares it:
an unknown key, a broken ARN, a broken token or marker, a dry run, a key of the
wrong usage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from api import aws, declared_errors
from calls import NOBODY, refused
from cluster import US
from departures import UNPRODUCED, UNSERVED
from specimens import IMPORTED, MAC, SIGNING, SYMMETRIC, Kind, Specimen, Specimens
from test_key_state_table import CALLS, KINDS

KEY_MEMBERS = ("KeyId", "TargetKeyId", "DestinationKeyId")


class With:
    """A client that adds parameters to every call."""

    def __init__(self, kms: Any, **parameters: Any) -> None:
        self.bare, self._parameters = kms, parameters

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.bare, name)
        if not callable(call):
            return call
        return lambda **parameters: call(**(parameters | self._parameters))


def declaring(error: str, *members: str) -> list[str]:
    """The served operations that declare an error and have one of these members."""
    return [
        operation
        for operation, errors in sorted(declared_errors().items())
        if error in errors
        and operation not in UNSERVED
        and operation in CALLS
        and (not members or any(it in aws()[operation][0] for it in members))
    ]


def key_member(operation: str) -> str:
    """The member that names the key that an operation uses."""
    return next(it for it in KEY_MEMBERS if it in aws()[operation][0])


@pytest.fixture(scope="module")
def keys(cluster) -> Iterator[dict[Kind, Specimen]]:
    """One enabled key of each kind, made when it is asked for."""

    class Made(dict):
        def __missing__(self, kind: Kind) -> Specimen:
            self[kind] = Specimens(cluster).make(kind, "Enabled")
            return self[kind]

    yield Made()


def call(keys: dict[Kind, Specimen], operation: str, **parameters: Any) -> None:
    it = keys[KINDS.get(operation, SYMMETRIC)]
    CALLS[operation](replace(it, kms=With(it.kms, **parameters)))


@pytest.mark.parametrize("operation", declaring("NotFoundException", *KEY_MEMBERS))
def test_an_unknown_key_is_not_found(keys, operation):
    with refused("NotFoundException"):
        call(keys, operation, **{key_member(operation): NOBODY})


@pytest.mark.parametrize("operation", declaring("InvalidArnException", *KEY_MEMBERS))
def test_a_broken_arn_is_invalid(keys, operation):
    with refused("InvalidArnException"):
        call(keys, operation, **{key_member(operation): f"arn:aws:kms:{US}"})


@pytest.mark.parametrize("operation", declaring("InvalidGrantTokenException", "GrantTokens"))
def test_a_grant_token_that_is_none_is_invalid(keys, operation):
    with refused("InvalidGrantTokenException"):
        call(keys, operation, GrantTokens=["none"])


@pytest.mark.parametrize("operation", declaring("DryRunOperationException", "DryRun"))
def test_a_dry_run_that_would_succeed_says_so(keys, operation):
    with refused("DryRunOperationException"):
        call(keys, operation, DryRun=True)


@pytest.mark.parametrize("operation", declaring("InvalidMarkerException", "Marker"))
def test_a_marker_that_is_none_is_invalid(keys, operation):
    with refused("InvalidMarkerException"):
        call(keys, operation, Marker="none")


@pytest.mark.parametrize(
    "operation",
    [
        it
        for it in declaring("InvalidKeyUsageException", *KEY_MEMBERS)
        if (it, "InvalidKeyUsageException") not in UNPRODUCED
    ],
)
def test_a_key_of_another_usage_is_refused(keys, operation):
    other = MAC if KINDS.get(operation, SYMMETRIC) == SIGNING else SIGNING
    parameters = {key_member(operation): keys[other].key_id}
    if operation == "Decrypt":
        # A symmetric ciphertext says itself that it needs another key.
        parameters["EncryptionAlgorithm"] = "RSAES_OAEP_SHA_256"
    with refused("InvalidKeyUsageException"):
        call(keys, operation, **parameters)


def test_material_is_imported_into_keys_of_that_origin_only(keys):
    for operation in ("GetParametersForImport", "ImportKeyMaterial", "DeleteImportedKeyMaterial"):
        assert KINDS[operation] == IMPORTED
        with refused("UnsupportedOperationException"):
            call(keys, operation, KeyId=keys[SYMMETRIC].key_id)
