"""CreateAlias, UpdateAlias, DeleteAlias, ListAliases."""

import pytest

from calls import create_key, describe, members, refused
from cluster import ACCOUNT, EU, US


@pytest.fixture
def key_id(kms) -> str:
    return create_key(kms)["KeyId"]


def alias_arn(alias: str, region: str = US) -> str:
    return f"arn:aws:kms:{region}:{ACCOUNT}:{alias}"


def test_an_alias_names_its_key_until_it_is_deleted(kms, key_id):
    alias = f"alias/life-{key_id}"
    assert members(kms.create_alias(AliasName=alias, TargetKeyId=key_id)) == set()
    assert describe(kms, alias)["KeyId"] == key_id
    assert members(kms.delete_alias(AliasName=alias)) == set()
    for call in (
        lambda: kms.describe_key(KeyId=alias),
        lambda: kms.delete_alias(AliasName=alias),
        lambda: kms.update_alias(AliasName=alias, TargetKeyId=key_id),
    ):
        with refused("NotFoundException", f"Alias {alias_arn(alias)} is not found."):
            call()
    assert describe(kms, key_id)["KeyState"] == "Enabled"


def test_an_alias_moves_to_another_key(kms, key_id):
    alias, other = f"alias/moves-{key_id}", create_key(kms)["KeyId"]
    kms.create_alias(AliasName=alias, TargetKeyId=key_id)
    assert members(kms.update_alias(AliasName=alias, TargetKeyId=other)) == set()
    assert describe(kms, alias)["KeyId"] == other
    assert kms.list_aliases(KeyId=key_id)["Aliases"] == []
    assert [it["AliasName"] for it in kms.list_aliases(KeyId=other)["Aliases"]] == [alias]


def test_a_listed_alias_shows_the_bare_id_of_its_key(kms, key_id):
    alias = f"alias/listed-{key_id}"
    kms.create_alias(AliasName=alias, TargetKeyId=describe(kms, key_id)["Arn"])
    answer = kms.list_aliases(KeyId=key_id)
    assert members(answer) == {"Aliases", "Truncated"}
    [entry] = answer["Aliases"]
    assert entry["CreationDate"] == entry["LastUpdatedDate"]
    del entry["CreationDate"], entry["LastUpdatedDate"]
    assert entry == {
        "AliasArn": alias_arn(alias),
        "AliasName": alias,
        "TargetKeyId": key_id,
    }


def test_aliases_are_listed_page_by_page(kms, key_id):
    names = [f"alias/page-{key_id}-{number}" for number in range(5)]
    for name in names:
        kms.create_alias(AliasName=name, TargetKeyId=key_id)
    first = kms.list_aliases(KeyId=key_id, Limit=2)
    assert members(first) == {"Aliases", "NextMarker", "Truncated"}
    pages = kms.get_paginator("list_aliases").paginate(
        KeyId=key_id, PaginationConfig={"PageSize": 2}
    )
    assert sorted(it["AliasName"] for page in pages for it in page["Aliases"]) == names
    everything = kms.get_paginator("list_aliases").paginate()
    assert set(names) <= {it["AliasName"] for page in everything for it in page["Aliases"]}


def test_the_same_name_is_another_alias_in_another_region(cluster, kms, key_id):
    elsewhere, alias = cluster.kms(EU), f"alias/regional-{key_id}"
    kms.create_alias(AliasName=alias, TargetKeyId=key_id)
    with refused("NotFoundException", f"Alias {alias_arn(alias, EU)} is not found."):
        elsewhere.describe_key(KeyId=alias)
    other = create_key(elsewhere)["KeyId"]
    elsewhere.create_alias(AliasName=alias, TargetKeyId=other)
    assert describe(elsewhere, alias)["KeyId"] == other
    assert describe(kms, alias)["KeyId"] == key_id


def test_an_alias_exists_once(kms, key_id):
    alias = f"alias/twice-{key_id}"
    kms.create_alias(AliasName=alias, TargetKeyId=key_id)
    exists = f"An alias with the name {alias_arn(alias)} already exists"
    with refused("AlreadyExistsException", exists):
        kms.create_alias(AliasName=alias, TargetKeyId=key_id)


def test_an_alias_begins_with_its_prefix(kms, key_id):
    prefix = (
        'Alias must start with the prefix "alias/". Please see '
        "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
    )
    with refused("ValidationException", prefix):
        kms.create_alias(AliasName="fakealias", TargetKeyId=key_id)


def test_the_prefix_of_aws_is_reserved(kms, key_id):
    with refused("NotAuthorizedException"):
        kms.create_alias(AliasName="alias/aws/s3", TargetKeyId=key_id)


def test_an_alias_refers_to_a_key(kms, key_id):
    alias = f"alias/chain-{key_id}"
    kms.create_alias(AliasName=alias, TargetKeyId=key_id)
    with refused("ValidationException", "Aliases must refer to keys. Not aliases"):
        kms.create_alias(AliasName=f"{alias}-2", TargetKeyId=alias)


def test_a_key_has_50_aliases(kms, key_id):
    for number in range(50):
        kms.create_alias(AliasName=f"alias/quota-{key_id}-{number}", TargetKeyId=key_id)
    with refused("LimitExceededException"):
        kms.create_alias(AliasName=f"alias/quota-{key_id}-50", TargetKeyId=key_id)
    assert len(kms.list_aliases(KeyId=key_id, Limit=100)["Aliases"]) == 50


def test_an_alias_leaves_a_key_pending_deletion_but_does_not_move_to_one(kms, key_id):
    alias, doomed = f"alias/doomed-{key_id}", create_key(kms)
    kms.create_alias(AliasName=alias, TargetKeyId=doomed["KeyId"])
    kms.schedule_key_deletion(KeyId=doomed["KeyId"])
    kms.update_alias(AliasName=alias, TargetKeyId=key_id)
    with refused("KMSInvalidStateException", f"{doomed['Arn']} is pending deletion."):
        kms.update_alias(AliasName=alias, TargetKeyId=doomed["KeyId"])
    assert describe(kms, alias)["KeyId"] == key_id
