"""RotateKeyOnDemand, GetKeyRotationStatus, ListKeyRotations, EnableKeyRotation and
DisableKeyRotation, where no time has to pass."""

import pytest

from calls import (
    CURRENT,
    DAY_S,
    NEW,
    NON_CURRENT,
    create_key,
    current_material,
    describe,
    encrypt,
    eventually,
    import_material,
    imported_key,
    materials,
    members,
    new_material,
    refused,
    replicate,
    rotation_runs,
)
from cluster import AP, EU


def rotate(kms, key_id: str) -> str:
    """Rotates on demand and waits for it; the new material's ID."""
    old = current_material(kms, key_id)
    kms.rotate_key_on_demand(KeyId=key_id)
    eventually(lambda: rotation_runs(kms, key_id), False)
    return eventually(lambda: current_material(kms, key_id), lambda material: material != old)


def test_a_generated_key_rotates_and_keeps_its_old_material(kms):
    key = create_key(kms)
    key_id, first = key["KeyId"], key["CurrentKeyMaterialId"]
    old = encrypt(kms, key_id)
    answer = kms.rotate_key_on_demand(KeyId=key_id)
    assert members(answer) == {"KeyId"}
    assert answer["KeyId"] == key["Arn"]
    second = eventually(lambda: current_material(kms, key_id), lambda it: it != first)
    assert kms.decrypt(CiphertextBlob=old)["KeyMaterialId"] == first
    assert kms.decrypt(CiphertextBlob=encrypt(kms, key_id))["KeyMaterialId"] == second
    moved = kms.re_encrypt(CiphertextBlob=old, DestinationKeyId=key_id)
    assert (moved["SourceKeyMaterialId"], moved["DestinationKeyMaterialId"]) == (first, second)


def test_rotations_are_listed_from_the_oldest(kms):
    key = create_key(kms)
    key_id, first = key["KeyId"], key["CurrentKeyMaterialId"]
    assert kms.list_key_rotations(KeyId=key_id)["Rotations"] == []
    second, third = rotate(kms, key_id), rotate(kms, key_id)
    answer = kms.list_key_rotations(KeyId=key_id)
    assert members(answer) == {"Rotations", "Truncated"}
    assert answer["Truncated"] is False
    rotated = answer["Rotations"]
    assert [entry["KeyMaterialId"] for entry in rotated] == [second, third]
    for entry in rotated:
        assert set(entry) == {
            "KeyId",
            "KeyMaterialId",
            "KeyMaterialState",
            "RotationDate",
            "RotationType",
        }
        assert (entry["KeyId"], entry["RotationType"]) == (key["Arn"], "ON_DEMAND")
    assert rotated[0]["RotationDate"] < rotated[1]["RotationDate"]
    everything = materials(kms, key_id)
    assert everything[1:] == rotated
    assert everything[0] == {
        "KeyId": key["Arn"],
        "KeyMaterialId": first,
        "KeyMaterialState": NON_CURRENT,
    }
    assert [entry["KeyMaterialState"] for entry in everything] == [
        NON_CURRENT,
        NON_CURRENT,
        CURRENT,
    ]


def test_rotations_are_listed_page_by_page(kms):
    key_id = create_key(kms)["KeyId"]
    rotated = [rotate(kms, key_id) for _ in range(3)]
    first = kms.list_key_rotations(KeyId=key_id, Limit=2)
    assert members(first) == {"NextMarker", "Rotations", "Truncated"}
    assert first["Truncated"] is True
    last = kms.list_key_rotations(KeyId=key_id, Limit=2, Marker=first["NextMarker"])
    assert members(last) == {"Rotations", "Truncated"}
    listed = [entry["KeyMaterialId"] for entry in first["Rotations"] + last["Rotations"]]
    assert listed == rotated
    with refused("InvalidMarkerException", ""):
        kms.list_key_rotations(KeyId=key_id, Marker="never given out")


def test_an_imported_material_is_rotated_in(kms):
    key_id, first = imported_key(kms)
    old = encrypt(kms, key_id)
    second = import_material(kms, key_id, new_material(), **NEW)["KeyMaterialId"]
    assert rotate(kms, key_id) == second
    [entry] = kms.list_key_rotations(KeyId=key_id)["Rotations"]
    assert set(entry) == {
        "ExpirationModel",
        "ImportState",
        "KeyId",
        "KeyMaterialId",
        "KeyMaterialState",
        "RotationDate",
        "RotationType",
    }
    assert kms.decrypt(CiphertextBlob=old)["KeyMaterialId"] == first
    assert kms.decrypt(CiphertextBlob=encrypt(kms, key_id))["KeyMaterialId"] == second


def test_imported_material_needs_a_next_one_to_rotate_to(kms):
    key_id, _ = imported_key(kms)
    arn = describe(kms, key_id)["Arn"]
    nothing_pending = f"No available key material pending rotation for the key: {arn}."
    with refused("KMSInvalidStateException", nothing_pending):
        kms.rotate_key_on_demand(KeyId=key_id)
    import_material(kms, key_id, new_material(), **NEW)
    rotate(kms, key_id)
    with refused("KMSInvalidStateException", nothing_pending):
        kms.rotate_key_on_demand(KeyId=key_id)


def test_imported_material_does_not_rotate_by_itself(kms):
    empty = create_key(kms, Origin="EXTERNAL")
    full, _ = imported_key(kms)
    for key_id, arn in ((empty["KeyId"], empty["Arn"]), (full, describe(kms, full)["Arn"])):
        origin = f"{arn} origin is EXTERNAL which is not valid for this operation."
        with refused("UnsupportedOperationException", origin):
            kms.enable_key_rotation(KeyId=key_id)
        with refused("UnsupportedOperationException", origin):
            kms.disable_key_rotation(KeyId=key_id)


def test_an_imported_key_shows_its_rotation_status_once_it_has_material(kms):
    empty = create_key(kms, Origin="EXTERNAL")
    origin = f"{empty['Arn']} origin is EXTERNAL which is not valid for this operation."
    with refused("UnsupportedOperationException", origin):
        kms.get_key_rotation_status(KeyId=empty["KeyId"])
    full, _ = imported_key(kms)
    status = kms.get_key_rotation_status(KeyId=full)
    assert members(status) == {"KeyId", "KeyRotationEnabled"}
    assert status["KeyRotationEnabled"] is False


def test_a_key_that_never_had_material_lists_none(kms):
    empty = create_key(kms, Origin="EXTERNAL")["KeyId"]
    assert materials(kms, empty) == []


def test_the_status_shows_a_schedule_only_while_rotation_is_on(kms):
    key = create_key(kms)
    key_id, created = key["KeyId"], key["CreationDate"].timestamp()
    off = {"KeyId", "KeyRotationEnabled"}
    status = kms.get_key_rotation_status(KeyId=key_id)
    assert members(status) == off
    assert (status["KeyId"], status["KeyRotationEnabled"]) == (key["Arn"], False)

    assert members(kms.enable_key_rotation(KeyId=key_id)) == set()
    status = kms.get_key_rotation_status(KeyId=key_id)
    assert members(status) == off | {"NextRotationDate", "RotationPeriodInDays"}
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 365)
    assert status["NextRotationDate"].timestamp() - created == pytest.approx(365 * DAY_S, abs=60)

    assert members(kms.disable_key_rotation(KeyId=key_id)) == set()
    assert members(kms.get_key_rotation_status(KeyId=key_id)) == off


def test_the_period_is_kept_until_rotation_is_turned_off(kms):
    key = create_key(kms)
    key_id, created = key["KeyId"], key["CreationDate"].timestamp()

    def period() -> int:
        return kms.get_key_rotation_status(KeyId=key_id)["RotationPeriodInDays"]

    kms.enable_key_rotation(KeyId=key_id, RotationPeriodInDays=90)
    assert period() == 90
    kms.enable_key_rotation(KeyId=key_id)
    assert period() == 90
    kms.enable_key_rotation(KeyId=key_id, RotationPeriodInDays=2560)
    due = kms.get_key_rotation_status(KeyId=key_id)["NextRotationDate"]
    assert due.timestamp() - created == pytest.approx(2560 * DAY_S, abs=60)
    kms.disable_key_rotation(KeyId=key_id)
    kms.enable_key_rotation(KeyId=key_id)
    assert period() == 365


def test_rotation_on_demand_leaves_the_schedule_alone(kms):
    key_id = create_key(kms)["KeyId"]
    kms.enable_key_rotation(KeyId=key_id, RotationPeriodInDays=100)
    due = kms.get_key_rotation_status(KeyId=key_id)["NextRotationDate"]
    rotate(kms, key_id)
    assert kms.get_key_rotation_status(KeyId=key_id)["NextRotationDate"] == due


def test_turning_rotation_off_twice_changes_nothing(kms):
    key_id = create_key(kms)["KeyId"]
    kms.disable_key_rotation(KeyId=key_id)
    kms.disable_key_rotation(KeyId=key_id)
    assert kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"] is False


def test_a_generated_multi_region_key_rotates_in_all_regions(cluster, kms):
    key = create_key(kms, MultiRegion=True)
    key_id = key["KeyId"]
    clients = [kms, cluster.kms(EU), cluster.kms(AP)]
    for replica in clients[1:]:
        replicate(kms, key_id, replica)
    old = [encrypt(client, key_id) for client in clients]
    new = rotate(kms, key_id)
    eventually(lambda: {current_material(client, key_id) for client in clients}, {new})
    for receiver in clients:
        for ciphertext in old:
            opened = receiver.decrypt(CiphertextBlob=ciphertext)
            assert opened["KeyMaterialId"] == key["CurrentKeyMaterialId"]
        for sender in clients:
            opened = receiver.decrypt(CiphertextBlob=encrypt(sender, key_id))
            assert opened["KeyMaterialId"] == new
    dates = {
        client.list_key_rotations(KeyId=key_id)["Rotations"][0]["RotationDate"]
        for client in clients
    }
    assert len(dates) == 1


def test_a_replica_shows_its_primarys_settings_and_cannot_change_them(cluster, kms):
    key_id = create_key(kms, MultiRegion=True)["KeyId"]
    replica = cluster.kms(EU)
    replicate(kms, key_id, replica)
    kms.enable_key_rotation(KeyId=key_id, RotationPeriodInDays=200)
    eventually(
        lambda: replica.get_key_rotation_status(KeyId=key_id).get("RotationPeriodInDays"), 200
    )
    at_primary, at_replica = (it.get_key_rotation_status(KeyId=key_id) for it in (kms, replica))
    assert at_replica["NextRotationDate"] == at_primary["NextRotationDate"]
    arn = describe(replica, key_id)["Arn"]
    for operation in ("enable_key_rotation", "disable_key_rotation", "rotate_key_on_demand"):
        name = "".join(word.capitalize() for word in operation.split("_"))
        not_valid = f"{arn} is a multi-region replica key which is not valid for {name}."
        with refused("UnsupportedOperationException", not_valid):
            getattr(replica, operation)(KeyId=key_id)
