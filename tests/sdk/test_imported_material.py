"""Imported material in a single-Region key: which bytes are the same, what new
and existing material do to the key, and what deleting it leaves."""

import pytest

from calls import (
    CURRENT,
    DAY_S,
    EXISTING,
    IMPORTED,
    NEW,
    PENDING_IMPORT,
    PENDING_ROTATION,
    UNEXPECTED_MATERIAL,
    create_key,
    describe,
    encrypt,
    import_material,
    imported_key,
    key_state,
    material_entry,
    material_state,
    materials,
    members,
    new_material,
    refused,
    seconds_from_now,
)

NOBODYS_MATERIAL = "0" * 64


@pytest.fixture
def empty_key(kms) -> dict:
    return create_key(kms, Origin="EXTERNAL")


def test_a_material_id_follows_from_key_and_bytes(kms):
    material = new_material()
    key_id, material_id = imported_key(kms, material)
    kms.delete_imported_key_material(KeyId=key_id)
    assert import_material(kms, key_id, material)["KeyMaterialId"] == material_id
    _, elsewhere = imported_key(kms, material)
    assert elsewhere != material_id


def test_a_ciphertext_opens_only_with_the_key_it_was_made_by(kms):
    material = new_material()
    key_id, _ = imported_key(kms, material)
    twin, _ = imported_key(kms, material)
    with refused("IncorrectKeyException"):
        kms.decrypt(CiphertextBlob=encrypt(kms, key_id), KeyId=twin)


def test_expiring_material_shows_when_it_ends_in_whole_seconds(kms, empty_key):
    key_id = empty_key["KeyId"]
    valid_to = seconds_from_now(kms, key_id, 30 * DAY_S)
    imported = import_material(kms, key_id, new_material(), ValidTo=valid_to)
    metadata = describe(kms, key_id)
    assert metadata["ExpirationModel"] == "KEY_MATERIAL_EXPIRES"
    assert metadata["ValidTo"].timestamp() == int(valid_to)
    entry = material_entry(kms, key_id, imported["KeyMaterialId"])
    assert (entry["ExpirationModel"], entry["ValidTo"]) == (
        "KEY_MATERIAL_EXPIRES",
        metadata["ValidTo"],
    )


def test_importing_again_changes_the_expiry(kms, empty_key):
    key_id, material = empty_key["KeyId"], new_material()
    import_material(kms, key_id, material, ValidTo=seconds_from_now(kms, key_id, 30 * DAY_S))
    import_material(kms, key_id, material)
    metadata = describe(kms, key_id)
    assert metadata["ExpirationModel"] == "KEY_MATERIAL_DOES_NOT_EXPIRE"
    assert "ValidTo" not in metadata


def test_a_key_keeps_to_its_material(kms):
    key_id, material_id = imported_key(kms)
    not_the_keys = f"Imported key material does not have the expected identifier ({material_id})."
    with refused("IncorrectKeyMaterialException", not_the_keys):
        import_material(kms, key_id, new_material())
    with refused("IncorrectKeyMaterialException", not_the_keys):
        import_material(kms, key_id, new_material(), **EXISTING, KeyMaterialId=material_id)
    assert key_state(kms, key_id) == "Enabled"


def test_existing_material_is_refused_by_a_key_that_never_had_any(kms, empty_key):
    with refused("IncorrectKeyMaterialException"):
        import_material(kms, empty_key["KeyId"], new_material(), **EXISTING)


def test_a_material_id_is_not_said_of_new_material(kms, empty_key):
    not_both = "Input parameter keyMaterialId cannot be used with NEW_KEY_MATERIAL importType."
    with refused("ValidationException", not_both):
        import_material(
            kms, empty_key["KeyId"], new_material(), **NEW, KeyMaterialId=NOBODYS_MATERIAL
        )


def test_new_material_waits_for_its_rotation_without_changing_the_key(kms):
    key_id, first = imported_key(kms)
    before, second = describe(kms, key_id), new_material()
    imported = import_material(kms, key_id, second, **NEW, KeyMaterialDescription="next year")
    pending = imported["KeyMaterialId"]
    arn = before["Arn"]
    assert materials(kms, key_id) == [
        {
            "KeyId": arn,
            "KeyMaterialId": first,
            "KeyMaterialState": CURRENT,
            "ImportState": IMPORTED,
            "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
        },
        {
            "KeyId": arn,
            "KeyMaterialId": pending,
            "KeyMaterialDescription": "next year",
            "KeyMaterialState": PENDING_ROTATION,
            "ImportState": IMPORTED,
            "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
        },
    ]
    assert describe(kms, key_id) == before
    assert kms.list_key_rotations(KeyId=key_id)["Rotations"] == []


def test_deleting_the_current_material_makes_the_key_wait_for_it(kms):
    material = new_material()
    key_id, material_id = imported_key(kms, material)
    ciphertext = encrypt(kms, key_id)
    deleted = kms.delete_imported_key_material(KeyId=key_id)
    assert members(deleted) == {"KeyId", "KeyMaterialId"}
    assert deleted["KeyMaterialId"] == material_id
    metadata = describe(kms, key_id)
    assert metadata["KeyState"] == "PendingImport"
    assert metadata["CurrentKeyMaterialId"] == material_id
    assert not {"ExpirationModel", "ValidTo"} & set(metadata)
    [entry] = materials(kms, key_id)
    assert (entry["KeyMaterialState"], entry["ImportState"]) == (CURRENT, PENDING_IMPORT)
    assert not {"ExpirationModel", "ValidTo"} & set(entry)

    with refused("IncorrectKeyMaterialException", UNEXPECTED_MATERIAL):
        import_material(kms, key_id, new_material())
    import_material(kms, key_id, material)
    assert kms.decrypt(CiphertextBlob=ciphertext)["Plaintext"] == b"a secret"


def test_deleting_a_pending_material_forgets_it(kms):
    key_id, first = imported_key(kms)
    pending = import_material(kms, key_id, new_material(), **NEW)["KeyMaterialId"]
    deleted = kms.delete_imported_key_material(KeyId=key_id, KeyMaterialId=pending)
    assert deleted["KeyMaterialId"] == pending
    assert material_state(kms, key_id, pending) is None
    assert key_state(kms, key_id) == "Enabled"
    assert [entry["KeyMaterialId"] for entry in materials(kms, key_id)] == [first]


def test_deleting_from_a_key_without_material_succeeds(kms, empty_key):
    deleted = kms.delete_imported_key_material(KeyId=empty_key["KeyId"])
    assert members(deleted) == {"KeyId"}
    assert deleted["KeyId"] == empty_key["Arn"]


def test_only_material_of_the_key_can_be_deleted(kms):
    key_id, _ = imported_key(kms)
    never = (
        f"Key material (id: {NOBODYS_MATERIAL}) has never been imported into KMS key "
        f"{describe(kms, key_id)['Arn']}."
    )
    with refused("ValidationException", never):
        kms.delete_imported_key_material(KeyId=key_id, KeyMaterialId=NOBODYS_MATERIAL)


def test_importing_again_enables_a_disabled_key(kms):
    material = new_material()
    key_id, _ = imported_key(kms, material)
    kms.disable_key(KeyId=key_id)
    import_material(kms, key_id, material)
    assert key_state(kms, key_id) == "Enabled"


def test_deleting_the_material_of_a_disabled_key_makes_it_wait(kms):
    key_id, _ = imported_key(kms)
    kms.disable_key(KeyId=key_id)
    kms.delete_imported_key_material(KeyId=key_id)
    assert key_state(kms, key_id) == "PendingImport"


def test_a_description_of_material_is_kept_until_another_is_given(kms, empty_key):
    key_id, material = empty_key["KeyId"], new_material()
    for given, shown in (
        ({"KeyMaterialDescription": "2026"}, "2026"),
        ({}, "2026"),
        ({"KeyMaterialDescription": "2027"}, "2027"),
    ):
        import_material(kms, key_id, material, **given)
        [entry] = materials(kms, key_id)
        assert entry["KeyMaterialDescription"] == shown
