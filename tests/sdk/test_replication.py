"""ReplicateKey and UpdatePrimaryRegion on keys of origin AWS_KMS."""

import json

import pytest

from calls import (
    create_key,
    describe,
    encrypt,
    eventually,
    imported_key,
    key_state,
    members,
    refused,
    replicate,
)
from cluster import ACCOUNT, AP, EU, US


@pytest.fixture
def primary(kms) -> dict:
    return create_key(kms, MultiRegion=True, Description="of the primary")


def arn_in(region: str, key: dict) -> str:
    return key["Arn"].replace(US, region)


def roles(kms, key_id: str) -> tuple[str, str, list[str]]:
    """This key's role, the primary's region and the replicas' regions, as a region sees them."""
    configuration = describe(kms, key_id)["MultiRegionConfiguration"]
    return (
        configuration["MultiRegionKeyType"],
        configuration["PrimaryKey"]["Region"],
        sorted(replica["Region"] for replica in configuration["ReplicaKeys"]),
    )


def test_the_answer_shows_a_replica_being_created(kms, primary):
    answer = kms.replicate_key(KeyId=primary["KeyId"], ReplicaRegion=EU)
    assert members(answer) == {"ReplicaKeyMetadata", "ReplicaPolicy"}
    replica = answer["ReplicaKeyMetadata"]
    assert set(replica) == set(primary) - {"CurrentKeyMaterialId"}
    assert (replica["KeyState"], replica["Enabled"]) == ("Creating", False)
    assert (replica["KeyId"], replica["Arn"]) == (primary["KeyId"], arn_in(EU, primary))
    assert replica["Description"] == ""
    assert replica["MultiRegionConfiguration"] == {
        "MultiRegionKeyType": "REPLICA",
        "PrimaryKey": {"Arn": primary["Arn"], "Region": US},
        "ReplicaKeys": [{"Arn": arn_in(EU, primary), "Region": EU}],
    }
    assert json.loads(answer["ReplicaPolicy"]) == {
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [
            {
                "Sid": "Enable IAM User Permissions",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": "kms:*",
                "Resource": "*",
            }
        ],
    }


def test_what_is_given_for_the_replica_is_its_own(cluster, kms, primary):
    statement = {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    tags = [{"TagKey": "team", "TagValue": "eu"}]
    answer = kms.replicate_key(
        KeyId=primary["KeyId"],
        ReplicaRegion=EU,
        Description="of the replica",
        Policy=policy,
        BypassPolicyLockoutSafetyCheck=True,
        Tags=tags,
    )
    assert (answer["ReplicaPolicy"], answer["ReplicaTags"]) == (policy, tags)
    replica = cluster.kms(EU)
    eventually(lambda: key_state(replica, primary["KeyId"]), "Enabled")
    assert describe(replica, primary["KeyId"])["Description"] == "of the replica"
    assert describe(kms, primary["KeyId"])["Description"] == "of the primary"


def test_a_replica_becomes_the_same_key_in_its_region(cluster, kms, primary):
    key_id, replica = primary["KeyId"], cluster.kms(EU)
    replicate(kms, key_id, replica)
    metadata = describe(replica, key_id)
    assert set(metadata) == set(primary)
    assert metadata["KeyState"] == "Enabled"
    assert metadata["CurrentKeyMaterialId"] == primary["CurrentKeyMaterialId"]
    assert roles(kms, key_id) == ("PRIMARY", US, [EU])
    assert roles(replica, key_id) == ("REPLICA", US, [EU])
    assert key_id in {
        key["KeyId"]
        for page in replica.get_paginator("list_keys").paginate()
        for key in page["Keys"]
    }


def test_key_state_and_description_are_each_regions_own(cluster, kms, primary):
    key_id, replica = primary["KeyId"], cluster.kms(EU)
    replicate(kms, key_id, replica)
    replica.disable_key(KeyId=key_id)
    replica.update_key_description(KeyId=key_id, Description="mine")
    assert (key_state(kms, key_id), key_state(replica, key_id)) == ("Enabled", "Disabled")
    assert describe(kms, key_id)["Description"] == "of the primary"


def test_every_replica_learns_of_the_others(cluster, kms, primary):
    key_id, eu, ap = primary["KeyId"], cluster.kms(EU), cluster.kms(AP)
    replicate(kms, key_id, eu)
    replicate(kms, key_id, ap)
    eventually(lambda: roles(eu, key_id), ("REPLICA", US, [AP, EU]))
    eventually(lambda: roles(ap, key_id), ("REPLICA", US, [AP, EU]))
    assert roles(kms, key_id) == ("PRIMARY", US, [AP, EU])


@pytest.mark.parametrize(
    ("region", "text"),
    [
        (US, f"{US} cannot have a replica because it contains the primary."),
        (
            "cn-north-1",
            "The replica key Region must be in the same AWS partition as the primary key Region.",
        ),
        (
            "mars-north-1",
            "Region mars-north-1 is not a valid Region or multi-Region keys are not supported "
            "in Region mars-north-1.",
        ),
    ],
)
def test_a_replica_needs_a_region_that_can_have_one(kms, primary, region, text):
    with refused("ValidationException", text):
        kms.replicate_key(KeyId=primary["KeyId"], ReplicaRegion=region)


def test_a_region_has_one_replica_even_while_that_is_pending_deletion(cluster, kms, primary):
    key_id, replica = primary["KeyId"], cluster.kms(EU)
    replicate(kms, key_id, replica)
    only_one = "You can create only one replica of each primary key in each AWS Region."
    with refused("AlreadyExistsException", only_one):
        kms.replicate_key(KeyId=key_id, ReplicaRegion=EU)
    replica.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    with refused("AlreadyExistsException", only_one):
        kms.replicate_key(KeyId=key_id, ReplicaRegion=EU)


def test_only_a_primary_is_replicated(cluster, kms, primary):
    replica, single = cluster.kms(EU), create_key(kms)
    replicate(kms, primary["KeyId"], replica)
    for client, arn in ((replica, arn_in(EU, primary)), (kms, single["Arn"])):
        with refused("UnsupportedOperationException", f"{arn} is not a multi-region primary key."):
            client.replicate_key(KeyId=arn, ReplicaRegion=AP)


def test_the_primary_role_moves_and_comes_back(cluster, kms, primary):
    key_id, eu, ap = primary["KeyId"], cluster.kms(EU), cluster.kms(AP)
    replicate(kms, key_id, eu)
    replicate(kms, key_id, ap)
    before = encrypt(kms, key_id)
    for old, new, new_region in ((kms, eu, EU), (eu, kms, US)):
        assert members(old.update_primary_region(KeyId=key_id, PrimaryRegion=new_region)) == set()
        replicas = sorted({US, EU, AP} - {new_region})
        expected = [
            ("PRIMARY" if client is new else "REPLICA", new_region, replicas)
            for client in (kms, eu, ap)
        ]
        eventually(lambda: [roles(client, key_id) for client in (kms, eu, ap)], expected)
        eventually(lambda: [key_state(client, key_id) for client in (kms, eu, ap)], ["Enabled"] * 3)
        for client in (kms, eu, ap):
            assert client.decrypt(CiphertextBlob=before)["Plaintext"] == b"a secret"
            assert new.decrypt(CiphertextBlob=encrypt(client, key_id))["Plaintext"]


def test_rotation_settings_follow_the_primary_role(cluster, kms, primary):
    key_id, eu = primary["KeyId"], cluster.kms(EU)
    kms.enable_key_rotation(KeyId=key_id, RotationPeriodInDays=150)
    due = kms.get_key_rotation_status(KeyId=key_id)["NextRotationDate"]
    replicate(kms, key_id, eu)
    kms.update_primary_region(KeyId=key_id, PrimaryRegion=EU)
    eventually(lambda: roles(eu, key_id), ("PRIMARY", EU, [US]))
    eventually(lambda: key_state(eu, key_id), "Enabled")
    assert eu.get_key_rotation_status(KeyId=key_id)["NextRotationDate"] == due
    eu.disable_key_rotation(KeyId=key_id)
    eventually(lambda: kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"], False)


def test_moving_the_role_to_its_own_region_changes_nothing(kms, primary):
    answer = kms.update_primary_region(KeyId=primary["KeyId"], PrimaryRegion=US)
    assert members(answer) == set()
    assert describe(kms, primary["KeyId"]) == primary


def test_the_role_moves_only_to_a_region_with_a_replica(kms, primary):
    no_replica = f"{primary['KeyId']} does not have a replica key in the specified Region."
    with refused("ValidationException", no_replica):
        kms.update_primary_region(KeyId=primary["KeyId"], PrimaryRegion=EU)


def test_the_role_moves_only_from_the_primary(cluster, kms, primary):
    replica, key_id = cluster.kms(EU), primary["KeyId"]
    replicate(kms, key_id, replica)
    not_primary = f"{arn_in(EU, primary)} is not a multi-Region primary key."
    with refused("KMSInvalidStateException", not_primary):
        replica.update_primary_region(KeyId=key_id, PrimaryRegion=EU)


def test_the_role_moves_only_between_enabled_keys(cluster, kms, primary):
    replica, key_id = cluster.kms(EU), primary["KeyId"]
    replicate(kms, key_id, replica)

    def move() -> None:
        kms.update_primary_region(KeyId=key_id, PrimaryRegion=EU)

    kms.disable_key(KeyId=key_id)
    with refused("DisabledException", f"{primary['Arn']} is disabled."):
        move()
    kms.enable_key(KeyId=key_id)
    replica.disable_key(KeyId=key_id)
    with refused("DisabledException", f"{arn_in(EU, primary)} is disabled."):
        move()
    replica.schedule_key_deletion(KeyId=key_id)
    with refused("KMSInvalidStateException", f"{arn_in(EU, primary)} is pending deletion."):
        move()


def test_the_role_does_not_move_to_a_replica_without_its_material(cluster, kms):
    key_id, _ = imported_key(kms, MultiRegion=True)
    replica = cluster.kms(EU)
    replicate(kms, key_id, replica)
    arn = describe(replica, key_id)["Arn"]
    with refused("KMSInvalidStateException", f"{arn} is pending import."):
        kms.update_primary_region(KeyId=key_id, PrimaryRegion=EU)


def test_a_primary_with_replicas_waits_for_them_before_its_deletion(cluster, kms, primary):
    replica, key_id = cluster.kms(EU), primary["KeyId"]
    replicate(kms, key_id, replica)
    ciphertext = encrypt(kms, key_id)
    answer = kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    assert members(answer) == {"KeyId", "KeyState", "PendingWindowInDays"}
    assert (answer["KeyState"], answer["PendingWindowInDays"]) == ("PendingReplicaDeletion", 7)
    metadata = describe(kms, key_id)
    assert metadata["KeyState"] == "PendingReplicaDeletion"
    assert metadata["PendingDeletionWindowInDays"] == 7
    assert "DeletionDate" not in metadata
    with refused("KMSInvalidStateException", f"{primary['Arn']} is pending replica deletion."):
        encrypt(kms, key_id)
    assert replica.decrypt(CiphertextBlob=ciphertext)["Plaintext"] == b"a secret"
    kms.cancel_key_deletion(KeyId=key_id)
    assert key_state(kms, key_id) == "Disabled"
