"""AWS managed keys: made by their first use, and managed by nobody."""

from calls import describe, refused
from cluster import EU

OWN = "200000000013"


def test_the_use_that_makes_a_key_is_a_use_of_it(cluster):
    kms = cluster.kms(EU, OWN)
    kms.encrypt(KeyId="alias/aws/sns", Plaintext=b"x")
    key_id = describe(kms, "alias/aws/sns")["KeyId"]
    usage = kms.get_key_last_usage(KeyId=key_id)["KeyLastUsage"]
    assert usage["Operation"] == "Encrypt"


def test_the_alias_of_a_service_makes_its_key(cluster):
    kms = cluster.kms(EU, OWN)
    blob = kms.encrypt(KeyId="alias/aws/s3", Plaintext=b"x")["CiphertextBlob"]
    shown = describe(kms, "alias/aws/s3")
    assert (shown["KeyManager"], shown["KeyState"]) == ("AWS", "Enabled")
    assert kms.decrypt(CiphertextBlob=blob)["KeyId"] == shown["Arn"]
    aliases = {it["AliasName"]: it["TargetKeyId"] for it in kms.list_aliases()["Aliases"]}
    assert aliases["alias/aws/s3"] == shown["KeyId"]
    assert kms.get_key_rotation_status(KeyId=shown["KeyId"])["RotationPeriodInDays"] == 365
    for call in (kms.disable_key, kms.schedule_key_deletion, kms.rotate_key_on_demand):
        with refused("AccessDeniedException"):
            call(KeyId=shown["KeyId"])
    with refused("NotFoundException"):
        kms.encrypt(KeyId="alias/aws/nothing", Plaintext=b"x")
