"""Imported material, import tokens and time."""

import pytest

from calls import (
    CURRENT,
    DAY_S,
    IMPORTED,
    NEW,
    PENDING_ROTATION,
    create_key,
    current_material,
    describe,
    encrypt,
    eventually,
    import_material,
    import_parameters,
    imported_key,
    key_state,
    material_entry,
    material_state,
    new_material,
    refused,
    seconds_from_now,
    wrap,
)
from cluster import US


@pytest.fixture
def kms(own_cluster):
    return own_cluster.kms(US)


def in_days(kms, key_id: str, days: float) -> float:
    return seconds_from_now(kms, key_id, days * DAY_S)


def test_expired_material_makes_the_key_wait_and_still_lists_as_imported(own_cluster, kms):
    material = new_material()
    key_id = create_key(kms, Origin="EXTERNAL")["KeyId"]
    imported = import_material(kms, key_id, material, ValidTo=in_days(kms, key_id, 20))
    material_id, ciphertext = imported["KeyMaterialId"], encrypt(kms, key_id)
    before = describe(kms, key_id)
    own_cluster.advance_clock("19d")
    encrypt(kms, key_id)

    own_cluster.advance_clock("2d")
    after = describe(kms, key_id)
    assert (after["KeyState"], after["Enabled"]) == ("PendingImport", False)
    assert set(before) - set(after) == {"ExpirationModel", "ValidTo"}
    assert after["CurrentKeyMaterialId"] == material_id
    entry = material_entry(kms, key_id, material_id)
    assert (entry["KeyMaterialState"], entry["ImportState"]) == (CURRENT, IMPORTED)
    assert entry["ValidTo"] == before["ValidTo"]
    with refused("KMSInvalidStateException", f"{after['Arn']} is pending import."):
        kms.decrypt(CiphertextBlob=ciphertext)

    import_material(kms, key_id, material)
    assert kms.decrypt(CiphertextBlob=ciphertext)["KeyMaterialId"] == material_id


def test_material_of_a_disabled_key_expires_too(own_cluster, kms):
    key_id = create_key(kms, Origin="EXTERNAL")["KeyId"]
    import_material(kms, key_id, new_material(), ValidTo=in_days(kms, key_id, 1))
    kms.disable_key(KeyId=key_id)
    own_cluster.advance_clock("2d")
    assert key_state(kms, key_id) == "PendingImport"


def test_the_earliest_of_several_expiries_is_shown(kms):
    first, second = new_material(), new_material()
    key_id = create_key(kms, Origin="EXTERNAL")["KeyId"]
    early, late = in_days(kms, key_id, 30), in_days(kms, key_id, 60)
    import_material(kms, key_id, first, ValidTo=late)
    imported = import_material(kms, key_id, second, **NEW, ValidTo=early)
    assert describe(kms, key_id)["ValidTo"].timestamp() == int(late)
    kms.rotate_key_on_demand(KeyId=key_id)
    eventually(lambda: current_material(kms, key_id), imported["KeyMaterialId"])
    assert describe(kms, key_id)["ValidTo"].timestamp() == int(early)


def test_expired_pending_material_leaves_the_key_enabled_and_can_be_rotated_to(own_cluster, kms):
    material = new_material()
    key_id, _ = imported_key(kms)
    valid_to = in_days(kms, key_id, 5)
    pending = import_material(kms, key_id, material, **NEW, ValidTo=valid_to)["KeyMaterialId"]
    own_cluster.advance_clock("6d")
    assert material_state(kms, key_id, pending) == (PENDING_ROTATION, IMPORTED)
    encrypt(kms, key_id)

    kms.rotate_key_on_demand(KeyId=key_id)
    eventually(lambda: current_material(kms, key_id), pending)
    assert key_state(kms, key_id) == "PendingImport"
    import_material(kms, key_id, material)
    assert kms.decrypt(CiphertextBlob=encrypt(kms, key_id))["KeyMaterialId"] == pending


def test_a_token_is_good_for_24_hours(own_cluster, kms):
    key_id = create_key(kms, Origin="EXTERNAL")["KeyId"]
    given = import_parameters(kms, key_id)
    parameters = {
        "KeyId": key_id,
        "ImportToken": given["ImportToken"],
        "EncryptedKeyMaterial": wrap(given["PublicKey"], "RSAES_OAEP_SHA_256", new_material()),
        "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
    }
    own_cluster.advance_clock("23h")
    kms.import_key_material(**parameters)
    own_cluster.advance_clock("2h")
    with refused("ExpiredImportTokenException"):
        kms.import_key_material(**parameters)
