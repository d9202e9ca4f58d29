"""GetKeyPolicy, PutKeyPolicy, ListKeyPolicies."""

import json

from calls import create_key, members, refused
from cluster import ACCOUNT, US

OTHER = "200000000011"


def policy(*principals: str, action: str = "kms:*") -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": list(principals)},
        "Action": action,
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_the_default_policy_allows_the_account_everything(kms):
    key = create_key(kms)["KeyId"]
    shown = kms.get_key_policy(KeyId=key)
    assert members(shown) == {"Policy", "PolicyName"}
    assert shown["PolicyName"] == "default"
    [statement] = json.loads(shown["Policy"])["Statement"]
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert statement["Action"] == "kms:*"
    names = kms.list_key_policies(KeyId=key)
    assert (names["PolicyNames"], names["Truncated"]) == (["default"], False)


def test_a_policy_is_shown_as_it_was_put_also_while_deletion_is_pending(kms):
    key = create_key(kms)["KeyId"]
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    text = policy(ACCOUNT) + "\n"
    assert members(kms.put_key_policy(KeyId=key, PolicyName="default", Policy=text)) == set()
    assert kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"] == text


def test_policies_that_are_none_or_lock_the_caller_out_are_refused(kms):
    key = create_key(kms)["KeyId"]
    with refused("MalformedPolicyDocumentException"):
        kms.put_key_policy(KeyId=key, Policy="not a policy")
    locked = "The new key policy will not allow you to update the key policy in the future."
    for call in (
        lambda: kms.put_key_policy(KeyId=key, Policy=policy(OTHER)),
        lambda: kms.create_key(Policy=policy(OTHER)),
    ):
        with refused("MalformedPolicyDocumentException", locked):
            call()
    kms.put_key_policy(KeyId=key, Policy=policy(OTHER), BypassPolicyLockoutSafetyCheck=True)
    with refused("LimitExceededException"):
        kms.put_key_policy(KeyId=key, Policy=policy(ACCOUNT) + " " * 32_768)
    with refused("NotFoundException", "No such policy exists"):
        kms.get_key_policy(KeyId=key, PolicyName="other")


def test_a_key_policy_lets_another_account_in(cluster, kms):
    key = create_key(kms)
    other = cluster.kms(US, OTHER)
    with refused("AccessDeniedException"):
        other.encrypt(KeyId=key["Arn"], Plaintext=b"x")
    kms.put_key_policy(KeyId=key["KeyId"], Policy=policy(ACCOUNT, OTHER))
    blob = other.encrypt(KeyId=key["Arn"], Plaintext=b"x")["CiphertextBlob"]
    assert other.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    with refused("AccessDeniedException"):
        other.disable_key(KeyId=key["Arn"])
