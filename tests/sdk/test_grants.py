"""CreateGrant, ListGrants, ListRetirableGrants, RetireGrant, RevokeGrant, and
grant tokens."""

import re

import pytest

from calls import create_key, members, refused
from cluster import ACCOUNT, US

OTHER = "200000000012"
OTHER_ROOT = f"arn:aws:iam::{OTHER}:root"
HEX_64 = re.compile("[0-9a-f]{64}")


@pytest.fixture
def key(kms) -> dict:
    return create_key(kms)


@pytest.fixture
def other(cluster):
    return cluster.kms(US, OTHER)


def test_a_grant_lets_another_account_use_a_key(kms, other, key):
    with refused("AccessDeniedException"):
        other.encrypt(KeyId=key["Arn"], Plaintext=b"x")
    made = kms.create_grant(
        KeyId=key["KeyId"], GranteePrincipal=OTHER_ROOT, Operations=["Encrypt", "Decrypt"]
    )
    assert members(made) == {"GrantId", "GrantToken"}
    assert HEX_64.fullmatch(made["GrantId"])
    blob = other.encrypt(KeyId=key["Arn"], Plaintext=b"x", GrantTokens=[made["GrantToken"]])
    assert other.decrypt(CiphertextBlob=blob["CiphertextBlob"])["Plaintext"] == b"x"
    with refused("AccessDeniedException"):
        other.describe_key(KeyId=key["Arn"])
    assert members(kms.revoke_grant(KeyId=key["KeyId"], GrantId=made["GrantId"])) == set()
    with refused("AccessDeniedException"):
        other.encrypt(KeyId=key["Arn"], Plaintext=b"x")
    with refused("InvalidGrantTokenException", ""):
        other.encrypt(KeyId=key["Arn"], Plaintext=b"x", GrantTokens=[made["GrantToken"]])


def test_an_encryption_context_constraint_has_to_be_met(kms, other, key):
    kms.create_grant(
        KeyId=key["KeyId"],
        GranteePrincipal=OTHER_ROOT,
        Operations=["Encrypt"],
        Constraints={"EncryptionContextSubset": {"department": "it"}},
    )
    with refused("AccessDeniedException"):
        other.encrypt(KeyId=key["Arn"], Plaintext=b"x")
    context = {"department": "it", "purpose": "test"}
    other.encrypt(KeyId=key["Arn"], Plaintext=b"x", EncryptionContext=context)


def test_a_name_makes_create_grant_repeatable(kms, key):
    def create(**changes):
        return kms.create_grant(
            **{
                "KeyId": key["KeyId"],
                "GranteePrincipal": OTHER,
                "Operations": ["Encrypt"],
                "Name": "mine",
                **changes,
            }
        )

    first, again, different = create(), create(), create(Operations=["Decrypt"])
    assert first["GrantId"] == again["GrantId"] != different["GrantId"]
    assert first["GrantToken"] != again["GrantToken"]
    listed = kms.list_grants(KeyId=key["KeyId"], GrantId=first["GrantId"])
    assert members(listed) == {"Grants", "Truncated"}
    [grant] = listed["Grants"]
    created = grant.pop("CreationDate")
    assert created.microsecond == 0
    assert grant == {
        "KeyId": key["Arn"],
        "GrantId": first["GrantId"],
        "Name": "mine",
        "GranteePrincipal": OTHER_ROOT,
        "IssuingAccount": f"arn:aws:iam::{ACCOUNT}:root",
        "Operations": ["Encrypt"],
    }


def test_grants_are_listed_page_by_page_and_retired(kms, other, key):
    made = [
        kms.create_grant(
            KeyId=key["KeyId"],
            GranteePrincipal=f"arn:aws:iam::{ACCOUNT}:role/R",
            RetiringPrincipal=OTHER_ROOT,
            Operations=["DescribeKey"],
        )
        for _ in range(3)
    ]
    pages = kms.get_paginator("list_grants").paginate(
        KeyId=key["KeyId"], PaginationConfig={"PageSize": 2}
    )
    ids = [grant["GrantId"] for page in pages for grant in page["Grants"]]
    assert ids == sorted(grant["GrantId"] for grant in made)
    retirable = other.list_retirable_grants(RetiringPrincipal=OTHER_ROOT)["Grants"]
    assert {grant["GrantId"] for grant in retirable} >= set(ids)
    with refused("DryRunOperationException"):
        other.retire_grant(GrantToken=made[0]["GrantToken"], DryRun=True)
    assert members(other.retire_grant(GrantToken=made[0]["GrantToken"])) == set()
    other.retire_grant(KeyId=key["Arn"], GrantId=made[1]["GrantId"])
    kms.retire_grant(GrantToken=made[2]["GrantToken"])
    assert kms.list_grants(KeyId=key["KeyId"])["Grants"] == []
    with refused("NotFoundException", f"Grant ID {made[0]['GrantId']} not found"):
        kms.revoke_grant(KeyId=key["KeyId"], GrantId=made[0]["GrantId"])


def test_what_is_no_grant_id_is_refused(kms, key):
    for end in (kms.retire_grant, kms.revoke_grant):
        with refused("InvalidGrantIdException"):
            end(KeyId=key["Arn"], GrantId="no-grant-id")


def test_what_a_grant_cannot_be_is_refused(kms, key):
    def create(**changes):
        given = {"KeyId": key["KeyId"], "GranteePrincipal": OTHER, "Operations": ["Encrypt"]}
        return lambda: kms.create_grant(**{**given, **changes})

    arn = "arn:aws:s3:::bucket"
    for call, code, text in (
        (
            create(GranteePrincipal=arn),
            "InvalidArnException",
            f"ARN does not refer to a valid principal: {arn}",
        ),
        (
            create(GranteePrincipal="bob"),
            "InvalidArnException",
            "GranteePrincipal does not refer to a valid principal.",
        ),
        (create(Operations=["Sign"]), "ValidationException", None),
        (create(GrantTokens=["token"]), "InvalidGrantTokenException", ""),
        (
            create(DryRun=True),
            "DryRunOperationException",
            "The request would have succeeded, but the DryRun option is set.",
        ),
    ):
        with refused(code, text):
            call()
    mac = create_key(kms, KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    unfit = (
        "Operations [Encrypt] are not supported when creating a grant for a symmetric KMS key "
        "with key usage GENERATE_VERIFY_MAC. Valid operations are [CreateGrant, RetireGrant, "
        "DescribeKey, GenerateMac, VerifyMac]"
    )
    with refused("ValidationException", unfit):
        create(KeyId=mac["KeyId"])()
