"""CreateKey, DescribeKey, ListKeys and UpdateKeyDescription: which members an
answer has, what a new key is, and which parameters are refused."""

import re

import pytest

from calls import create_key, describe, imported_key, members, refused
from cluster import ACCOUNT, EU, US

# As recorded for a symmetric key of origin AWS_KMS.
METADATA = {
    "AWSAccountId",
    "Arn",
    "CreationDate",
    "CurrentKeyMaterialId",
    "CustomerMasterKeySpec",
    "Description",
    "Enabled",
    "EncryptionAlgorithms",
    "KeyId",
    "KeyManager",
    "KeySpec",
    "KeyState",
    "KeyUsage",
    "MultiRegion",
    "Origin",
}
UUID_4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
MULTI_REGION_ID = re.compile(r"mrk-[0-9a-f]{32}")
MATERIAL_ID = re.compile(r"[0-9a-f]{64}")


def test_a_generated_key_shows_the_recorded_members(kms):
    answer = kms.create_key()
    metadata = answer["KeyMetadata"]
    assert members(answer) == {"KeyMetadata"}
    assert set(metadata) == METADATA
    assert UUID_4.fullmatch(metadata["KeyId"])
    assert MATERIAL_ID.fullmatch(metadata["CurrentKeyMaterialId"])
    fixed = {
        "AWSAccountId": ACCOUNT,
        "Arn": f"arn:aws:kms:{US}:{ACCOUNT}:key/{metadata['KeyId']}",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "Description": "",
        "Enabled": True,
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "KeyManager": "CUSTOMER",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "KeyState": "Enabled",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "MultiRegion": False,
        "Origin": "AWS_KMS",
    }
    assert {name: metadata[name] for name in fixed} == fixed
    assert describe(kms, metadata["KeyId"]) == metadata


def test_a_multi_region_key_is_a_primary_without_replicas(kms):
    metadata = create_key(kms, MultiRegion=True)
    assert set(metadata) == METADATA | {"MultiRegionConfiguration"}
    assert MULTI_REGION_ID.fullmatch(metadata["KeyId"])
    assert metadata["MultiRegion"] is True
    assert metadata["MultiRegionConfiguration"] == {
        "MultiRegionKeyType": "PRIMARY",
        "PrimaryKey": {"Arn": metadata["Arn"], "Region": US},
        "ReplicaKeys": [],
    }


def test_a_key_for_imported_material_waits_for_it(kms):
    metadata = create_key(kms, Origin="EXTERNAL")
    assert set(metadata) == METADATA - {"CurrentKeyMaterialId"}
    assert (metadata["KeyState"], metadata["Enabled"]) == ("PendingImport", False)
    assert metadata["Origin"] == "EXTERNAL"


def test_a_key_with_lasting_imported_material_shows_its_expiration_model(kms):
    key_id, material_id = imported_key(kms)
    metadata = describe(kms, key_id)
    assert set(metadata) == METADATA | {"ExpirationModel"}
    assert metadata["CurrentKeyMaterialId"] == material_id
    assert metadata["ExpirationModel"] == "KEY_MATERIAL_DOES_NOT_EXPIRE"
    assert (metadata["KeyState"], metadata["Enabled"]) == ("Enabled", True)


def test_parameters_of_the_key_are_kept(kms):
    metadata = create_key(
        kms,
        Description="orders",
        KeyUsage="ENCRYPT_DECRYPT",
        CustomerMasterKeySpec="SYMMETRIC_DEFAULT",
        Tags=[{"TagKey": "team", "TagValue": ""}],
    )
    assert (metadata["Description"], metadata["KeySpec"]) == ("orders", "SYMMETRIC_DEFAULT")


def test_a_description_is_replaced(kms):
    key_id = create_key(kms, Description="old")["KeyId"]
    assert members(kms.update_key_description(KeyId=key_id, Description="new")) == set()
    assert describe(kms, key_id)["Description"] == "new"
    kms.update_key_description(KeyId=key_id, Description="")
    assert describe(kms, key_id)["Description"] == ""


def tags(*keys: str) -> list[dict]:
    return [{"TagKey": key, "TagValue": "v"} for key in keys]


@pytest.mark.parametrize(
    ("parameters", "code", "text"),
    [
        (
            {"KeySpec": "RSA_2048"},
            "ValidationException",
            "You must specify a KeyUsage value for all KMS keys except for symmetric "
            "encryption keys.",
        ),
        (
            {"KeySpec": "RSA_2048", "KeyUsage": "KEY_AGREEMENT"},
            "ValidationException",
            "KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048",
        ),
        (
            {"KeyUsage": "SIGN_VERIFY"},
            "ValidationException",
            "KeyUsage SIGN_VERIFY is not compatible with KeySpec SYMMETRIC_DEFAULT",
        ),
        (
            {"KeySpec": "SYMMETRIC_DEFAULT", "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT"},
            "ValidationException",
            None,
        ),
        ({"Tags": tags("aws:x")}, "TagException", "Tags beginning with aws: are reserved"),
        ({"Tags": tags("AWS:x")}, "TagException", "Tags beginning with aws: are reserved"),
        ({"Tags": tags("a", "a")}, "TagException", "Duplicate tag keys"),
        ({"Tags": tags(*map(str, range(51)))}, "TagException", "Too many tags"),
        ({"Policy": "not a policy"}, "MalformedPolicyDocumentException", None),
    ],
)
def test_parameters_that_do_not_fit_are_refused(kms, parameters, code, text):
    with refused(code, text):
        kms.create_key(**parameters)


def test_keys_are_listed_page_by_page(cluster):
    kms = cluster.kms(EU, "200000000001")
    created = {create_key(kms)["KeyId"] for _ in range(5)}
    first = kms.list_keys(Limit=2)
    assert members(first) == {"Keys", "NextMarker", "Truncated"}
    assert (len(first["Keys"]), first["Truncated"]) == (2, True)
    last = kms.list_keys()
    assert members(last) == {"Keys", "Truncated"}
    assert last["Truncated"] is False
    pages = kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2})
    listed = [key for page in pages for key in page["Keys"]]
    assert listed == last["Keys"]
    assert [key["KeyId"] for key in listed] == sorted(created)
    for key in listed:
        assert key["KeyArn"] == f"arn:aws:kms:{EU}:200000000001:key/{key['KeyId']}"


def test_a_marker_that_was_never_given_out_is_refused(kms):
    with refused("InvalidMarkerException", ""):
        kms.list_keys(Marker="%%")


def test_a_key_belongs_to_its_account(cluster, kms):
    key = create_key(kms)
    stranger = cluster.kms(US, "200000000002")
    does_not_exist = f"Key 'arn:aws:kms:{US}:200000000002:key/{key['KeyId']}' does not exist"
    with refused("NotFoundException", does_not_exist):
        stranger.describe_key(KeyId=key["KeyId"])
    not_authorized = re.compile(
        "User: arn:.* is not authorized to perform: kms:DescribeKey on this resource "
        "because no identity-based policy allows the kms:DescribeKey action"
    )
    with refused("AccessDeniedException", not_authorized):
        stranger.describe_key(KeyId=key["Arn"])
    assert stranger.list_keys()["Keys"] == []


def test_an_access_key_that_is_no_account_belongs_to_account_zero(cluster):
    kms = cluster.kms(US, "AKIDEXAMPLE")
    assert create_key(kms)["AWSAccountId"] == "000000000000"
