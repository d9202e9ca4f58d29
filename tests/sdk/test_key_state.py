"""EnableKey, DisableKey, ScheduleKeyDeletion, CancelKeyDeletion, and which
operations each key state refuses."""

import pytest

from calls import (
    DAY_S,
    create_key,
    describe,
    encrypt,
    imported_key,
    key_state,
    members,
    refused,
    seconds_from_now,
)
from cluster import EU


def cryptography(kms, key_id: str, ciphertext: bytes) -> list:
    """The operations that use a key, each as a call."""
    return [
        lambda: kms.encrypt(KeyId=key_id, Plaintext=b"x"),
        lambda: kms.decrypt(CiphertextBlob=ciphertext),
        lambda: kms.re_encrypt(CiphertextBlob=ciphertext, DestinationKeyId=key_id),
        lambda: kms.generate_data_key(KeyId=key_id, KeySpec="AES_256"),
        lambda: kms.generate_data_key_without_plaintext(KeyId=key_id, KeySpec="AES_256"),
        lambda: kms.encrypt(KeyId=key_id, Plaintext=b"x", DryRun=True),
    ]


def management(kms, key_id: str) -> list:
    """Operations that a key must be usable for."""
    return [
        lambda: kms.rotate_key_on_demand(KeyId=key_id),
        lambda: kms.enable_key_rotation(KeyId=key_id),
        lambda: kms.disable_key_rotation(KeyId=key_id),
        lambda: kms.replicate_key(KeyId=key_id, ReplicaRegion=EU),
    ]


def test_a_disabled_key_cannot_be_used_and_its_ciphertexts_wait(kms):
    key = create_key(kms, MultiRegion=True)
    key_id, ciphertext = key["KeyId"], encrypt(kms, key["KeyId"])
    assert members(kms.disable_key(KeyId=key_id)) == set()
    assert (describe(kms, key_id)["KeyState"], describe(kms, key_id)["Enabled"]) == (
        "Disabled",
        False,
    )
    for call in cryptography(kms, key_id, ciphertext) + management(kms, key_id):
        with refused("DisabledException", f"{key['Arn']} is disabled."):
            call()
    assert members(kms.enable_key(KeyId=key_id)) == set()
    assert kms.decrypt(CiphertextBlob=ciphertext)["Plaintext"] == b"a secret"


def test_disabling_a_disabled_key_and_enabling_an_enabled_one_change_nothing(kms):
    key_id = create_key(kms)["KeyId"]
    kms.enable_key(KeyId=key_id)
    assert key_state(kms, key_id) == "Enabled"
    kms.disable_key(KeyId=key_id)
    kms.disable_key(KeyId=key_id)
    assert key_state(kms, key_id) == "Disabled"


def test_a_key_pending_deletion_cannot_be_used_or_changed(kms):
    key = create_key(kms, MultiRegion=True)
    key_id, ciphertext = key["KeyId"], encrypt(kms, key["KeyId"])
    kms.schedule_key_deletion(KeyId=key_id)
    changes = [
        lambda: kms.enable_key(KeyId=key_id),
        lambda: kms.disable_key(KeyId=key_id),
        lambda: kms.schedule_key_deletion(KeyId=key_id),
        lambda: kms.update_key_description(KeyId=key_id, Description="x"),
        lambda: kms.create_alias(AliasName=f"alias/{key_id}", TargetKeyId=key_id),
    ]
    for call in cryptography(kms, key_id, ciphertext) + management(kms, key_id) + changes:
        with refused("KMSInvalidStateException", f"{key['Arn']} is pending deletion."):
            call()
    assert kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"] is False
    assert kms.list_key_rotations(KeyId=key_id)["Rotations"] == []


def test_a_key_pending_import_cannot_be_used_enabled_or_disabled(kms):
    key_id, _ = imported_key(kms, MultiRegion=True)
    ciphertext, arn = encrypt(kms, key_id), describe(kms, key_id)["Arn"]
    kms.delete_imported_key_material(KeyId=key_id)
    calls = cryptography(kms, key_id, ciphertext) + [
        lambda: kms.enable_key(KeyId=key_id),
        lambda: kms.disable_key(KeyId=key_id),
        lambda: kms.rotate_key_on_demand(KeyId=key_id),
        lambda: kms.replicate_key(KeyId=key_id, ReplicaRegion=EU),
    ]
    for call in calls:
        with refused("KMSInvalidStateException", f"{arn} is pending import."):
            call()
    kms.update_key_description(KeyId=key_id, Description="still managed")
    kms.create_alias(AliasName=f"alias/{key_id}", TargetKeyId=key_id)


def test_a_deletion_is_scheduled_for_30_days_unless_told_otherwise(kms):
    key_id, _ = imported_key(kms)
    arn = describe(kms, key_id)["Arn"]
    now = seconds_from_now(kms, key_id, 0)
    answer = kms.schedule_key_deletion(KeyId=key_id)
    assert members(answer) == {"DeletionDate", "KeyId", "KeyState", "PendingWindowInDays"}
    assert (answer["KeyId"], answer["KeyState"]) == (arn, "PendingDeletion")
    assert answer["PendingWindowInDays"] == 30
    assert answer["DeletionDate"].timestamp() - now == pytest.approx(30 * DAY_S, abs=60)
    metadata = describe(kms, key_id)
    assert metadata["DeletionDate"] == answer["DeletionDate"]
    assert (metadata["KeyState"], metadata["Enabled"]) == ("PendingDeletion", False)
    assert "PendingDeletionWindowInDays" not in metadata


@pytest.mark.parametrize("days", [1, 6, 31, 365])
def test_a_deletion_window_has_7_to_30_days(kms, days):
    key_id = create_key(kms)["KeyId"]
    with refused("ValidationException"):
        kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=days)
    assert key_state(kms, key_id) == "Enabled"


def test_a_cancelled_deletion_leaves_the_key_disabled(kms):
    key = create_key(kms)
    kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    answer = kms.cancel_key_deletion(KeyId=key["KeyId"])
    assert members(answer) == {"KeyId"}
    assert answer["KeyId"] == key["Arn"]
    metadata = describe(kms, key["KeyId"])
    assert metadata["KeyState"] == "Disabled"
    assert "DeletionDate" not in metadata
    kms.enable_key(KeyId=key["KeyId"])
    encrypt(kms, key["KeyId"])


def test_only_a_scheduled_deletion_can_be_cancelled(kms):
    key = create_key(kms)
    with refused("KMSInvalidStateException", f"{key['Arn']} is not pending deletion."):
        kms.cancel_key_deletion(KeyId=key["KeyId"])


def test_a_cancelled_deletion_of_a_key_without_its_material_leaves_it_pending_import(kms):
    key_id, _ = imported_key(kms)
    kms.schedule_key_deletion(KeyId=key_id)
    kms.delete_imported_key_material(KeyId=key_id)
    assert key_state(kms, key_id) == "PendingDeletion"
    kms.cancel_key_deletion(KeyId=key_id)
    assert key_state(kms, key_id) == "PendingImport"
