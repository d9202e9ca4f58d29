"""Acceptance stories of imported material on its way through a rotation, with
all regions in reach. A is us-east-1, B eu-west-1, C ap-southeast-2."""

import re

import pytest

from calls import (
    CURRENT,
    IMPORTED,
    NEW,
    NON_CURRENT,
    PENDING_IMPORT,
    PENDING_MULTI_REGION,
    PENDING_ROTATION,
    REPLICAS_LACK_MATERIAL,
    UNEXPECTED_MATERIAL,
    current_material,
    describe,
    encrypt,
    eventually,
    import_material,
    imported_key,
    key_state,
    material_state,
    materials,
    new_material,
    refused,
)
from cluster import AP, EU, US
from key_set import KeySet

ROTATIONS_MAX = 25


@pytest.fixture
def keys(cluster) -> KeySet:
    """An enabled key in A, B and C, all holding the first material M1."""
    return KeySet(cluster, US, EU, AP)


def test_material_waits_until_the_last_replica_has_imported_it(keys):
    """Scenario 1, happy path. A, B and C hold M1. M2 is imported as NEW at A: it
    reads PENDING_MULTI_REGION_IMPORT_AND_ROTATION everywhere, and cannot be
    rotated to. B imports it: still so. C imports it: PENDING_ROTATION
    everywhere. B may not rotate, A may. Then M2 is CURRENT and M1 NON_CURRENT in
    all regions, and what was encrypted before opens everywhere under M1."""
    before = keys.encrypt_everywhere()
    material = new_material()
    m1, m2 = keys.first_id, keys.import_new(material)
    keys.wait_for_state(m2, PENDING_MULTI_REGION)
    assert keys.import_states(m2) == {US: IMPORTED, EU: PENDING_IMPORT, AP: PENDING_IMPORT}
    with refused("KMSInvalidStateException", REPLICAS_LACK_MATERIAL):
        keys.rotate()

    assert keys.import_existing(EU, material)["KeyMaterialId"] == m2
    assert keys.material_states(m2) == keys.everywhere(PENDING_MULTI_REGION)
    assert keys.import_states(m2) == {US: IMPORTED, EU: IMPORTED, AP: PENDING_IMPORT}
    with refused("KMSInvalidStateException", REPLICAS_LACK_MATERIAL):
        keys.rotate()

    keys.import_existing(AP, material)
    keys.wait_for_state(m2, PENDING_ROTATION)
    assert keys.encrypting_materials() == keys.everywhere(m1)
    not_at_a_replica = (
        f"{keys.arn(EU)} is a multi-region replica key which is not valid for RotateKeyOnDemand."
    )
    with refused("UnsupportedOperationException", not_at_a_replica):
        keys.rotate(EU)
    assert keys.rotate()["KeyId"] == keys.arn(US)

    keys.wait_for_state(m2, CURRENT)
    assert keys.material_states(m1) == keys.everywhere(NON_CURRENT)
    assert keys.encrypting_materials() == keys.everywhere(m2)
    assert keys.check_all_open_everywhere(before) == {m1}
    assert keys.check_all_open_everywhere(keys.encrypt_everywhere()) == {m2}
    rotations = keys.each(lambda kms: kms.list_key_rotations(KeyId=keys.key_id)["Rotations"])
    for rotated in rotations.values():
        assert [(it["KeyMaterialId"], it["RotationType"]) for it in rotated] == [(m2, "ON_DEMAND")]
    assert len({rotated[0]["RotationDate"] for rotated in rotations.values()}) == 1


def test_a_replica_takes_only_the_bytes_of_the_pending_material(keys):
    """Scenario 3, wrong bytes. M2 is pending. At B other bytes are refused, with
    KeyMaterialId M2 and without it, and change nothing."""
    m2 = keys.import_new(new_material())
    keys.wait_until_known(EU, m2)
    expects_m2 = f"Imported key material does not have the expected identifier ({m2})."
    with refused("IncorrectKeyMaterialException", expects_m2):
        keys.import_existing(EU, new_material(), KeyMaterialId=m2)
    with refused("IncorrectKeyMaterialException", UNEXPECTED_MATERIAL):
        keys.import_existing(EU, new_material())
    assert keys.import_states(m2)[EU] == PENDING_IMPORT


def test_only_one_material_can_be_pending(keys):
    """Scenario 4, second NEW. While M2 is pending at A, another NEW material is
    refused naming both, and so are M2 and M1 once more as NEW. Scenario 5,
    replace. M2 is deleted at A: it is gone at A, B and C, and the keys stay
    Enabled; M3 is then accepted as NEW, under the ID it was refused with."""
    arn = keys.arn(US)
    second, third = new_material(), new_material()
    m2 = keys.import_new(second)
    keys.wait_until_known(EU, m2)
    keys.import_existing(EU, second)
    m2_is_pending = re.compile(
        r"New key material \(id: ([0-9a-f]{64})\) cannot be imported into KMS key "
        + re.escape(arn)
        + rf", because another key material \(id: {m2}\) is pending rotation\."
    )
    with refused("KMSInvalidStateException", m2_is_pending) as refusal:
        keys.import_new(third)
    for material, material_id in ((second, m2), (keys.first_material, keys.first_id)):
        already = (
            f"Key material (id: {material_id}) being imported as NEW_KEY_MATERIAL is already "
            f"associated with KMS key {arn}."
        )
        with refused("IncorrectKeyMaterialException", already):
            keys.import_new(material)

    keys.delete_material(US, m2)
    eventually(lambda: keys.material_states(m2), keys.everywhere(None))
    assert keys.key_states() == keys.everywhere("Enabled")
    m3 = keys.import_new(third)
    keys.wait_for_state(m3, PENDING_MULTI_REGION)
    refused_as = m2_is_pending.fullmatch(refusal.value.response["Error"]["Message"])
    assert refused_as.group(1) == m3


def test_a_replica_that_deletes_its_copy_holds_the_rotation_up(keys):
    """Scenario 6, local delete. In PENDING_ROTATION M2 is deleted at B: A and C
    keep their bytes, the set falls back, Rotate is refused. B imports M2 again:
    PENDING_ROTATION, and the rotation works."""
    material = new_material()
    m2 = keys.import_everywhere(material)
    keys.delete_material(EU, m2)
    keys.wait_for_state(m2, PENDING_MULTI_REGION)
    assert keys.import_states(m2) == {US: IMPORTED, EU: PENDING_IMPORT, AP: IMPORTED}
    assert keys.key_states() == keys.everywhere("Enabled")
    with refused("KMSInvalidStateException", REPLICAS_LACK_MATERIAL):
        keys.rotate()

    keys.import_existing(EU, material)
    keys.wait_for_state(m2, PENDING_ROTATION)
    keys.rotate()
    keys.wait_for_state(m2, CURRENT)


def test_a_pending_material_moves_with_the_primary_role(keys):
    """Scenario 10, primary change. M2 is pending and missing at B when B becomes
    the primary. B imports it as EXISTING; when all have it, Rotate works at B
    and not at A."""
    material = new_material()
    m2 = keys.import_new(material)
    for replica in (EU, AP):
        keys.wait_until_known(replica, m2)
    keys.import_existing(AP, material)
    keys.at(US).update_primary_region(KeyId=keys.key_id, PrimaryRegion=EU)
    eventually(lambda: keys.each(lambda kms: primary_region(kms, keys)), keys.everywhere(EU))
    eventually(keys.key_states, keys.everywhere("Enabled"))
    keys.wait_for_state(m2, PENDING_MULTI_REGION)
    assert keys.import_states(m2) == {US: IMPORTED, EU: PENDING_IMPORT, AP: IMPORTED}
    with refused("KMSInvalidStateException", REPLICAS_LACK_MATERIAL):
        keys.rotate(EU)

    keys.import_existing(EU, material)
    keys.wait_for_state(m2, PENDING_ROTATION)
    not_at_a_replica = (
        f"{keys.arn(US)} is a multi-region replica key which is not valid for RotateKeyOnDemand."
    )
    with refused("UnsupportedOperationException", not_at_a_replica):
        keys.rotate(US)
    assert keys.rotate(EU)["KeyId"] == keys.arn(EU)
    keys.wait_for_state(m2, CURRENT)
    assert keys.encrypting_materials() == keys.everywhere(m2)


def primary_region(kms, keys: KeySet) -> str:
    return describe(kms, keys.key_id)["MultiRegionConfiguration"]["PrimaryKey"]["Region"]


def test_a_key_rotates_on_demand_25_times(kms):
    """Scenario 11, limit. 25 imported materials are rotated in; the 26th is
    accepted as pending, and its rotation refused."""
    key_id, _ = imported_key(kms)
    for _ in range(ROTATIONS_MAX):
        imported = import_material(kms, key_id, new_material(), **NEW)["KeyMaterialId"]
        kms.rotate_key_on_demand(KeyId=key_id)
        eventually(lambda: current_material(kms, key_id), imported)
    too_many = import_material(kms, key_id, new_material(), **NEW)["KeyMaterialId"]
    arn = describe(kms, key_id)["Arn"]
    limit = (
        "The on-demand rotations limit has been reached for the given keyId. "
        f"No more on-demand rotations can be performed for this key: {arn}"
    )
    with refused("LimitExceededException", limit):
        kms.rotate_key_on_demand(KeyId=key_id)
    assert material_state(kms, key_id, too_many) == (PENDING_ROTATION, IMPORTED)
    assert len(materials(kms, key_id)) == ROTATIONS_MAX + 2
    assert len(kms.list_key_rotations(KeyId=key_id)["Rotations"]) == ROTATIONS_MAX


def test_a_primary_without_its_current_material_cannot_rotate(keys):
    """Scenario 13, delete CURRENT on the primary. While M2 is PENDING_ROTATION,
    M1 is deleted at A: A is PendingImport and refuses to rotate; B and C go on.
    With M1 back, the rotation works."""
    m2 = keys.import_everywhere(new_material())
    keys.delete_material(US, keys.first_id)
    assert keys.key_states() == {US: "PendingImport", EU: "Enabled", AP: "Enabled"}
    with refused("KMSInvalidStateException", f"{keys.arn(US)} is pending import."):
        keys.rotate()
    for region in (EU, AP):
        assert keys.at(region).decrypt(CiphertextBlob=encrypt(keys.at(region), keys.key_id))

    keys.import_existing(US, keys.first_material)
    assert key_state(keys.at(US), keys.key_id) == "Enabled"
    keys.rotate()
    keys.wait_for_state(m2, CURRENT)


def test_a_disabled_replica_imports_and_does_not_stop_the_rotation(keys):
    """Scenario 14, disabled replica. C imports M2 while it is Disabled; the
    rotation proceeds, and C encrypts under M2 once it is enabled again."""
    at_c = keys.at(AP)
    at_c.disable_key(KeyId=keys.key_id)
    m2 = keys.import_everywhere(new_material())
    assert key_state(at_c, keys.key_id) == "Disabled"
    keys.rotate()
    keys.wait_for_state(m2, CURRENT)
    with refused("DisabledException", f"{keys.arn(AP)} is disabled."):
        encrypt(at_c, keys.key_id)

    at_c.enable_key(KeyId=keys.key_id)
    assert keys.encrypting_materials() == keys.everywhere(m2)
    keys.check_all_open_everywhere(keys.encrypt_everywhere())
