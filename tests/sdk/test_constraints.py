"""Members that are missing or outside their limits, as AWS words it."""

import re

import pytest

from calls import NOBODY
from wire import violations



def test_all_violations_are_listed_at_once(wire):
    assert violations(wire.call("CreateAlias", {})) == {
        "Value null at 'aliasName' failed to satisfy constraint: Member must not be null",
        "Value null at 'targetKeyId' failed to satisfy constraint: Member must not be null",
    }
    assert violations(wire.call("Encrypt", {"Plaintext": ""})) == {
        "Value null at 'keyId' failed to satisfy constraint: Member must not be null",
        "Value at 'plaintext' failed to satisfy constraint: "
        "Member must have length greater than or equal to 1",
    }


def test_null_is_the_same_as_nothing(wire):
    assert violations(wire.call("Encrypt", {"KeyId": None, "Plaintext": "YQ=="})) == {
        "Value null at 'keyId' failed to satisfy constraint: Member must not be null",
    }
    assert wire.call("CreateKey", {"Description": None}).status == 200


@pytest.mark.parametrize(
    ("operation", "body", "violation"),
    [
        (
            "GenerateRandom",
            {"NumberOfBytes": 1025},
            "Value '1025' at 'numberOfBytes' failed to satisfy constraint: "
            "Member must have value less than or equal to 1024",
        ),
        (
            "GenerateRandom",
            {"NumberOfBytes": 0},
            "Value '0' at 'numberOfBytes' failed to satisfy constraint: "
            "Member must have value greater than or equal to 1",
        ),
        (
            "EnableKeyRotation",
            {"KeyId": NOBODY, "RotationPeriodInDays": 2561},
            "Value '2561' at 'rotationPeriodInDays' failed to satisfy constraint: "
            "Member must have value less than or equal to 2560",
        ),
        (
            "EnableKeyRotation",
            {"KeyId": NOBODY, "RotationPeriodInDays": 89},
            "Value '89' at 'rotationPeriodInDays' failed to satisfy constraint: "
            "Member must have value greater than or equal to 90",
        ),
        (
            "ListKeys",
            {"Limit": 1001},
            "Value '1001' at 'limit' failed to satisfy constraint: "
            "Member must have value less than or equal to 1000",
        ),
        (
            "Encrypt",
            {"KeyId": NOBODY, "Plaintext": ""},
            "Value at 'plaintext' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1",
        ),
        (
            "Encrypt",
            {"KeyId": NOBODY, "Plaintext": "YWFh" * 1366},
            "Value at 'plaintext' failed to satisfy constraint: "
            "Member must have length less than or equal to 4096",
        ),
        (
            "CreateKey",
            {"Tags": [{"TagKey": "k" * 129, "TagValue": "v"}]},
            f"Value '{'k' * 129}' at 'tags.1.member.tagKey' failed to satisfy constraint: "
            "Member must have length less than or equal to 128",
        ),
        (
            "CreateKey",
            {"Tags": [{"TagKey": "a", "TagValue": ""}, {"TagKey": "b"}]},
            "Value null at 'tags.2.member.tagValue' failed to satisfy constraint: "
            "Member must not be null",
        ),
        (
            "CreateAlias",
            {"AliasName": "alias/ö", "TargetKeyId": NOBODY},
            "Value 'alias/ö' at 'aliasName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$",
        ),
    ],
)
def test_a_value_outside_its_limits_is_named_with_the_limit(wire, operation, body, violation):
    assert violations(wire.call(operation, body)) == {violation}


@pytest.mark.parametrize(
    ("operation", "body", "path", "values"),
    [
        ("CreateKey", {"KeyUsage": "RANDOM"}, "keyUsage", {"ENCRYPT_DECRYPT", "SIGN_VERIFY"}),
        ("CreateKey", {"KeySpec": "RANDOM"}, "keySpec", {"SYMMETRIC_DEFAULT", "ML_DSA_87"}),
        (
            "GenerateDataKey",
            {"KeyId": NOBODY, "KeySpec": "RANDOM"},
            "keySpec",
            {"AES_256", "AES_128"},
        ),
    ],
)
def test_a_value_outside_its_set_is_named_with_the_set(wire, operation, body, path, values):
    [violation] = violations(wire.call(operation, body))
    text = re.fullmatch(
        f"Value 'RANDOM' at '{path}' failed to satisfy constraint: "
        r"Member must satisfy enum value set: \[([A-Z0-9_, ]+)\]",
        violation,
    )
    assert text, violation
    assert values <= set(text.group(1).split(", "))


def test_limits_are_checked_before_keys_are_looked_up(wire):
    body = {"KeyId": "no-key", "RotationPeriodInDays": 1}
    [violation] = violations(wire.call("EnableKeyRotation", body))
    assert "'rotationPeriodInDays'" in violation
