"""What goes wrong on purpose, seen by an unmodified client: every kind of fault
that a running cluster obeys, put there in two lines of plain HTTP."""

import json
from collections.abc import Iterator

import botocore.exceptions
import pytest

from calls import (
    create_key,
    describe,
    encrypt,
    error_code,
    eventually,
    key_state,
    refused,
    replicate,
)
from cluster import EU, US, Cluster, started

SKEW_MS = 8 * 24 * 3600 * 1000


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two regions of three nodes, for the tests of this file to break."""
    directory = tmp_path_factory.mktemp("chaos")
    with started(Cluster(directory, (US, EU), nodes_per_region=3)) as cluster:
        yield cluster


@pytest.fixture
def chaos(region: Cluster) -> Iterator[Cluster]:
    """The file's own cluster, whole again after the test."""
    yield region
    region.http("DELETE", "/chaos/faults")
    eventually(lambda: region.get("/health")[0], 200)


def node_of(cluster: Cluster, name: str, leader: bool) -> dict:
    """A node of the region: its leader, or one that follows."""
    eventually(lambda: cluster.region_status(name).get("leader"), lambda it: it is not None)
    status = cluster.region_status(name)
    return next(node for node in status["nodes"] if (node["id"] == status["leader"]) == leader)


def on(region: str, node: dict) -> dict:
    return {"node": {"region": region, "node": node["id"]}}


def link(one: str, other: str) -> dict:
    return {"link": {"from": one, "to": other, "both_directions": True}}


def faults(cluster: Cluster) -> list[dict]:
    return json.loads(cluster.get("/chaos/faults")[1])["faults"]


def test_a_fault_is_posted_listed_and_deleted(chaos):
    fault = {"id": "f", "link_cut": link(US, EU)}
    assert chaos.http("POST", "/chaos/faults", fault) == (200, b'{"id":"f"}')
    assert faults(chaos) == [fault]
    assert chaos.http("DELETE", "/chaos/faults/f") == (200, b'{"removed":1}')
    assert chaos.http("DELETE", "/chaos/faults/f")[0] == 404
    assert faults(chaos) == []


def test_a_fault_ends_by_itself(chaos):
    with chaos.fault(link_hold=link(US, EU), duration_ms=300):
        assert len(faults(chaos)) == 1
        eventually(lambda: faults(chaos), [])


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({}, "the fault has no kind"),
        ({"link_cat": {}}, "link_cat"),
        ({"link_cut": link(US, "eu-west-9")}, '"eu-west-9" is not a region of this cluster'),
        ({"link_cut": link(US, US)}, "a link joins two different regions"),
        ({"node_crash": {"node": {"region": US, "node": 4}}}, "us-east-1/4"),
        ({"refuse": {"calls": {"region": US}, "code": "Oops"}}, "not an error code of AWS KMS"),
        ({"lose_answer": {"calls": {"region": US, "probability": 2}}}, "between 0 and 1"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_with_the_reason(chaos, fault, words):
    status, body = chaos.http("POST", "/chaos/faults", fault)
    assert status == 400
    assert words in json.loads(body)["error"]
    assert faults(chaos) == []


def test_calls_are_refused_with_the_chosen_code_and_only_those(chaos):
    kms = chaos.kms(US)
    calls = {"region": US, "operation": "CreateKey"}
    with chaos.fault(refuse={"calls": calls, "code": "ThrottlingException"}):
        with refused("ThrottlingException", "Rate exceeded"):
            create_key(kms)
        create_key(chaos.kms(EU))
        kms.list_keys()
    create_key(kms)


def test_every_third_call_is_refused(chaos):
    kms = chaos.kms(US)
    calls = {"region": US, "operation": "ListKeys", "every": 3}
    with chaos.fault(refuse={"calls": calls, "code": "KMSInternalException"}):
        codes = [error_code(kms.list_keys) for _ in range(6)]
    assert codes == [None, None, "KMSInternalException"] * 2
    listed = json.loads(chaos.command("chaos", "list", "--output", "json"))
    assert listed["fired"]["refuse"] >= 2
    assert b'meridian_faults_fired_total{kind="refuse"}' in chaos.get("/metrics")[1]


def test_a_lost_answer_is_of_a_call_that_was_carried_out(chaos):
    kms = chaos.kms(US)
    key_id = create_key(kms)["KeyId"]
    calls = {"region": US, "operation": "CreateAlias", "key_id": key_id}
    with chaos.fault(lose_answer={"calls": calls}):
        with refused("DependencyTimeoutException", status=500) as caught:
            kms.create_alias(AliasName="alias/lost-answer", TargetKeyId=key_id)
        headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
        assert headers["x-meridian-definite"] == "false"
    with refused("AlreadyExistsException"):
        kms.create_alias(AliasName="alias/lost-answer", TargetKeyId=key_id)


def test_a_connection_is_reset_after_its_call_was_carried_out(chaos):
    kms = chaos.kms(US)
    key_id = create_key(kms)["KeyId"]
    calls = {"region": US, "operation": "CreateAlias", "key_id": key_id}
    with chaos.fault(reset={"calls": calls}):
        with pytest.raises(botocore.exceptions.ConnectionClosedError):
            kms.create_alias(AliasName="alias/reset", TargetKeyId=key_id)
    assert key_state(kms, "alias/reset") == "Enabled"


def test_a_slow_answer_runs_into_the_clients_time_out(chaos):
    import boto3
    from botocore.config import Config

    patient = chaos.kms(US)
    hasty = boto3.client(
        "kms",
        region_name=US,
        endpoint_url=chaos.endpoint,
        aws_access_key_id="000000000000",
        aws_secret_access_key="any-secret",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=0.3),
    )
    calls = {"region": US, "operation": "DescribeKey"}
    key_id = create_key(patient)["KeyId"]
    with chaos.fault(slow_answer={"calls": calls, "delay_ms": 1500}):
        with pytest.raises(botocore.exceptions.ReadTimeoutError):
            describe(hasty, key_id)
        assert describe(patient, key_id)["KeyId"] == key_id


def test_a_key_is_not_found_right_after_its_creation_where_reads_are_stale(chaos):
    kms = chaos.kms(US)
    with chaos.fault(stale_reads={"region": US, "lag_ms": 3_600_000}):
        key_id = create_key(kms, Origin="EXTERNAL")["KeyId"]
        with refused("NotFoundException"):
            describe(kms, key_id)
        with refused("NotFoundException"):
            kms.get_parameters_for_import(
                KeyId=key_id, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
            )
        # Writes are decided on the truth.
        kms.update_key_description(KeyId=key_id, Description="there")
    assert describe(kms, key_id)["Description"] == "there"


def test_a_stale_view_catches_up_after_its_lag(chaos):
    kms = chaos.kms(US)
    with chaos.fault(stale_reads={"region": US, "lag_ms": 2000}):
        key_id = create_key(kms)["KeyId"]
        with refused("NotFoundException"):
            describe(kms, key_id)
        eventually(lambda: key_state(kms, key_id), "Enabled")


def test_a_follower_that_lags_asks_before_it_refuses(chaos):
    """Raft messages reach the follower late, so what its region has confirmed
    is news to it; it uses the key all the same."""
    leader, follower = (node_of(chaos, US, leader) for leader in (True, False))
    way = {"from": f"{US}/{leader['id']}", "to": f"{US}/{follower['id']}"}
    at_leader = chaos.kms(US, address=leader["address"])
    at_follower = chaos.kms(US, address=follower["address"])
    with chaos.fault(link_delay={"link": way, "constant_ms": 400}):
        key_id = create_key(at_leader)["KeyId"]
        ciphertext = encrypt(at_leader, key_id)
        assert at_follower.decrypt(CiphertextBlob=ciphertext)["Plaintext"] == b"a secret"


def test_a_region_goes_on_without_its_dead_leader_which_then_comes_back(chaos):
    kms = chaos.kms(US)
    key_id = create_key(kms)["KeyId"]
    leader = node_of(chaos, US, leader=True)
    with chaos.fault(node_crash=on(US, leader)):
        eventually(lambda: chaos.region_status(US).get("leader"), lambda it: it not in (None, leader["id"]))
        ciphertext = encrypt(kms, key_id)
        kms.update_key_description(KeyId=key_id, Description="without it")
        assert leader["id"] not in reachable(chaos, US)
    eventually(lambda: reachable(chaos, US), {1, 2, 3})
    revived = chaos.kms(US, address=leader["address"])
    assert describe(revived, key_id)["Description"] == "without it"
    assert revived.decrypt(CiphertextBlob=ciphertext)["Plaintext"] == b"a secret"


def reachable(cluster: Cluster, region: str) -> set[int]:
    return {node["id"] for node in cluster.region_status(region)["nodes"] if node["reachable"]}


def test_a_region_in_memory_whose_majority_died_has_forgotten_nothing(chaos):
    kms = chaos.kms(US)
    key_id = create_key(kms)["KeyId"]
    leader, follower = (node_of(chaos, US, leader) for leader in (True, False))
    with chaos.fault(node_crash=on(US, leader)), chaos.fault(node_crash=on(US, follower)):
        eventually(lambda: len(reachable(chaos, US)), 1)
    eventually(lambda: reachable(chaos, US), {1, 2, 3})
    eventually(lambda: error_code(lambda: describe(kms, key_id)), None)


def test_an_isolated_leader_is_replaced_and_neither_writes_nor_reads_for_its_region(chaos):
    leader = node_of(chaos, EU, leader=True)
    at_leader = chaos.kms(EU, address=leader["address"])
    key_id = create_key(at_leader)["KeyId"]
    with chaos.fault(node_cut=on(EU, leader)):
        others = {1, 2, 3} - {leader["id"]}
        eventually(lambda: chaos.region_status(EU).get("leader"), lambda it: it in others)
        chaos.kms(EU).update_key_description(KeyId=key_id, Description="new")
        for call in (lambda: describe(at_leader, key_id), lambda: create_key(at_leader)):
            code = error_code(call)
            assert code in ("ServiceUnavailable", "DependencyTimeoutException"), code
    eventually(lambda: error_code(lambda: describe(at_leader, key_id)), None)
    assert describe(at_leader, key_id)["Description"] == "new"


def test_a_node_whose_clock_is_ahead_shows_what_will_be(chaos):
    key_id = create_key(chaos.kms(US))["KeyId"]
    ahead, other = (node_of(chaos, US, leader) for leader in (False, True))
    clients = [chaos.kms(US, address=node["address"]) for node in (ahead, other)]
    clients[1].schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    assert [key_state(kms, key_id) for kms in clients] == ["PendingDeletion"] * 2
    with chaos.fault(clock_skew={**on(US, ahead), "skew_ms": SKEW_MS}):
        with refused("NotFoundException"):
            describe(clients[0], key_id)
        assert key_state(clients[1], key_id) == "PendingDeletion"
    assert key_state(clients[0], key_id) == "PendingDeletion"


@pytest.mark.parametrize(
    "fault",
    [
        {"link_loss": {**link(US, EU), "probability": 0.3}},
        {"link_duplicate": {**link(US, EU), "probability": 1}},
        {"link_reorder": {**link(US, EU), "spread_ms": 300}},
        {"link_flap": {**link(US, EU), "period_ms": 400}},
        {"link_delay": {**link(US, EU), "log_normal": {"median_ms": 100}}},
        {"link_delay": {**link(US, EU), "pareto": {"least_ms": 20, "most_ms": 800}}},
    ],
    ids=lambda fault: next(iter(fault)),
)
def test_a_replica_comes_into_being_over_a_bad_link(chaos, fault):
    us, eu = chaos.kms(US), chaos.kms(EU)
    key_id = create_key(us, MultiRegion=True)["KeyId"]
    with chaos.fault(**fault):
        # Its preflight may be lost, which is definite and retryable.
        eventually(
            lambda: error_code(lambda: us.replicate_key(KeyId=key_id, ReplicaRegion=EU)),
            lambda code: code in (None, "AlreadyExistsException"),
        )
        eventually(lambda: key_state(eu, key_id), "Enabled")
        assert eu.decrypt(CiphertextBlob=encrypt(us, key_id))["Plaintext"] == b"a secret"


def test_what_a_link_holds_back_arrives_when_it_is_released(chaos):
    us, eu = chaos.kms(US), chaos.kms(EU)
    key_id = create_key(us, MultiRegion=True)["KeyId"]
    replicate(us, key_id, eu)
    eventually(lambda: key_state(eu, key_id), "Enabled")
    with chaos.fault(link_hold={"link": {"from": US, "to": EU}}):
        us.enable_key_rotation(KeyId=key_id)
        assert not eu.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"]
    eventually(lambda: eu.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"], True)


def test_a_profile_lags_until_another_replaces_it(chaos):
    assert "no faults" in chaos.command("chaos", "profile", "instant")
    printed = chaos.command("chaos", "profile", "adversarial")
    assert "flaps every 4s" in printed
    status, body = chaos.http("PUT", "/chaos/profile/aws-typical")
    assert (status, len(json.loads(body)["faults"])) == (200, 5)
    us, eu = chaos.kms(US), chaos.kms(EU)
    key_id = create_key(us, MultiRegion=True)["KeyId"]
    eventually(lambda: key_state(us, key_id), "Enabled")
    replicate(us, key_id, eu)
    eventually(lambda: key_state(eu, key_id), "Enabled")
    status, body = chaos.http("PUT", "/chaos/profile/fast")
    assert (status, "aws-worst" in json.loads(body)["error"]) == (400, True)
    status, body = chaos.http("PUT", "/chaos/profile/instant")
    assert (status, json.loads(body)["faults"]) == (200, [])


def test_every_fault_has_a_command(chaos):
    for command in (
        f"cut {US} {EU} --one-way",
        f"delay {US} {EU} 20ms --distribution pareto",
        f"lose {US}/1 {US}/2 0.1",
        f"duplicate {US} {EU} 0.5",
        f"reorder {US} {EU} 20ms",
        f"hold {US} {EU}",
        f"flap {US} {EU} 1s",
        f"isolate {US}/1 --for 1ms",
        f"crash {EU}/1 --for 1ms",
        f"skew {US}/1 -90s",
        f"freeze {US}/1",
        f"stale {US}/1 2s --probability 0.5",
        f"refuse {US} ThrottlingException --operation CreateKey --every 3",
        f"lose-answer {US} --probability 0.1",
        f"slow {US} 10ms",
        f"stale {US} 2s --property alias",
        f"reset {US} --operation ListKeys",
        f"bandwidth {US} {EU} 1000000",
        f"pause {US}/1 --for 1ms",
        f"replace {US}/1 --for 1ms",
        f"slow-start {US}/1 10ms",
        f"slow-disk {US}/1 1ms",
        f"fill-disk {EU}/1 --for 1ms",
        f"fail-flush {EU}/1 --for 1ms",
        f"stretch prepare {EU}",
        f"hold-material {EU}",
        f"expire-tokens {EU} --older-than 1h",
    ):
        printed = chaos.command("chaos", *command.split(), "--output", "json")
        kind = next(name for name in json.loads(printed) if name not in ("id", "duration_ms"))
        assert json.loads(printed)[kind]
    assert "us-east-1 → eu-west-1 cut" in chaos.command("chaos", "list")
    assert "healed" in chaos.command("chaos", "heal")
    assert "no faults" in chaos.command("chaos", "list")
