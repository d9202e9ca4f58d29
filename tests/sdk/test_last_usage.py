"""GetKeyLastUsage: the last successful cryptographic operation with a key."""

from calls import create_key, encrypt, eventually, members, refused, replicate
from cluster import EU


def usage(kms, key_id: str) -> dict:
    return kms.get_key_last_usage(KeyId=key_id)["KeyLastUsage"]


def test_a_key_that_was_never_used_says_since_when_it_is_watched(kms):
    key = create_key(kms)
    answer = kms.get_key_last_usage(KeyId=key["KeyId"])
    assert members(answer) == {"KeyId", "KeyLastUsage", "TrackingStartDate", "KeyCreationDate"}
    assert answer["KeyId"] == key["Arn"]
    assert answer["KeyLastUsage"] == {}
    assert answer["TrackingStartDate"] == answer["KeyCreationDate"] == key["CreationDate"]


def test_the_last_use_is_told_with_its_request(kms):
    key_id = create_key(kms)["KeyId"]
    ciphertext = encrypt(kms, key_id)
    assert usage(kms, key_id)["Operation"] == "Encrypt"
    opened = kms.decrypt(CiphertextBlob=ciphertext)
    last = usage(kms, key_id)
    assert set(last) == {"Operation", "Timestamp", "CloudTrailEventId", "KmsRequestId"}
    assert last["Operation"] == "Decrypt"
    assert last["KmsRequestId"] == opened["ResponseMetadata"]["RequestId"]
    assert last["CloudTrailEventId"] != last["KmsRequestId"]


def test_both_keys_of_a_re_encryption_are_used(kms):
    source, destination = create_key(kms)["KeyId"], create_key(kms)["KeyId"]
    kms.re_encrypt(CiphertextBlob=encrypt(kms, source), DestinationKeyId=destination)
    assert usage(kms, source)["Operation"] == usage(kms, destination)["Operation"] == "ReEncrypt"


def test_neither_a_refusal_nor_a_dry_run_nor_management_is_a_use(kms):
    key_id = create_key(kms)["KeyId"]
    with refused("DryRunOperationException"):
        kms.encrypt(KeyId=key_id, Plaintext=b"x", DryRun=True)
    kms.describe_key(KeyId=key_id)
    kms.disable_key(KeyId=key_id)
    with refused("DisabledException"):
        encrypt(kms, key_id)
    assert usage(kms, key_id) == {}


def test_uses_in_another_region_do_not_count(kms, cluster):
    key_id = create_key(kms, MultiRegion=True)["KeyId"]
    eu = cluster.kms(EU)
    replicate(kms, key_id, eu)
    encrypt(eu, key_id)
    assert usage(eu, key_id)["Operation"] == "Encrypt"
    assert usage(kms, key_id) == {}


def test_a_use_at_any_node_is_known_to_the_region_before_long(kms, cluster):
    key_id = create_key(kms)["KeyId"]
    region = cluster.region_status("us-east-1")
    nodes = [cluster.kms("us-east-1", address=node["address"]) for node in region["nodes"]]
    for node in nodes:
        made = node.generate_data_key(KeyId=key_id, KeySpec="AES_256")
        request_id = made["ResponseMetadata"]["RequestId"]
        for asked in nodes:
            eventually(lambda it=asked: usage(it, key_id)["KmsRequestId"], request_id)
