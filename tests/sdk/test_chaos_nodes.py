"""What goes wrong with nodes, their disks and their clocks on purpose, in a cluster
that keeps its data on disk."""

import socket
import time
from collections.abc import Iterator

import pytest

from calls import create_key, describe, encrypt, error_code, eventually, key_state, replicate
from cluster import EU, US, Cluster, started
from test_chaos import node_of, on, reachable

ALL = {1, 2, 3}


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two regions of three nodes on disk, for the tests of this file to break."""
    directory = tmp_path_factory.mktemp("chaos-nodes")
    data, record = directory / "data", directory / "history.jsonl"
    with started(Cluster(directory, (US, EU), 3, record=record, data=data)) as cluster:
        yield cluster


@pytest.fixture
def chaos(region: Cluster) -> Iterator[Cluster]:
    """The file's own cluster; after each test it is whole again, and judged."""
    yield region
    region.http("DELETE", "/chaos/faults")
    eventually(lambda: region.get("/health")[0], 200)
    printed = region.command("verdict")
    assert "was not looked at" not in printed, printed


def listens(address: str) -> bool:
    host, port = address.removeprefix("http://").split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def leader_other_than(cluster: Cluster, name: str, node: dict) -> None:
    others = ALL - {node["id"]}
    eventually(lambda: cluster.region_status(name).get("leader"), lambda it: it in others)


def test_a_paused_leader_is_replaced_and_goes_on_without_knowing(chaos):
    kms = chaos.kms(US)
    key_id = create_key(kms)["KeyId"]
    leader = node_of(chaos, US, leader=True)
    with chaos.fault(node_pause=on(US, leader)):
        leader_other_than(chaos, US, leader)
        kms.update_key_description(KeyId=key_id, Description="meanwhile")
        assert leader["id"] not in reachable(chaos, US)
    at_paused = chaos.kms(US, address=leader["address"])
    assert describe(at_paused, key_id)["Description"] == "meanwhile"
    eventually(lambda: reachable(chaos, US), ALL)


def test_a_node_with_an_empty_disk_is_filled_by_the_others(chaos):
    kms = chaos.kms(EU)
    key_id = create_key(kms)["KeyId"]
    ciphertext = encrypt(kms, key_id)
    leader = node_of(chaos, EU, leader=True)
    disk = chaos.data / EU / f"node-{leader['id']}"
    (disk / "of-the-old-disk").touch()
    with chaos.fault(node_replace=on(EU, leader)):
        leader_other_than(chaos, EU, leader)
        kms.update_key_description(KeyId=key_id, Description="meanwhile")
    eventually(lambda: reachable(chaos, EU), ALL)
    replaced = chaos.kms(EU, address=leader["address"])
    assert describe(replaced, key_id)["Description"] == "meanwhile"
    assert replaced.decrypt(CiphertextBlob=ciphertext)["Plaintext"] == b"a secret"
    assert {path.name for path in disk.iterdir()} == {"log", "owner"}, "its disk is another"


def test_a_node_starts_slowly(chaos):
    node = node_of(chaos, US, leader=False)
    others = ALL - {node["id"]}
    with chaos.fault(node_slow_start={**on(US, node), "delay_ms": 3_600_000}):
        with chaos.fault(node_crash=on(US, node)):
            eventually(lambda: reachable(chaos, US), others)
        create_key(chaos.kms(US))
        assert reachable(chaos, US) == others, "the crash is over, the start is not"
    eventually(lambda: reachable(chaos, US), ALL)


def test_a_node_that_was_just_started_never_shows_what_it_once_knew(chaos):
    """Also where reads may be stale: how long the node was away, nobody bounds."""
    kms = chaos.kms(US)
    key_id = create_key(kms, Description="once")["KeyId"]
    node = node_of(chaos, US, leader=False)
    at_node = chaos.kms(US, address=node["address"])
    eventually(lambda: describe(at_node, key_id)["Description"], "once")
    with chaos.fault(node_cut=on(US, node)):
        with chaos.fault(stale_reads={"region": US, "node": node["id"], "lag_ms": 1000}):
            with chaos.fault(node_crash=on(US, node)):
                eventually(lambda: reachable(chaos, US), ALL - {node["id"]})
                kms.update_key_description(KeyId=key_id, Description="now")
            eventually(lambda: listens(node["address"]), True)
            assert error_code(lambda: describe(at_node, key_id)) == "ServiceUnavailable"
    eventually(lambda: describe(at_node, key_id)["Description"], "now")


@pytest.mark.parametrize("kind", ["disk_full", "disk_flush_fails"])
def test_a_region_goes_on_without_a_leader_whose_disk_fails(chaos, kind):
    kms = chaos.kms(US)
    key_id = create_key(kms)["KeyId"]
    leader = node_of(chaos, US, leader=True)
    with chaos.fault(**{kind: on(US, leader)}):
        eventually(
            lambda: error_code(
                lambda: kms.update_key_description(KeyId=key_id, Description=kind)
            ),
            None,
        )
        leader_other_than(chaos, US, leader)
    eventually(lambda: reachable(chaos, US), ALL)
    recovered = chaos.kms(US, address=leader["address"])
    assert describe(recovered, key_id)["Description"] == kind


def test_writes_wait_for_slow_disks(chaos):
    kms = chaos.kms(US)
    key_id = create_key(kms)["KeyId"]
    faults = []
    for node in ALL:
        slow = {"disk_slow": {"node": {"region": US, "node": node}, "delay_ms": 300}}
        faults.append(chaos.http("POST", "/chaos/faults", slow)[0])
    assert faults == [200] * 3
    began = time.monotonic()
    kms.update_key_description(KeyId=key_id, Description="slowly")
    assert time.monotonic() - began >= 0.3
    encrypt(kms, key_id)


def test_facts_wait_their_turn_on_a_narrow_link(chaos):
    us, eu = chaos.kms(US), chaos.kms(EU)
    key_id = create_key(us, MultiRegion=True)["KeyId"]
    narrow = {"link": {"from": US, "to": EU}, "bytes_per_s": 1500}
    with chaos.fault(link_bandwidth=narrow):
        began = time.monotonic()
        replicate(us, key_id, eu)
        assert time.monotonic() - began > 0.2
        assert eu.decrypt(CiphertextBlob=encrypt(us, key_id))["Plaintext"] == b"a secret"


def test_the_time_of_one_region_jumps(chaos):
    us, eu = chaos.kms(US), chaos.kms(EU)
    doomed = {kms: create_key(kms)["KeyId"] for kms in (us, eu)}
    for kms, key_id in doomed.items():
        kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    printed = chaos.command("clock", "advance", "8d", "--region", EU)
    assert EU in printed and US not in printed
    assert error_code(lambda: describe(eu, doomed[eu])) == "NotFoundException"
    assert key_state(us, doomed[us]) == "PendingDeletion"
