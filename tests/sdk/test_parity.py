"""AWS's published model against what a running cluster says of itself. Every
departure is in `departures.py` with its reason, and nothing else departs."""

import os

import grpc
import pytest

import documentation
import key_states
from api import aws, declared_errors, differences, http_status
from cluster import US
from departures import MODEL, UNPRODUCED, UNSERVED
from operations import OPERATIONS
from schema import Schema
from wire import Wire


@pytest.fixture(scope="module")
def schema(cluster):
    with grpc.insecure_channel(cluster.address) as channel:
        yield Schema(channel)


def told(kind: str, found: set, listed: set, where: str) -> None:
    """Both directions, in words that say what to do."""
    new, gone = sorted(found - listed), sorted(listed - found)
    assert not new, f"{kind} that no one has listed: mend it, or add it to {where}: {new}"
    assert not gone, f"{kind} that is no more: take it out of {where}: {gone}"


def test_every_operation_member_and_limit_is_awss(schema):
    found = differences(aws(), schema.api())
    told("A departure from AWS's model", set(found), set(MODEL), "departures.MODEL")


def test_every_operation_is_served_on_both_wires_or_listed(schema, wire: Wire):
    unserved = set(aws()) - schema.served()
    told("An operation that is not served", unserved, set(UNSERVED), "departures.UNSERVED")
    # A body that is no object is refused once the operation is known.
    codes = {name: wire.call(name, b"[]").json["__type"] for name in aws()}
    unknown = {name for name, code in codes.items() if code == "UnknownOperationException"}
    assert unknown == unserved


def test_every_declared_error_can_be_asked_for_and_has_the_status_of_aws(own_cluster):
    """What a client has to expect of an operation, it can be shown."""
    client = Wire(own_cluster)
    for operation, errors in declared_errors().items():
        if operation in UNSERVED:
            continue
        for error in sorted(errors):
            calls = {"region": US, "operation": operation}
            with own_cluster.fault(refuse={"calls": calls, "code": error}):
                answer = client.call(operation, minimal(operation))
            assert answer.json["__type"] == error, (operation, answer.json)
            assert answer.status == http_status(error), (operation, error)


def minimal(operation: str) -> dict:
    """The least that the limits of an operation's members let through."""
    return structure(aws()[operation][0])


def structure(members: dict) -> dict:
    return {name: value(it) for name, it in members.items() if it.required}


def value(it) -> object:
    if it.kind == "structure":
        return structure(it.members)
    if it.kind == "list":
        return [value(it.item)]
    if it.kind == "blob":
        return "YQ=="
    if it.kind != "string":
        return it.limits.min or 1
    if it.limits.enum:
        return min(it.limits.enum)
    return PATTERNS.get(it.limits.pattern) or "a" * max(it.limits.min or 1, 1)


# A text that satisfies a pattern; most are satisfied by a letter.
PATTERNS = {r"^([a-z]+-){2,3}\d+$": "eu-west-1"}


def test_the_tables_name_every_operation_of_aws_and_no_other():
    operations = set(aws())
    assert set(OPERATIONS) == operations
    assert set(key_states.TABLE) | key_states.STATELESS == operations
    assert not set(key_states.TABLE) & key_states.STATELESS
    for operation, row in key_states.TABLE.items():
        words = row.split()
        assert len(words) == len(key_states.STATES), operation
        assert set(words) <= {"ok", "-", *key_states.REFUSALS}, operation


def test_every_error_that_no_test_produces_is_one_that_aws_declares():
    declared = declared_errors()
    for operation, error in UNPRODUCED:
        asked = declared if operation == "*" else [operation]
        assert any(error in declared[it] for it in asked), (operation, error)


def test_the_page_of_operations_is_up_to_date():
    if os.environ.get("UPDATE"):
        documentation.FILE.write_text(documentation.text())
    assert (
        documentation.FILE.is_file() and documentation.FILE.read_text() == documentation.text()
    ), f"{documentation.FILE} is old: {documentation.UPDATE}"
