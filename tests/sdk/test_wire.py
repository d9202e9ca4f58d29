"""AWS JSON 1.1 by hand: what only a client that is not an SDK can send."""

import uuid

import pytest

from calls import NOBODY, create_key, imported_key
from cluster import ACCOUNT, EU, US
from wire import CONTENT_TYPE, authorization, check_error

BODY_MAX = 1024 * 1024


@pytest.mark.parametrize(
    "target", ["TrentService.Nothing", "Encrypt", "trentservice.Encrypt", None]
)
def test_an_operation_that_does_not_exist_is_unknown(wire, target):
    check_error(wire.call("", X_Amz_Target=target), "UnknownOperationException")


def test_another_content_type_is_no_operation(wire):
    answer = wire.call("ListKeys", Content_Type="text/plain")
    check_error(answer, "UnknownOperationException")


@pytest.mark.parametrize("body", [b"{", b"not json", b'{"KeyId": "x"', b"\xff"])
def test_a_body_that_is_not_json_has_no_text_to_explain_it(wire, body):
    check_error(wire.call("DescribeKey", body), "SerializationException")


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"1"])
def test_a_body_must_be_an_object(wire, body):
    answer = wire.call("DescribeKey", body)
    assert (answer.status, answer.json["__type"]) == (400, "SerializationException")


@pytest.mark.parametrize(
    ("operation", "body", "text"),
    [
        ("DescribeKey", {"KeyId": 5}, "NUMBER_VALUE can not be converted to a String"),
        (
            "GenerateRandom",
            {"NumberOfBytes": "32"},
            "STRING_VALUE can not be converted to an Integer",
        ),
    ],
)
def test_a_member_of_another_type_is_named_by_its_type(wire, operation, body, text):
    check_error(wire.call(operation, body), "SerializationException", text)


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("Encrypt", {"KeyId": NOBODY, "Plaintext": 1}),
        ("Encrypt", {"KeyId": NOBODY, "Plaintext": "YQ==", "EncryptionContext": []}),
        ("Encrypt", {"KeyId": NOBODY, "Plaintext": "YQ==", "EncryptionContext": {"a": 1}}),
        ("Encrypt", {"KeyId": NOBODY, "Plaintext": "YQ==", "DryRun": "yes"}),
        ("CreateKey", {"Tags": {}}),
        ("CreateKey", {"Tags": [[]]}),
        ("ImportKeyMaterial", {"KeyId": NOBODY, "ValidTo": "tomorrow"}),
    ],
)
def test_types_are_checked_before_anything_else(wire, operation, body):
    answer = wire.call(operation, body)
    assert (answer.status, answer.json["__type"]) == (400, "SerializationException")


def test_a_request_needs_a_signature(wire):
    answer = wire.call("ListKeys", Authorization=None)
    check_error(answer, "MissingAuthenticationTokenException", "Missing Authentication Token")


def test_a_signature_must_be_complete(wire):
    without = authorization(US).split(", Signature=")[0]
    answer = wire.call("ListKeys", Authorization=without)
    assert (answer.status, answer.json["__type"]) == (400, "IncompleteSignatureException")


def test_the_scope_of_the_signature_chooses_the_region(wire, cluster):
    for region in (US, EU):
        answer = wire.call("CreateKey", Authorization=authorization(region))
        assert answer.json["KeyMetadata"]["Arn"].startswith(f"arn:aws:kms:{region}:{ACCOUNT}:")


def test_the_scope_must_name_a_region_of_the_cluster(wire):
    answer = wire.call("ListKeys", Authorization=authorization("mars-north-1"))
    scoped = "Credential should be scoped to a valid region."
    check_error(answer, "InvalidSignatureException", scoped)


def test_members_of_another_name_are_ignored(wire):
    answer = wire.call("GenerateRandom", {"NumberOfBytes": 4, "numberOfBytes": "x"})
    assert (answer.status, set(answer.json)) == (200, {"Plaintext"})


def test_an_operation_without_output_answers_with_an_empty_body(wire, kms):
    key_id = create_key(kms, MultiRegion=True)["KeyId"]
    alias = f"alias/wire-{key_id}"
    for operation, body in (
        ("CreateAlias", {"AliasName": alias, "TargetKeyId": key_id}),
        ("UpdateAlias", {"AliasName": alias, "TargetKeyId": key_id}),
        ("DeleteAlias", {"AliasName": alias}),
        ("DisableKey", {"KeyId": key_id}),
        ("EnableKey", {"KeyId": key_id}),
        ("EnableKeyRotation", {"KeyId": key_id}),
        ("DisableKeyRotation", {"KeyId": key_id}),
        ("UpdateKeyDescription", {"KeyId": key_id, "Description": "x"}),
        ("UpdatePrimaryRegion", {"KeyId": key_id, "PrimaryRegion": US}),
    ):
        answer = wire.call(operation, body)
        assert (answer.status, answer.body) == (200, b""), operation
        assert answer.headers["Content-Length"] == "0", operation


def test_every_answer_has_a_request_id_of_its_own(wire):
    answers = [
        wire.call("ListKeys"),
        wire.call("ListKeys"),
        wire.call("DescribeKey", {"KeyId": NOBODY}),
        wire.call("Nothing"),
        wire.call("ListKeys", Authorization=None),
    ]
    ids = {str(uuid.UUID(answer.headers["x-amzn-RequestId"])) for answer in answers}
    assert len(ids) == len(answers)
    for answer in answers:
        assert answer.headers["Content-Type"] == CONTENT_TYPE
        assert answer.headers["Content-Length"] == str(len(answer.body))
        assert answer.headers["Date"]


def test_an_error_has_a_bare_type_and_one_text(wire):
    arn = f"arn:aws:kms:{US}:{ACCOUNT}:key/{NOBODY}"
    answer = wire.call("DescribeKey", {"KeyId": NOBODY})
    check_error(answer, "NotFoundException", f"Key '{arn}' does not exist")


def test_members_that_do_not_apply_are_left_out_and_dates_are_numbers(wire, kms):
    key_id, _ = imported_key(kms)
    described = wire.call("DescribeKey", {"KeyId": key_id})
    assert b"null" not in described.body
    assert isinstance(described.json["KeyMetadata"]["CreationDate"], (int, float))
    listed = wire.call("ListKeyRotations", {"KeyId": key_id})
    assert listed.json == {"Rotations": [], "Truncated": False}


def test_a_body_that_is_too_large_is_not_read(wire):
    answer = wire.call("ListKeys", b" " * (BODY_MAX + 1))
    assert (answer.status, answer.json["__type"]) == (413, "RequestEntityTooLargeException")
