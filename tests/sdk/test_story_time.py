"""Acceptance stories in which time passes. A is us-east-1, B eu-west-1, C
ap-southeast-2."""

import pytest

from calls import (
    CURRENT,
    DAY_S,
    IMPORTED,
    NON_CURRENT,
    PENDING_MULTI_REGION,
    PENDING_ROTATION,
    REPLICAS_LACK_MATERIAL,
    describe,
    encrypt,
    error_code,
    eventually,
    import_parameters,
    key_state,
    material_state,
    new_material,
    refused,
    seconds_from_now,
)
from cluster import AP, EU, US
from key_set import KeySet


@pytest.fixture
def keys(own_cluster) -> KeySet:
    """An enabled key in A, B and C, all holding the first material M1."""
    return KeySet(own_cluster, US, EU, AP)


def test_a_region_whose_old_material_expires_waits_for_it_alone(own_cluster, keys):
    """Scenario 7, expiry of NON_CURRENT. After the rotation to M2, M1 expires at C:
    C is PendingImport and all cryptography there fails, A and B are unaffected.
    M1 is imported again: Enabled."""
    at_c, m1 = keys.at(AP), keys.first_id
    old = encrypt(at_c, keys.key_id)
    valid_to = seconds_from_now(at_c, keys.key_id, 10 * DAY_S)
    keys.import_existing(AP, keys.first_material, ValidTo=valid_to)
    m2 = keys.import_everywhere(new_material())
    keys.rotate()
    keys.wait_for_state(m2, CURRENT)
    young = encrypt(at_c, keys.key_id)

    own_cluster.advance_clock("11d")
    eventually(keys.key_states, {US: "Enabled", EU: "Enabled", AP: "PendingImport"})
    assert material_state(at_c, keys.key_id, m1) == (NON_CURRENT, IMPORTED)
    pending_import = f"{keys.arn(AP)} is pending import."
    for call in (
        lambda: encrypt(at_c, keys.key_id),
        lambda: at_c.decrypt(CiphertextBlob=old),
        lambda: at_c.decrypt(CiphertextBlob=young),
        lambda: at_c.generate_data_key(KeyId=keys.key_id, KeySpec="AES_256"),
        lambda: at_c.re_encrypt(CiphertextBlob=young, DestinationKeyId=keys.key_id),
    ):
        with refused("KMSInvalidStateException", pending_import):
            call()
    for region in (US, EU):
        assert keys.at(region).decrypt(CiphertextBlob=old)["KeyMaterialId"] == m1

    keys.import_existing(AP, keys.first_material)
    assert keys.key_states() == keys.everywhere("Enabled")
    assert at_c.decrypt(CiphertextBlob=old)["KeyMaterialId"] == m1
    assert keys.encrypting_materials() == keys.everywhere(m2)


def test_a_replica_pending_deletion_holds_the_rotation_up_until_it_is_gone(own_cluster, keys):
    """Scenario 9, replica pending deletion. C lacks M2 and is to be deleted: it
    cannot import, and the set waits for it. When C is really gone, the set is
    PENDING_ROTATION, and rotates."""
    material = new_material()
    m2 = keys.import_new(material)
    for replica in (EU, AP):
        keys.wait_until_known(replica, m2)
    at_c = keys.at(AP)
    at_c.schedule_key_deletion(KeyId=keys.key_id, PendingWindowInDays=7)
    keys.import_existing(EU, material)
    with refused("KMSInvalidStateException", f"{keys.arn(AP)} is pending deletion."):
        import_parameters(at_c, keys.key_id)
    assert keys.material_states(m2) == keys.everywhere(PENDING_MULTI_REGION)
    with refused("KMSInvalidStateException", REPLICAS_LACK_MATERIAL):
        keys.rotate()

    own_cluster.advance_clock("8d")
    eventually(lambda: error_code(lambda: key_state(at_c, keys.key_id)), "NotFoundException")
    keys.regions.remove(AP)
    keys.wait_for_state(m2, PENDING_ROTATION)
    replicas = describe(keys.at(US), keys.key_id)["MultiRegionConfiguration"]["ReplicaKeys"]
    assert [replica["Region"] for replica in replicas] == [EU]
    keys.rotate()
    keys.wait_for_state(m2, CURRENT)


def test_a_replica_whose_pending_material_expires_holds_the_rotation_up(own_cluster, keys):
    """M2 is PENDING_ROTATION and expires at B: B's key stays Enabled, the set falls
    back and cannot be rotated until B has imported M2 again."""
    material = new_material()
    m2 = keys.import_new(material)
    for replica in (EU, AP):
        keys.wait_until_known(replica, m2)
    valid_to = seconds_from_now(keys.at(EU), keys.key_id, 10 * DAY_S)
    keys.import_existing(EU, material, ValidTo=valid_to)
    keys.import_existing(AP, material)
    keys.wait_for_state(m2, PENDING_ROTATION)

    own_cluster.advance_clock("11d")
    keys.wait_for_state(m2, PENDING_MULTI_REGION)
    assert keys.key_states() == keys.everywhere("Enabled")
    with refused("KMSInvalidStateException", REPLICAS_LACK_MATERIAL):
        keys.rotate()
    keys.import_existing(EU, material)
    keys.wait_for_state(m2, PENDING_ROTATION)
