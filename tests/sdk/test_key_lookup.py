"""How a key may be named, and what is said when there is none."""

import pytest

from calls import NOBODY, create_key, describe, encrypt, refused
from cluster import ACCOUNT, EU, US

NOBODY_MULTI_REGION = "mrk-1234abcd12ab34cd56ef1234567890ab"


@pytest.mark.parametrize(
    "key_id", ["fake-key-id", "mrk-fake-key-id", "1234abcd12ab34cd56ef1234567890ab"]
)
def test_a_string_of_another_form_is_no_key_id(kms, key_id):
    with refused("NotFoundException", f"Invalid keyId '{key_id}'"):
        kms.describe_key(KeyId=key_id)
    with refused("NotFoundException", f"Invalid keyId '{key_id}'"):
        kms.enable_key(KeyId=key_id)


@pytest.mark.parametrize("key_id", [NOBODY, NOBODY_MULTI_REGION])
def test_a_missing_key_is_named_by_its_arn(kms, key_id):
    arn = f"arn:aws:kms:{US}:{ACCOUNT}:key/{key_id}"
    for named in (key_id, arn):
        with refused("NotFoundException", f"Key '{arn}' does not exist"):
            kms.describe_key(KeyId=named)
        with refused("NotFoundException", f"Key '{arn}' does not exist"):
            encrypt(kms, named)
        with refused("NotFoundException", f"Key '{arn}' does not exist"):
            kms.get_key_rotation_status(KeyId=named)


def test_a_key_of_another_region_is_not_found_here(cluster, kms):
    key = create_key(kms)
    elsewhere = cluster.kms(EU)
    arn_there = f"arn:aws:kms:{EU}:{ACCOUNT}:key/{key['KeyId']}"
    with refused("NotFoundException", f"Key '{arn_there}' does not exist"):
        elsewhere.describe_key(KeyId=key["KeyId"])
    with refused("NotFoundException", f"Invalid arn {US}"):
        elsewhere.describe_key(KeyId=key["Arn"])


def test_a_damaged_arn_is_no_arn(kms):
    with refused("InvalidArnException"):
        kms.describe_key(KeyId="arn:aws:kms")


def test_id_arn_alias_and_alias_arn_name_the_same_key(kms):
    key = create_key(kms)
    alias = f"alias/lookup-{key['KeyId']}"
    kms.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
    alias_arn = f"arn:aws:kms:{US}:{ACCOUNT}:{alias}"
    for name in (key["KeyId"], key["Arn"], alias, alias_arn):
        assert describe(kms, name)["Arn"] == key["Arn"]
        assert kms.encrypt(KeyId=name, Plaintext=b"x")["KeyId"] == key["Arn"]
        made = kms.generate_data_key(KeyId=name, KeySpec="AES_256")
        opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], KeyId=name)
        assert opened["KeyId"] == key["Arn"]


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("get_key_rotation_status", {}),
        ("enable_key_rotation", {}),
        ("disable_key_rotation", {}),
        ("rotate_key_on_demand", {}),
        ("list_key_rotations", {}),
        ("replicate_key", {"ReplicaRegion": EU}),
        ("update_primary_region", {"PrimaryRegion": EU}),
        ("disable_key", {}),
        ("schedule_key_deletion", {}),
    ],
)
def test_operations_that_manage_a_key_take_no_alias(kms, operation, parameters):
    key_id = create_key(kms)["KeyId"]
    alias = f"alias/refused-{key_id}"
    kms.create_alias(AliasName=alias, TargetKeyId=key_id)
    with refused("InvalidArnException", "Key Aliases are not supported for this operation."):
        getattr(kms, operation)(KeyId=alias, **parameters)


def test_a_missing_alias_is_named_by_its_arn(kms):
    not_found = f"Alias arn:aws:kms:{US}:{ACCOUNT}:alias/nobody is not found."
    with refused("NotFoundException", not_found):
        kms.describe_key(KeyId="alias/nobody")
    with refused("NotFoundException", not_found):
        encrypt(kms, "alias/nobody")
