"""A gRPC client that has none of our files: it asks the server for the schema."""

from collections.abc import Iterator

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from calls import NEW, NOBODY, import_material, imported_key, new_material
from cluster import CALL_S, EU, US
from schema import Schema

ACCOUNT_ZERO = "000000000000"


@pytest.fixture(scope="module")
def channel(cluster) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(cluster.address) as channel:
        yield channel


@pytest.fixture(scope="module")
def schema(channel) -> Schema:
    return Schema(channel)


def error_info(error: grpc.RpcError) -> error_details_pb2.ErrorInfo:
    """The google.rpc.ErrorInfo in the details of a failed call."""
    details = dict(error.trailing_metadata())["grpc-status-details-bin"]
    info = error_details_pb2.ErrorInfo()
    [packed] = [
        detail
        for detail in status_pb2.Status.FromString(details).details
        if detail.Is(info.DESCRIPTOR)
    ]
    assert packed.Unpack(info)
    return info


def test_the_server_lists_its_services(schema):
    assert {
        "grpc.health.v1.Health",
        "meridian.v1.KeyManagement",
        "meridian.v1.KeySets",
    } <= set(schema.database.get_services())


def test_the_server_is_healthy(channel):
    health = health_pb2_grpc.HealthStub(channel)
    answer = health.Check(health_pb2.HealthCheckRequest(), timeout=CALL_S)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_a_key_is_made_and_used_in_the_region_of_the_metadata(schema):
    for region in (US, EU):
        key = schema.call("CreateKey", region, description="by reflection").key_metadata
        assert key.arn.split(":")[3] == region
        assert (key.description, key.key_state) == ("by reflection", "Enabled")
        context = {"wire": "grpc"}
        sealed = schema.call(
            "Encrypt", region, key_id=key.key_id, plaintext=b"hello", encryption_context=context
        )
        opened = schema.call(
            "Decrypt",
            region,
            ciphertext_blob=sealed.ciphertext_blob,
            encryption_context=context,
        )
        assert opened.plaintext == b"hello"
        assert opened.key_id == key.arn
        assert opened.key_material_id == key.current_key_material_id


def test_both_wires_show_the_same_key(schema, cluster):
    kms = cluster.kms(US, ACCOUNT_ZERO)
    key = schema.call("CreateKey", US).key_metadata
    assert kms.describe_key(KeyId=key.key_id)["KeyMetadata"]["Arn"] == key.arn
    ciphertext = kms.encrypt(KeyId=key.key_id, Plaintext=b"from boto3")["CiphertextBlob"]
    assert schema.call("Decrypt", US, ciphertext_blob=ciphertext).plaintext == b"from boto3"


def test_an_error_carries_the_code_and_the_text_of_aws(schema):
    with pytest.raises(grpc.RpcError) as caught:
        schema.call("DescribeKey", US, key_id=NOBODY)
    assert error_info(caught.value).reason == "NotFoundException"
    arn = f"arn:aws:kms:{US}:{ACCOUNT_ZERO}:key/{NOBODY}"
    assert caught.value.details() == f"Key '{arn}' does not exist"
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


def test_constraints_are_those_of_the_other_wire(schema):
    with pytest.raises(grpc.RpcError) as caught:
        schema.call("GenerateRandom", US, number_of_bytes=1025)
    assert error_info(caught.value).reason == "ValidationException"
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details() == (
        "1 validation error detected: Value '1025' at 'numberOfBytes' failed to satisfy "
        "constraint: Member must have value less than or equal to 1024"
    )


def test_an_operation_that_does_not_exist_is_unimplemented(channel):
    nothing = channel.unary_unary("/meridian.v1.KeyManagement/Nothing")
    with pytest.raises(grpc.RpcError) as caught:
        nothing(b"", metadata=[("x-meridian-region", US)], timeout=CALL_S)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_watched_key_set_sends_its_state_and_every_change(schema, cluster):
    kms = cluster.kms(US, ACCOUNT_ZERO)
    key_id, first = imported_key(kms, MultiRegion=True)
    states = schema.watch(US, key_id)
    state = next(states)
    assert (state.region, state.key_id, state.role) == (US, key_id, "PRIMARY")
    assert (state.key_state, state.current_key_material_id) == ("Enabled", first)
    assert [material.key_material_id for material in state.materials] == [first]

    pending = import_material(kms, key_id, new_material(), **NEW)["KeyMaterialId"]
    state = next(it for it in states if len(it.materials) == 2)
    assert state.materials[1].key_material_id == pending
    assert state.materials[1].key_material_state == "PENDING_ROTATION"

    kms.rotate_key_on_demand(KeyId=key_id)
    state = next(it for it in states if it.current_key_material_id == pending)
    assert state.materials[1].key_material_state == "CURRENT"
    states.cancel()


def test_watching_a_key_that_does_not_exist_fails(schema):
    with pytest.raises(grpc.RpcError) as caught:
        next(schema.watch(US, NOBODY))
    assert error_info(caught.value).reason == "NotFoundException"
