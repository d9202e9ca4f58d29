"""What is left of a key when its deletion window has passed."""

import pytest

from calls import (
    create_key,
    describe,
    encrypt,
    error_code,
    eventually,
    key_state,
    refused,
    replicate,
)
from cluster import ACCOUNT, AP, EU, US


@pytest.fixture
def kms(own_cluster):
    return own_cluster.kms(US)


def wait_until_gone(kms, key_id: str) -> None:
    eventually(lambda: error_code(lambda: describe(kms, key_id)), "NotFoundException")


def test_a_key_is_gone_after_its_window_with_its_aliases_and_ciphertexts(own_cluster, kms):
    key_id = create_key(kms)["KeyId"]
    alias, ciphertext = f"alias/{key_id}", encrypt(kms, key_id)
    kms.create_alias(AliasName=alias, TargetKeyId=key_id)
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    own_cluster.advance_clock("6d")
    assert key_state(kms, key_id) == "PendingDeletion"
    assert describe(kms, alias)["KeyId"] == key_id

    own_cluster.advance_clock("2d")
    wait_until_gone(kms, key_id)
    arn = f"arn:aws:kms:{US}:{ACCOUNT}:key/{key_id}"
    with refused("NotFoundException", f"Key '{arn}' does not exist"):
        kms.cancel_key_deletion(KeyId=key_id)
    with refused("NotFoundException"):
        kms.describe_key(KeyId=alias)
    with refused("AccessDeniedException"):
        kms.decrypt(CiphertextBlob=ciphertext)
    assert key_id not in {key["KeyId"] for key in kms.list_keys(Limit=1000)["Keys"]}


def test_a_cancelled_deletion_does_not_happen(own_cluster, kms):
    key_id = create_key(kms)["KeyId"]
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    kms.cancel_key_deletion(KeyId=key_id)
    own_cluster.advance_clock("30d")
    assert key_state(kms, key_id) == "Disabled"


def test_a_deleted_replica_leaves_the_set_and_can_be_made_anew(own_cluster, kms):
    key_id, replica = create_key(kms, MultiRegion=True)["KeyId"], own_cluster.kms(EU)
    ciphertext = encrypt(kms, key_id)
    replicate(kms, key_id, replica)
    replica.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    own_cluster.advance_clock("8d")
    wait_until_gone(replica, key_id)
    eventually(lambda: describe(kms, key_id)["MultiRegionConfiguration"]["ReplicaKeys"], [])
    assert key_state(kms, key_id) == "Enabled"
    replicate(kms, key_id, replica)
    assert replica.decrypt(CiphertextBlob=ciphertext)["Plaintext"] == b"a secret"


def test_the_window_of_a_primary_begins_when_its_last_replica_is_gone(own_cluster, kms):
    key_id, eu, ap = (
        create_key(kms, MultiRegion=True)["KeyId"],
        own_cluster.kms(EU),
        own_cluster.kms(AP),
    )
    replicate(kms, key_id, eu)
    replicate(kms, key_id, ap)
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=10)
    eu.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    own_cluster.advance_clock("20d")
    wait_until_gone(eu, key_id)
    assert key_state(kms, key_id) == "PendingReplicaDeletion"

    ap.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    own_cluster.advance_clock("8d")
    wait_until_gone(ap, key_id)
    eventually(lambda: key_state(kms, key_id), "PendingDeletion")
    metadata = describe(kms, key_id)
    assert "DeletionDate" in metadata
    assert "PendingDeletionWindowInDays" not in metadata
    own_cluster.advance_clock("11d")
    wait_until_gone(kms, key_id)
