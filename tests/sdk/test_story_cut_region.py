"""Stories of regions that cannot reach each other for a while: nothing is lost,
nobody encrypts under material that another region may lack, and everything goes
on by itself after healing. A is us-east-1, B eu-west-1, C ap-southeast-2, D
sa-east-1."""

import pytest

from calls import (
    CURRENT,
    IMPORTED,
    NON_CURRENT,
    PENDING_IMPORT,
    PENDING_MULTI_REGION,
    PENDING_ROTATION,
    REPLICAS_LACK_MATERIAL,
    UNEXPECTED_MATERIAL,
    create_key,
    current_material,
    encrypt,
    encrypting_material,
    eventually,
    key_state,
    material_state,
    new_material,
    refused,
    replicate,
    rotation_runs,
)
from cluster import AP, EU, SA, US, Cluster
from key_set import KeySet


@pytest.fixture
def keys(links) -> KeySet:
    """An enabled key in A, B and C, all holding the first material M1."""
    return KeySet(links, US, EU, AP)


def test_a_replica_takes_new_material_only_after_it_has_heard_of_it(links, keys):
    """Scenario 2, too early. B cannot reach A and does not know M2: importing it
    at B is refused. After M2 appears in B's list it is accepted."""
    material = new_material()
    links.cut_off(EU)
    m2 = keys.import_new(material)
    keys.wait_until_known(AP, m2)
    with refused("IncorrectKeyMaterialException", UNEXPECTED_MATERIAL):
        keys.import_existing(EU, material)
    assert keys.material_states(m2)[EU] is None

    links.heal()
    keys.wait_until_known(EU, m2)
    assert keys.import_existing(EU, material)["KeyMaterialId"] == m2


def test_the_state_waits_for_a_cut_off_replica_and_goes_on_when_it_returns(links, keys):
    """C is cut off, and even imports M2 while it is: A cannot know, and the state
    waits. When C returns, PENDING_ROTATION follows by itself."""
    material = new_material()
    m2 = keys.import_new(material)
    for replica in (EU, AP):
        keys.wait_until_known(replica, m2)
    links.cut_off(AP)
    keys.import_existing(AP, material)
    keys.import_existing(EU, material)
    assert keys.import_states(m2) == keys.everywhere(IMPORTED)
    assert keys.material_states(m2) == keys.everywhere(PENDING_MULTI_REGION)
    with refused("KMSInvalidStateException", REPLICAS_LACK_MATERIAL):
        keys.rotate()

    links.heal()
    keys.wait_for_state(m2, PENDING_ROTATION)


def test_a_rotation_waits_for_a_cut_off_region_while_all_encrypt_under_the_old_material(
    links, keys
):
    """Scenario 12, partition. C is unreachable when A rotates: the rotation is in
    progress, all regions keep encrypting under M1, another Rotate succeeds and
    changes nothing. After healing the rotation completes by itself, once."""
    m1, m2 = keys.first_id, keys.import_everywhere(new_material())
    ciphertexts = keys.encrypt_everywhere()
    links.cut_off(AP)
    keys.rotate()
    eventually(
        lambda: keys.each(lambda kms: rotation_runs(kms, keys.key_id)),
        {US: True, EU: True, AP: False},
    )
    started = rotation_start(keys, US)

    assert keys.encrypting_materials() == keys.everywhere(m1)
    assert keys.rotate()["KeyId"] == keys.arn(US)
    assert rotation_start(keys, US) == started
    assert keys.material_states(m2) == keys.everywhere(PENDING_ROTATION)
    assert keys.key_states() == keys.everywhere("Enabled")
    ciphertexts |= keys.encrypt_everywhere()
    assert keys.check_all_open_everywhere(ciphertexts) == {m1}

    links.heal()
    keys.wait_for_state(m2, CURRENT)
    assert keys.material_states(m1) == keys.everywhere(NON_CURRENT)
    assert keys.each(lambda kms: rotation_runs(kms, keys.key_id)) == keys.everywhere(False)
    ciphertexts |= keys.encrypt_everywhere()
    assert keys.check_all_open_everywhere(ciphertexts) == {m1, m2}
    for rotated in keys.each(lambda kms: kms.list_key_rotations(KeyId=keys.key_id)).values():
        assert [it["KeyMaterialId"] for it in rotated["Rotations"]] == [m2]
        assert rotated["Rotations"][0]["RotationDate"] > started


def rotation_start(keys: KeySet, region: str):
    status = keys.at(region).get_key_rotation_status(KeyId=keys.key_id)
    assert set(status) - {"ResponseMetadata"} == {
        "KeyId",
        "KeyRotationEnabled",
        "OnDemandRotationStartDate",
    }
    return status["OnDemandRotationStartDate"]


def test_a_rotation_whose_material_is_deleted_at_the_primary_ends_with_nothing_done(links, keys):
    """C is unreachable while the rotation runs, and A deletes M2: the rotation is
    over, M2 is gone everywhere, M1 stays current."""
    m2 = keys.import_everywhere(new_material())
    links.cut_off(AP)
    keys.rotate()
    keys.delete_material(US, m2)
    eventually(lambda: rotation_runs(keys.at(US), keys.key_id), False)

    links.heal()
    eventually(lambda: keys.material_states(m2), keys.everywhere(None))
    assert keys.encrypting_materials() == keys.everywhere(keys.first_id)
    assert keys.key_states() == keys.everywhere("Enabled")


def test_a_replica_that_loses_the_material_during_the_rotation_waits_for_its_import(links, keys):
    """C deletes its M2 before it hears of the running rotation: A and B rotate all
    the same, C shows M2 as CURRENT and PENDING_IMPORT and is PendingImport until
    it has imported M2 again."""
    material = new_material()
    m2 = keys.import_everywhere(material)
    links.cut_off(AP)
    keys.rotate()
    keys.delete_material(AP, m2)

    links.heal()
    keys.wait_for_state(m2, CURRENT)
    assert keys.import_states(m2) == {US: IMPORTED, EU: IMPORTED, AP: PENDING_IMPORT}
    assert keys.key_states() == {US: "Enabled", EU: "Enabled", AP: "PendingImport"}
    keys.import_existing(AP, material)
    assert keys.encrypting_materials() == keys.everywhere(m2)


def test_a_late_replica_sends_the_set_back_until_it_has_imported(links, keys):
    """Scenario 8, late replica. In PENDING_ROTATION the key is replicated to D: the
    set falls back, D is PendingImport. M1 at D makes it Enabled and changes
    nothing else; M2 at D makes the set PENDING_ROTATION again."""
    material = new_material()
    m2 = keys.import_everywhere(material)
    keys.add_replica(SA)
    keys.wait_for_state(m2, PENDING_MULTI_REGION)
    assert key_state(keys.at(SA), keys.key_id) == "PendingImport"
    assert current_material(keys.at(SA), keys.key_id) == keys.first_id
    with refused("KMSInvalidStateException", REPLICAS_LACK_MATERIAL):
        keys.rotate()

    keys.import_existing(SA, keys.first_material)
    assert keys.key_states() == keys.everywhere("Enabled")
    assert keys.material_states(m2) == keys.everywhere(PENDING_MULTI_REGION)
    keys.import_existing(SA, material)
    keys.wait_for_state(m2, PENDING_ROTATION)
    keys.rotate()
    keys.wait_for_state(m2, CURRENT)
    keys.check_all_open_everywhere(keys.encrypt_everywhere())


def test_a_replica_that_holds_only_the_new_material_rotates_with_the_others(links, keys):
    """D imports M2 and not M1. After the rotation it shows M2 as CURRENT and
    IMPORTED, M1 as NON_CURRENT and PENDING_IMPORT, and becomes Enabled as soon as
    M1 is imported."""
    material = new_material()
    m1, m2 = keys.first_id, keys.import_everywhere(material)
    keys.add_replica(SA)
    at_d = keys.at(SA)
    keys.import_existing(SA, material)
    keys.wait_for_state(m2, PENDING_ROTATION)
    keys.rotate()
    keys.wait_for_state(m2, CURRENT)
    assert material_state(at_d, keys.key_id, m2) == (CURRENT, IMPORTED)
    assert material_state(at_d, keys.key_id, m1) == (NON_CURRENT, PENDING_IMPORT)
    with refused("KMSInvalidStateException", f"{keys.arn(SA)} is pending import."):
        encrypt(at_d, keys.key_id)

    keys.import_existing(SA, keys.first_material)
    assert keys.encrypting_materials() == keys.everywhere(m2)


def test_a_generated_material_reaches_a_cut_off_region_before_anyone_encrypts_under_it(links):
    """The same for a key of origin AWS_KMS, whose bytes travel by themselves."""
    at_a, at_b = links.kms(US), links.kms(EU)
    key_id = create_key(at_a, MultiRegion=True)["KeyId"]
    replicate(at_a, key_id, at_b)
    old = current_material(at_a, key_id)
    links.cut_off(EU)
    at_a.rotate_key_on_demand(KeyId=key_id)
    assert rotation_runs(at_a, key_id)
    during = encrypt(at_a, key_id)
    assert encrypting_material(at_a, key_id) == encrypting_material(at_b, key_id) == old

    links.heal()
    new = eventually(lambda: current_material(at_b, key_id), lambda it: it != old)
    assert current_material(at_a, key_id) == new
    assert at_b.decrypt(CiphertextBlob=encrypt(at_a, key_id))["KeyMaterialId"] == new
    assert at_b.decrypt(CiphertextBlob=during)["KeyMaterialId"] == old


def test_a_call_that_needs_an_unreachable_region_fails_and_changes_nothing(links: Cluster, keys):
    """Replicating into a region and moving the primary role to a region need its
    answer; without it they fail as a fault that may be retried."""
    links.cut_off(SA)
    links.cut_off(EU)
    at_a = keys.at(US)
    before = at_a.describe_key(KeyId=keys.key_id)["KeyMetadata"]
    with refused("KMSInternalException", status=500):
        at_a.replicate_key(KeyId=keys.key_id, ReplicaRegion=SA)
    with refused("KMSInternalException", status=500):
        at_a.update_primary_region(KeyId=keys.key_id, PrimaryRegion=EU)
    assert at_a.describe_key(KeyId=keys.key_id)["KeyMetadata"] == before

    links.heal()
    replicate(at_a, keys.key_id, links.kms(SA))


def test_a_cut_off_region_goes_on_serving_its_keys(links, keys):
    """What needs no other region works in each of them: cryptography on a replica
    and the whole life of a key of its own."""
    earlier = keys.encrypt_everywhere()
    for region in (US, EU, AP):
        links.cut_off(region)
    assert keys.check_all_open_everywhere(keys.encrypt_everywhere() | earlier) == {keys.first_id}
    for region in keys.regions:
        own = create_key(keys.at(region))["KeyId"]
        keys.at(region).disable_key(KeyId=own)
        assert key_state(keys.at(region), own) == "Disabled"
