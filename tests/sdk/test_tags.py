"""TagResource, UntagResource, ListResourceTags."""

from calls import create_key, members, refused


def tags(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"TagKey": key, "TagValue": value} for key, value in pairs]


def test_tags_are_put_replaced_and_taken_off(kms):
    key = create_key(kms)["KeyId"]
    assert members(kms.tag_resource(KeyId=key, Tags=tags(("a", "1"), ("b", "2")))) == set()
    kms.tag_resource(KeyId=key, Tags=tags(("b", "")))
    listed = kms.list_resource_tags(KeyId=key)
    assert members(listed) == {"Tags", "Truncated"}
    assert listed["Tags"] == tags(("a", "1"), ("b", ""))
    assert members(kms.untag_resource(KeyId=key, TagKeys=["a", "never"])) == set()
    assert kms.list_resource_tags(KeyId=key)["Tags"] == tags(("b", ""))


def test_tags_are_listed_page_by_page(kms):
    key = create_key(kms)["KeyId"]
    assert kms.list_resource_tags(KeyId=key)["Tags"] == []
    kms.tag_resource(KeyId=key, Tags=tags(*[(f"t{n:02}", "v") for n in range(50)]))
    pages = kms.get_paginator("list_resource_tags").paginate(
        KeyId=key, PaginationConfig={"PageSize": 20}
    )
    assert [len(page["Tags"]) for page in pages] == [20, 20, 10]
    with refused("TagException", "Too many tags"):
        kms.tag_resource(KeyId=key, Tags=tags(("more", "v")))
    with refused("InvalidMarkerException", ""):
        kms.list_resource_tags(KeyId=key, Marker="%%")


def test_a_key_pending_deletion_cannot_be_tagged(kms):
    key = create_key(kms)
    kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    pending = f"{key['Arn']} is pending deletion."
    with refused("KMSInvalidStateException", pending):
        kms.tag_resource(KeyId=key["KeyId"], Tags=tags(("a", "1")))
    with refused("KMSInvalidStateException", pending):
        kms.untag_resource(KeyId=key["KeyId"], TagKeys=["a"])
