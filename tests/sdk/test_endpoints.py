"""Every address of the cluster answers: the front door for all regions, a
region's own, and each node's, whether it leads its region or follows."""

import json

import pytest

from calls import (
    create_key,
    describe,
    encrypt,
    import_parameters,
    key_state,
    new_material,
    refused,
    wrap,
)
from cluster import EU


@pytest.fixture(scope="module")
def regions(cluster) -> dict[str, dict]:
    """What GET /regions tells, by region."""
    status, body = cluster.get("/regions")
    assert status == 200
    return {region["region"]: region for region in json.loads(body)}


@pytest.fixture
def nodes(cluster, regions) -> list:
    """A client of every node of eu-west-1."""
    return [cluster.kms(EU, address=node["address"]) for node in regions[EU]["nodes"]]


def test_the_front_door_lists_every_region_with_its_nodes(cluster, regions):
    assert set(regions) == set(cluster.regions)
    for region in regions.values():
        assert len(region["nodes"]) == cluster.nodes_per_region
        assert region["leader"] in [node["id"] for node in region["nodes"]]
    addresses = [node["address"] for region in regions.values() for node in region["nodes"]]
    assert len(set(addresses)) == len(addresses)


def test_the_front_door_is_healthy_while_every_region_has_a_leader(cluster):
    assert cluster.get("/health")[0] == 200


def test_the_address_of_a_region_serves_that_region(cluster, regions):
    for name, region in regions.items():
        key = create_key(cluster.kms(name, address=region["address"]))
        assert key["Arn"].split(":")[3] == name
        assert describe(cluster.kms(name), key["KeyId"]) == key


def test_every_node_answers_reads_and_writes(nodes):
    for writer in nodes:
        key = create_key(writer)
        for reader in nodes:
            assert describe(reader, key["KeyId"]) == key


def test_what_one_node_has_answered_every_node_can_use_at_once(nodes):
    """A node that lags behind its region asks before it refuses."""
    for writer in nodes:
        for _ in range(10):
            key_id = create_key(writer)["KeyId"]
            for node in nodes:
                ciphertext = encrypt(node, key_id)
                assert writer.decrypt(CiphertextBlob=ciphertext)["Plaintext"] == b"a secret"


def test_a_node_shows_at_once_what_it_has_answered(nodes):
    for node in nodes:
        key_id = create_key(node)["KeyId"]
        node.disable_key(KeyId=key_id)
        with refused("DisabledException"):
            encrypt(node, key_id)
        node.enable_key(KeyId=key_id)
        assert encrypt(node, key_id)


def test_an_import_token_is_good_on_any_node_of_its_region(nodes):
    giver, *others = nodes
    key_id, material = create_key(giver, Origin="EXTERNAL")["KeyId"], new_material()
    given = import_parameters(giver, key_id)
    for taker in others:
        taker.import_key_material(
            KeyId=key_id,
            ImportToken=given["ImportToken"],
            EncryptedKeyMaterial=wrap(given["PublicKey"], "RSAES_OAEP_SHA_256", material),
            ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
        )
    assert key_state(giver, key_id) == "Enabled"
