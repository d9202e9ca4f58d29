"""The audit log: a CloudTrail record of every request, of what the regions do by
themselves, and their EventBridge events; in files and as a stream."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from botocore.exceptions import ClientError

from calls import (
    create_key,
    current_material,
    describe,
    error_code,
    eventually,
    import_material,
    imported_key,
    key_state,
    new_material,
    replicate,
    seconds_from_now,
)
from cluster import ACCOUNT, EU, US, Cluster, started
from schema import Schema


class Audited:
    """A cluster with an audit log, and what its files hold."""

    def __init__(self, directory: Path) -> None:
        self._records, self._events = directory / "audit.jsonl", directory / "events.jsonl"
        flags = ("--audit", str(self._records), "--events", str(self._events))
        self.cluster = Cluster(directory, (US, EU), 3, flags=flags)

    def records(self, **wanted) -> list[dict]:
        """The CloudTrail records with these members."""
        return select(self._records, wanted)

    def events(self, **wanted) -> list[dict]:
        return select(self._events, {name.replace("_", "-"): it for name, it in wanted.items()})

    def of(self, answer: dict) -> dict:
        """The one record of a request that was answered."""
        [record] = self.records(requestID=answer["ResponseMetadata"]["RequestId"])
        return record

    def everything(self) -> str:
        return self._records.read_text() + self._events.read_text()


def select(file: Path, wanted: dict) -> list[dict]:
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    return [it for it in lines if all(it.get(name) == value for name, value in wanted.items())]


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    audited = Audited(tmp_path_factory.mktemp("audit"))
    with started(audited.cluster):
        yield audited


@pytest.fixture
def kms(audited: Audited):
    return audited.cluster.kms(US)


def key_resource(arn: str) -> dict:
    return {"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": arn}


def test_a_key_that_is_made_is_recorded_with_what_was_answered(audited, kms):
    answer = kms.create_key(Description="audited", Tags=[{"TagKey": "a", "TagValue": "b"}])
    record = audited.of(answer)
    arn = answer["KeyMetadata"]["Arn"]
    assert (record["eventName"], record["awsRegion"], record["readOnly"]) == (
        "CreateKey",
        US,
        False,
    )
    assert record["requestParameters"] == {
        "description": "audited",
        "tags": [{"tagKey": "a", "tagValue": "b"}],
    }
    assert record["responseElements"]["keyMetadata"]["arn"] == arn
    assert record["resources"] == [key_resource(arn)]
    assert record["userIdentity"] == {
        "type": "Root",
        "principalId": ACCOUNT,
        "arn": f"arn:aws:iam::{ACCOUNT}:root",
        "accountId": ACCOUNT,
        "accessKeyId": ACCOUNT,
    }
    assert record["sourceIPAddress"] == "127.0.0.1"
    assert record["userAgent"].startswith("Boto3/")
    assert "tlsDetails" not in record
    uuid.UUID(record["eventID"])


def test_a_use_is_recorded_with_context_material_and_key_and_no_bytes(audited, kms):
    key = create_key(kms)
    kms.create_alias(AliasName=f"alias/{key['KeyId']}", TargetKeyId=key["KeyId"])
    plaintext, context = b"never in a log", {"tenant": "blue"}
    sealed = kms.encrypt(
        KeyId=f"alias/{key['KeyId']}", Plaintext=plaintext, EncryptionContext=context
    )
    record = audited.of(sealed)
    assert record["requestParameters"] == {
        "keyId": f"alias/{key['KeyId']}",
        "encryptionContext": context,
    }
    assert record["responseElements"] is None
    assert record["resources"] == [key_resource(key["Arn"])]
    assert record["readOnly"] is True
    material = {"keyMaterialId": key["CurrentKeyMaterialId"]}
    assert record["additionalEventData"] == material
    opened = kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=context)
    record = audited.of(opened)
    assert record["additionalEventData"] == material
    assert record["resources"] == [key_resource(key["Arn"])]
    assert plaintext.decode() not in audited.everything()


def test_an_operation_without_an_answer_is_recorded_with_the_key(audited, kms):
    key = create_key(kms)
    name = f"alias/{key['KeyId']}"
    alias = {"type": "AWS::KMS::Alias", "ARN": key["Arn"].replace(f"key/{key['KeyId']}", name)}
    for call in (
        lambda: kms.create_alias(AliasName=name, TargetKeyId=key["KeyId"]),
        lambda: kms.delete_alias(AliasName=name),
    ):
        record = audited.of(call())
        assert record["responseElements"] == {"keyId": key["Arn"]}
        assert record["resources"] == [key_resource(key["Arn"]), alias | {"accountId": ACCOUNT}]


def test_a_refused_request_is_recorded_before_its_answer(audited, kms):
    key = create_key(kms)
    kms.disable_key(KeyId=key["KeyId"])
    assert (
        error_code(lambda: kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")) == "DisabledException"
    )
    [record] = audited.records(eventName="Encrypt", errorCode="DisabledException")
    assert record["errorMessage"] == f"{key['Arn']} is disabled."
    assert record["responseElements"] is None
    assert record["resources"] == [key_resource(key["Arn"])]


def test_both_wires_are_recorded(audited):
    with grpc.insecure_channel(audited.cluster.address) as channel:
        made = Schema(channel).call("CreateKey", EU, description="by gRPC").key_metadata
    records = audited.records(eventName="CreateKey", awsRegion=EU)
    [record] = [it for it in records if it["resources"][0]["ARN"] == made.arn]
    assert record["requestParameters"] == {"description": "by gRPC"}


def test_a_rotation_is_told_by_every_region_once(audited, kms):
    key = create_key(kms, MultiRegion=True)
    replicate(kms, key["KeyId"], audited.cluster.kms(EU))
    kms.rotate_key_on_demand(KeyId=key["KeyId"])
    regions = {US: kms, EU: audited.cluster.kms(EU)}
    for region, client in regions.items():
        before = key["CurrentKeyMaterialId"]
        eventually(lambda c=client: current_material(c, key["KeyId"]), lambda it, b=before: it != b)
        arn = describe(client, key["KeyId"])["Arn"]
        [record] = audited.records(eventName="RotateKey", resources=[key_resource(arn)])
        assert record["serviceEventDetails"] == {
            "rotationType": "ON_DEMAND",
            "keyOrigin": "AWS_KMS",
            "previousKeyMaterialId": before,
            "currentKeyMaterialId": current_material(client, key["KeyId"]),
            "keyId": key["KeyId"],
        }
        assert record["eventType"] == "AwsServiceEvent"
        assert record["userIdentity"] == {"accountId": ACCOUNT, "invokedBy": "AWS Internal"}
        assert (record["awsRegion"], record["requestParameters"]) == (region, None)
        [event] = audited.events(detail_type="KMS CMK Rotation", resources=[arn])
        assert (event["source"], event["region"], event["account"]) == ("aws.kms", region, ACCOUNT)
        assert event["detail"]["rotation-type"] == "ON_DEMAND"
        assert event["detail"]["previous-key-material-id"] == before


def test_a_key_that_is_replicated_is_recorded_in_both_regions(audited, kms):
    key = create_key(kms, MultiRegion=True)
    answer = kms.replicate_key(KeyId=key["KeyId"], ReplicaRegion=EU, Description="replica")
    here, there = audited.records(requestID=answer["ResponseMetadata"]["RequestId"])
    arn = answer["ReplicaKeyMetadata"]["Arn"]
    assert (here["eventName"], here["awsRegion"]) == ("ReplicateKey", US)
    assert here["resources"] == [key_resource(key["Arn"])]
    assert "invokedBy" not in here["userIdentity"]
    assert (there["eventName"], there["awsRegion"]) == ("CreateKey", EU)
    assert there["userIdentity"] == here["userIdentity"] | {"invokedBy": "kms.amazonaws.com"}
    assert there["requestParameters"] == {"description": "replica", "multiRegion": True}
    assert there["responseElements"]["keyMetadata"]["arn"] == arn
    assert there["resources"] == [key_resource(arn)]
    assert there["eventID"] != here["eventID"]


def test_another_primary_is_recorded_in_both_regions(audited, kms):
    key = create_key(kms, MultiRegion=True)
    replicate(kms, key["KeyId"], audited.cluster.kms(EU))
    answer = kms.update_primary_region(KeyId=key["KeyId"], PrimaryRegion=EU)
    here, there = audited.records(requestID=answer["ResponseMetadata"]["RequestId"])
    arn = key["Arn"].replace(US, EU)
    assert (here["awsRegion"], there["awsRegion"]) == (US, EU)
    assert here["eventName"] == there["eventName"] == "UpdatePrimaryRegion"
    assert here["requestParameters"] == {"keyId": key["KeyId"], "primaryRegion": EU}
    assert here["responseElements"] == {"keyId": key["Arn"]}
    assert there["requestParameters"] == {"keyId": arn, "primaryRegion": EU}
    assert there["responseElements"] == {"keyId": arn}
    assert there["userIdentity"]["invokedBy"] == "kms.amazonaws.com"
    assert "resources" not in there

    refused = error_code(lambda: kms.update_primary_region(KeyId=key["KeyId"], PrimaryRegion=US))
    assert len(audited.records(eventName="UpdatePrimaryRegion", errorCode=refused)) == 1


def test_nothing_is_answered_that_cannot_be_recorded(tmp_path):
    flags = ("--audit", "/dev/full")
    with started(Cluster(tmp_path, (US,), 1, flags=flags)) as cluster:
        kms = cluster.kms(US)
        effects = ("The request may have taken effect.", "Nothing was changed.")
        for effect, definite in zip(effects, ("false", "true"), strict=True):
            with pytest.raises(ClientError) as refused:
                kms.create_key()
            answer = refused.value.response
            assert answer["Error"]["Code"] == "KMSInternalException"
            assert answer["Error"]["Message"].startswith("The audit log cannot be written: ")
            assert answer["Error"]["Message"].endswith(effect)
            headers = answer["ResponseMetadata"]["HTTPHeaders"]
            assert headers["x-meridian-definite"] == definite


def test_shared_properties_that_reach_a_replica_are_told_for_the_primary(audited, kms):
    key = create_key(kms, MultiRegion=True)
    replicate(kms, key["KeyId"], audited.cluster.kms(EU))
    of_primary = {"eventName": "SynchronizeMultiRegionKey", "awsRegion": US}
    found = eventually(
        lambda: audited.records(**of_primary, resources=[key_resource(key["Arn"])]), lambda it: it
    )
    assert found[0]["eventType"] == "AwsApiCall"
    assert found[0]["responseElements"] == {"keyId": key["Arn"]}


def test_expired_material_and_deleted_keys_are_told(audited, kms):
    key_id, material = imported_key(kms)
    arn = describe(kms, key_id)["Arn"]
    bytes_again = new_material()
    expiring = create_key(kms, Origin="EXTERNAL")
    imported = import_material(
        kms, expiring["KeyId"], bytes_again, ValidTo=seconds_from_now(kms, key_id, 3600)
    )
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    audited.cluster.advance_clock("8d")
    eventually(lambda: key_state(kms, expiring["KeyId"]), "PendingImport")
    eventually(lambda: audited.records(eventName="DeleteKey"), lambda it: it)

    [record] = audited.records(eventName="DeleteExpiredKeyMaterial")
    assert record["resources"] == [key_resource(expiring["Arn"])]
    assert record["serviceEventDetails"] == {
        "keyId": expiring["KeyId"],
        "keyMaterialId": imported["KeyMaterialId"],
    }
    [event] = audited.events(detail_type="KMS Imported Key Material Expiration")
    assert event["detail"] == {
        "key-id": expiring["KeyId"],
        "key-material-id": imported["KeyMaterialId"],
    }
    [record] = audited.records(eventName="DeleteKey")
    assert record["resources"] == [key_resource(arn)]
    assert record["serviceEventDetails"] == {"keyId": key_id}
    [event] = audited.events(detail_type="KMS CMK Deletion")
    assert (event["detail"], event["resources"]) == ({"key-id": key_id}, [arn])


def test_the_log_can_be_watched(audited, kms):
    with grpc.insecure_channel(audited.cluster.address) as channel:
        entries = Schema(channel).stream("meridian.v1.AuditLog", "Watch", US, region=US)
        entries.initial_metadata()
        answer = kms.create_key()
        audited.cluster.kms(EU).list_keys()
        record = json.loads(next(entries).cloud_trail)
        assert record == audited.of(answer)
        kms.rotate_key_on_demand(KeyId=answer["KeyMetadata"]["KeyId"])
        told = [next(entries) for _ in range(3)]
        kinds = {entry.WhichOneof("entry") for entry in told}
        assert kinds == {"cloud_trail", "event_bridge"}
        entries.cancel()


def test_a_cluster_without_an_audit_log_says_so(cluster):
    with grpc.insecure_channel(cluster.address) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            next(Schema(channel).stream("meridian.v1.AuditLog", "Watch", US))
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert "--audit" in caught.value.details()
