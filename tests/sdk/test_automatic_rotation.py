"""Automatic rotation of generated keys as time passes."""

from datetime import timedelta

import pytest

from calls import (
    CURRENT,
    create_key,
    current_material,
    describe,
    encrypt,
    eventually,
    key_state,
    refused,
    replicate,
)
from cluster import EU, US


@pytest.fixture
def kms(own_cluster):
    return own_cluster.kms(US)


def rotations(kms, key_id: str) -> list[dict]:
    return kms.list_key_rotations(KeyId=key_id)["Rotations"]


def rotation_types(kms, key_id: str) -> list[str]:
    return [entry["RotationType"] for entry in rotations(kms, key_id)]


def next_rotation(kms, key_id: str):
    return kms.get_key_rotation_status(KeyId=key_id)["NextRotationDate"]


def test_a_key_rotates_by_itself_every_period(own_cluster, kms):
    key = create_key(kms)
    key_id, first = key["KeyId"], key["CurrentKeyMaterialId"]
    old = encrypt(kms, key_id)
    kms.enable_key_rotation(KeyId=key_id, RotationPeriodInDays=90)
    due = next_rotation(kms, key_id)
    own_cluster.advance_clock("80d")
    assert rotations(kms, key_id) == []
    own_cluster.advance_clock("11d")
    eventually(lambda: rotation_types(kms, key_id), ["AUTOMATIC"])
    [entry] = rotations(kms, key_id)
    assert entry["KeyMaterialState"] == CURRENT
    assert entry["RotationDate"] >= due
    assert current_material(kms, key_id) == entry["KeyMaterialId"] != first
    assert next_rotation(kms, key_id) == due + timedelta(days=90)
    assert kms.decrypt(CiphertextBlob=old)["KeyMaterialId"] == first
    assert "OnDemandRotationStartDate" not in kms.get_key_rotation_status(KeyId=key_id)

    own_cluster.advance_clock("90d")
    eventually(lambda: rotation_types(kms, key_id), ["AUTOMATIC"] * 2)


def test_a_key_whose_rotation_is_off_does_not_rotate(own_cluster, kms):
    off, on = create_key(kms)["KeyId"], create_key(kms)["KeyId"]
    for key_id in (off, on):
        kms.enable_key_rotation(KeyId=key_id, RotationPeriodInDays=90)
    kms.disable_key_rotation(KeyId=off)
    own_cluster.advance_clock("91d")
    eventually(lambda: rotation_types(kms, on), ["AUTOMATIC"])
    assert rotations(kms, off) == []


def test_a_disabled_key_rotates_once_it_is_enabled_again(own_cluster, kms):
    key_id, other = create_key(kms)["KeyId"], create_key(kms)["KeyId"]
    for name in (key_id, other):
        kms.enable_key_rotation(KeyId=name, RotationPeriodInDays=90)
    kms.disable_key(KeyId=key_id)
    own_cluster.advance_clock("91d")
    eventually(lambda: rotation_types(kms, other), ["AUTOMATIC"])
    assert rotations(kms, key_id) == []
    assert kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"] is True
    kms.enable_key(KeyId=key_id)
    eventually(lambda: rotation_types(kms, key_id), ["AUTOMATIC"])


def test_a_key_pending_deletion_hides_its_schedule_until_the_deletion_is_cancelled(kms):
    key_id = create_key(kms)["KeyId"]
    kms.enable_key_rotation(KeyId=key_id, RotationPeriodInDays=120)
    before = kms.get_key_rotation_status(KeyId=key_id)
    kms.schedule_key_deletion(KeyId=key_id)
    status = kms.get_key_rotation_status(KeyId=key_id)
    assert status["KeyRotationEnabled"] is False
    assert not {"NextRotationDate", "RotationPeriodInDays"} & set(status)
    kms.cancel_key_deletion(KeyId=key_id)
    after = kms.get_key_rotation_status(KeyId=key_id)
    assert after["KeyRotationEnabled"] is True
    assert after["NextRotationDate"] == before["NextRotationDate"]


def test_related_keys_rotate_together(own_cluster, kms):
    key_id, replica = create_key(kms, MultiRegion=True)["KeyId"], own_cluster.kms(EU)
    replicate(kms, key_id, replica)
    old = encrypt(replica, key_id)
    kms.enable_key_rotation(KeyId=key_id, RotationPeriodInDays=90)
    own_cluster.advance_clock("91d")
    eventually(lambda: rotation_types(kms, key_id), ["AUTOMATIC"])
    eventually(lambda: rotations(replica, key_id) != [], True)
    [at_primary], [at_replica] = rotations(kms, key_id), rotations(replica, key_id)
    assert at_replica["KeyMaterialId"] == at_primary["KeyMaterialId"]
    assert at_replica["RotationDate"] == at_primary["RotationDate"]
    assert kms.decrypt(CiphertextBlob=old)["Plaintext"] == b"a secret"
    assert kms.decrypt(CiphertextBlob=encrypt(replica, key_id))["Plaintext"] == b"a secret"


def test_a_disabled_replica_does_not_stop_the_rotation(own_cluster, kms):
    key_id, replica = create_key(kms, MultiRegion=True)["KeyId"], own_cluster.kms(EU)
    replicate(kms, key_id, replica)
    kms.enable_key_rotation(KeyId=key_id, RotationPeriodInDays=90)
    replica.disable_key(KeyId=key_id)
    own_cluster.advance_clock("91d")
    eventually(lambda: rotation_types(kms, key_id), ["AUTOMATIC"])
    eventually(lambda: rotation_types(replica, key_id), ["AUTOMATIC"])
    assert key_state(replica, key_id) == "Disabled"


def test_rotation_on_demand_keeps_away_from_a_rotation_that_is_due(own_cluster, kms):
    """From 20 minutes before it is due, an automatic rotation is not overtaken."""
    key_id = create_key(kms)["KeyId"]
    kms.enable_key_rotation(KeyId=key_id, RotationPeriodInDays=90)
    minutes_before_due = 90 * 24 * 60 - 10
    own_cluster.advance_clock(f"{minutes_before_due}m")
    with refused("ConflictException"):
        kms.rotate_key_on_demand(KeyId=key_id)
    assert rotations(kms, key_id) == []
    assert describe(kms, key_id)["KeyState"] == "Enabled"
