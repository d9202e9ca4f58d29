"""Importing into a replica: what it shares with its primary and what it may not do."""

import pytest

from calls import (
    CURRENT,
    EXISTING,
    IMPORTED,
    NEW,
    PENDING_IMPORT,
    describe,
    eventually,
    import_material,
    import_parameters,
    imported_key,
    key_state,
    material_entry,
    material_state,
    new_material,
    refused,
    replicate,
    wrap,
)
from cluster import EU, US
from key_set import KeySet


@pytest.fixture
def keys(cluster) -> KeySet:
    return KeySet(cluster, US, EU)


def test_a_new_replica_knows_the_material_and_waits_for_its_bytes(cluster, kms):
    material, replica = new_material(), cluster.kms(EU)
    key_id, material_id = imported_key(kms, material, MultiRegion=True)
    replicate(kms, key_id, replica)
    metadata = describe(replica, key_id)
    assert (metadata["KeyState"], metadata["CurrentKeyMaterialId"]) == (
        "PendingImport",
        material_id,
    )
    assert "ExpirationModel" not in metadata
    assert material_state(replica, key_id, material_id) == (CURRENT, PENDING_IMPORT)
    import_material(replica, key_id, material)
    assert key_state(replica, key_id) == "Enabled"
    assert material_state(replica, key_id, material_id) == (CURRENT, IMPORTED)


def test_new_material_enters_at_the_primary_only(keys):
    at_the_primary = (
        "Input parameter ImportType NEW_KEY_MATERIAL cannot be used on replica Multi-Region keys"
    )
    with refused("ValidationException", at_the_primary):
        import_material(keys.at(EU), keys.key_id, new_material(), **NEW)


def test_material_is_described_at_the_primary_only_and_shown_everywhere(keys):
    at_the_primary = "Key material description can only be specified on primary Multi-Region keys"
    with refused("ValidationException", at_the_primary):
        keys.import_existing(EU, keys.first_material, KeyMaterialDescription="here")
    keys.import_existing(US, keys.first_material, KeyMaterialDescription="everywhere")
    eventually(
        lambda: material_entry(keys.at(EU), keys.key_id, keys.first_id).get(
            "KeyMaterialDescription"
        ),
        "everywhere",
    )


def test_a_replica_takes_only_its_primarys_material(keys):
    keys.delete_material(EU, keys.first_id)
    expected = f"Imported key material does not have the expected identifier ({keys.first_id})."
    with refused("IncorrectKeyMaterialException", expected):
        keys.import_existing(EU, new_material())
    assert key_state(keys.at(EU), keys.key_id) == "PendingImport"


def test_a_token_is_good_in_its_own_region_only(keys):
    given = import_parameters(keys.at(US), keys.key_id)
    with refused("InvalidImportTokenException", ""):
        keys.at(EU).import_key_material(
            KeyId=keys.key_id,
            ImportToken=given["ImportToken"],
            EncryptedKeyMaterial=wrap(
                given["PublicKey"], "RSAES_OAEP_SHA_256", keys.first_material
            ),
            ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
            **EXISTING,
        )


def test_a_replica_imports_without_saying_that_the_material_exists(keys):
    keys.delete_material(EU, keys.first_id)
    imported = import_material(keys.at(EU), keys.key_id, keys.first_material)
    assert imported["KeyMaterialId"] == keys.first_id
    assert key_state(keys.at(EU), keys.key_id) == "Enabled"


def test_deleting_at_one_region_leaves_the_others_alone(keys):
    keys.delete_material(US, keys.first_id)
    assert keys.key_states() == {US: "PendingImport", EU: "Enabled"}
    assert keys.import_states(keys.first_id) == {US: PENDING_IMPORT, EU: IMPORTED}
    keys.delete_material(EU, keys.first_id)
    keys.import_existing(US, keys.first_material)
    assert keys.key_states() == {US: "Enabled", EU: "PendingImport"}
