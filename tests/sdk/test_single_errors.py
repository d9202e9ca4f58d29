"""Errors that one operation or a few declare, each produced in the simplest way."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from calls import ANCHOR, create_key, encrypt, eventually, key_store, refused
from cluster import ACCOUNT, EU, SA, US
from test_key_state_table import POLICY

ROOT = f"arn:aws:iam::{ACCOUNT}:root"
NO_STORE = "cks-1234567890abcdef0"
LONG_POLICY = json.dumps(json.loads(POLICY) | {"Id": "a" * 40_000})
TWICE = [{"TagKey": "a", "TagValue": "b"}] * 2

ERRORS: list[tuple[str, Callable[[Any, str], object]]] = [
    (
        "CustomKeyStoreNotFoundException",
        lambda kms, _: kms.connect_custom_key_store(CustomKeyStoreId=NO_STORE),
    ),
    (
        "CustomKeyStoreNotFoundException",
        lambda kms, _: kms.disconnect_custom_key_store(CustomKeyStoreId=NO_STORE),
    ),
    (
        "CustomKeyStoreNotFoundException",
        lambda kms, _: kms.update_custom_key_store(
            CustomKeyStoreId=NO_STORE, NewCustomKeyStoreName="a"
        ),
    ),
    (
        "CustomKeyStoreNotFoundException",
        lambda kms, _: kms.generate_random(NumberOfBytes=8, CustomKeyStoreId=NO_STORE),
    ),
    (
        "CustomKeyStoreNotFoundException",
        lambda kms, _: kms.create_key(Origin="AWS_CLOUDHSM", CustomKeyStoreId=NO_STORE),
    ),
    ("InvalidMarkerException", lambda kms, _: kms.list_keys(Marker="none")),
    (
        "InvalidMarkerException",
        lambda kms, _: kms.list_retirable_grants(RetiringPrincipal=ROOT, Marker="none"),
    ),
    ("InvalidMarkerException", lambda kms, _: kms.describe_custom_key_stores(Marker="none")),
    ("MalformedPolicyDocumentException", lambda kms, _: kms.create_key(Policy="{")),
    (
        "MalformedPolicyDocumentException",
        lambda kms, key: kms.put_key_policy(KeyId=key, Policy="{"),
    ),
    (
        "MalformedPolicyDocumentException",
        lambda kms, key: kms.replicate_key(KeyId=key, ReplicaRegion=EU, Policy="{"),
    ),
    ("TagException", lambda kms, _: kms.create_key(Tags=TWICE)),
    ("TagException", lambda kms, key: kms.tag_resource(KeyId=key, Tags=TWICE)),
    ("TagException", lambda kms, key: kms.untag_resource(KeyId=key, TagKeys=["aws:a"])),
    (
        "TagException",
        lambda kms, key: kms.replicate_key(KeyId=key, ReplicaRegion=EU, Tags=TWICE),
    ),
    (
        "IncorrectKeyException",
        lambda kms, key: kms.decrypt(CiphertextBlob=encrypt(kms, key), KeyId=another(kms)),
    ),
    (
        "IncorrectKeyException",
        lambda kms, key: kms.re_encrypt(
            CiphertextBlob=encrypt(kms, key), SourceKeyId=another(kms), DestinationKeyId=key
        ),
    ),
    (
        "InvalidCiphertextException",
        lambda kms, key: kms.re_encrypt(CiphertextBlob=b"none", DestinationKeyId=key),
    ),
    ("InvalidGrantIdException", lambda kms, key: kms.list_grants(KeyId=key, GrantId="none")),
    ("InvalidGrantTokenException", lambda kms, _: kms.retire_grant(GrantToken="none")),
    (
        "InvalidArnException",
        lambda kms, _: kms.list_retirable_grants(RetiringPrincipal="arn:aws:nobody"),
    ),
    (
        "UnsupportedOperationException",
        lambda kms, _: kms.update_primary_region(KeyId=another(kms), PrimaryRegion=EU),
    ),
    ("LimitExceededException", lambda kms, key: rotate_too_often(kms)),
    (
        "LimitExceededException",
        lambda kms, key: kms.put_key_policy(KeyId=key, Policy=LONG_POLICY),
    ),
    ("LimitExceededException", lambda kms, _: kms.create_key(Policy=LONG_POLICY)),
    (
        "LimitExceededException",
        lambda kms, key: kms.replicate_key(KeyId=key, ReplicaRegion=EU, Policy=LONG_POLICY),
    ),
    ("LimitExceededException", lambda kms, _: alias_too_many(kms)),
    (
        "UnsupportedOperationException",
        lambda kms, key: kms.put_key_policy(KeyId=key, PolicyName="other", Policy=POLICY),
    ),
]


def another(kms) -> str:
    """A key of one region."""
    return create_key(kms)["KeyId"]


def rotate_too_often(kms) -> None:
    key_id = another(kms)
    for _ in range(26):
        kms.rotate_key_on_demand(KeyId=key_id)


def alias_too_many(kms) -> None:
    """A key has 50 aliases at most, also by UpdateAlias."""
    key_id = another(kms)
    for number in range(50):
        kms.create_alias(AliasName=f"alias/{key_id}-{number}", TargetKeyId=key_id)
    other = f"alias/{key_id}-other"
    kms.create_alias(AliasName=other, TargetKeyId=another(kms))
    kms.update_alias(AliasName=other, TargetKeyId=key_id)


@pytest.fixture(scope="module")
def key_id(kms) -> str:
    return create_key(kms, MultiRegion=True)["KeyId"]


@pytest.mark.parametrize(("error", "call"), ERRORS)
def test_an_error_is_produced_by_what_it_is_for(kms, key_id, error, call):
    with refused(error):
        call(kms, key_id)


def create_store(kms, name: str, **other) -> str:
    """A key store on a cluster of its own."""
    settings = {
        "CustomKeyStoreName": name,
        "CloudHsmClusterId": f"cluster-{name:a<13}",
        "TrustAnchorCertificate": ANCHOR,
        "KeyStorePassword": "kmsuser-password",
    }
    return kms.create_custom_key_store(**settings | other)["CustomKeyStoreId"]


@pytest.fixture(scope="module")
def stores(own_cluster) -> Any:
    """A client, and a key store that is not connected, beside another one."""
    kms = own_cluster.kms(US)
    first, _ = [create_store(kms, name) for name in ("first", "other")]
    return kms, first


def test_an_account_has_ten_key_stores_in_a_region(own_cluster):
    kms = own_cluster.kms(SA)
    for letter in "bcdefghijk":
        create_store(kms, f"store{letter}")
    with refused("LimitExceededException"):
        create_store(kms, "eleventh")


@pytest.mark.parametrize(
    ("error", "change"),
    [
        ("CustomKeyStoreNameInUseException", {"NewCustomKeyStoreName": "other"}),
        ("CloudHsmClusterNotFoundException", {"CloudHsmClusterId": "cluster-missingaaaaaa"}),
        ("CloudHsmClusterNotActiveException", {"CloudHsmClusterId": "cluster-inactiveaaaaa"}),
        (
            "CloudHsmClusterInvalidConfigurationException",
            {"CloudHsmClusterId": "cluster-brokenaaaaaaa"},
        ),
        ("CloudHsmClusterNotRelatedException", {"CloudHsmClusterId": "cluster-strangeraaaaa"}),
    ],
)
def test_a_key_store_cannot_become_what_it_cannot_be(stores, error, change):
    kms, store = stores
    with refused(error):
        kms.update_custom_key_store(CustomKeyStoreId=store, **change)


def test_a_connection_has_to_be_in_the_right_state(own_cluster):
    kms = own_cluster.kms(US)
    store = create_store(kms, "states", KeyStorePassword="wrong-password")
    invalid = "CustomKeyStoreInvalidStateException"
    with refused(invalid):
        kms.generate_random(NumberOfBytes=8, CustomKeyStoreId=store)
    with refused(invalid):
        kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    kms.connect_custom_key_store(CustomKeyStoreId=store)
    # It stays as it is until it is disconnected.
    eventually(lambda: key_store(kms, store)["ConnectionState"], "FAILED")
    with refused(invalid):
        kms.connect_custom_key_store(CustomKeyStoreId=store)
