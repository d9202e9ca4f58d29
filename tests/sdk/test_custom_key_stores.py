"""Custom key stores on CloudHSM clusters, which are simulated: every well-formed
cluster ID is an active cluster."""

import pytest

from calls import (
    ANCHOR,
    create_key,
    describe,
    encrypt,
    error_code,
    eventually,
    key_state,
    key_store,
    members,
    refused,
)
from cluster import EU, US



@pytest.fixture(scope="module")
def kms(own_cluster):
    return own_cluster.kms(US)


def create_store(kms, name: str, cluster_id: str, **other) -> str:
    answer = kms.create_custom_key_store(
        **{
            "CustomKeyStoreName": name,
            "CloudHsmClusterId": cluster_id,
            "TrustAnchorCertificate": ANCHOR,
            "KeyStorePassword": "kmsuser-password",
            **other,
        }
    )
    assert members(answer) == {"CustomKeyStoreId"}
    return answer["CustomKeyStoreId"]


def becomes(kms, store: str, state: str) -> None:
    eventually(lambda: key_store(kms, store)["ConnectionState"], state)


def connected_store(kms, name: str, cluster_id: str) -> str:
    store = create_store(kms, name, cluster_id)
    assert members(kms.connect_custom_key_store(CustomKeyStoreId=store)) == set()
    becomes(kms, store, "CONNECTED")
    return store


def key_in(kms, store: str) -> dict:
    return create_key(kms, Origin="AWS_CLOUDHSM", CustomKeyStoreId=store)


def test_a_key_store_is_shown_without_its_password(kms):
    store = create_store(kms, "shown", "cluster-shownaaaaaa")
    shown = key_store(kms, store)
    assert shown.pop("CreationDate")
    assert shown == {
        "CustomKeyStoreId": store,
        "CustomKeyStoreName": "shown",
        "CloudHsmClusterId": "cluster-shownaaaaaa",
        "TrustAnchorCertificate": ANCHOR,
        "ConnectionState": "DISCONNECTED",
        "CustomKeyStoreType": "AWS_CLOUDHSM",
    }
    by_name = kms.describe_custom_key_stores(CustomKeyStoreName="shown")
    assert [it["CustomKeyStoreId"] for it in by_name["CustomKeyStores"]] == [store]
    assert by_name["Truncated"] is False
    with refused("CustomKeyStoreNotFoundException"):
        kms.describe_custom_key_stores(CustomKeyStoreName="nobody")
    pages = kms.get_paginator("describe_custom_key_stores").paginate(PaginationConfig={"PageSize": 1})
    listed = [it["CustomKeyStoreId"] for page in pages for it in page["CustomKeyStores"]]
    assert store in listed and len(listed) == len(set(listed))


def test_the_life_of_a_key_in_a_key_store(kms):
    store = connected_store(kms, "life", "cluster-lifeaaaaaaa")
    key = key_in(kms, store)
    key_id, arn = key["KeyId"], key["Arn"]
    assert (key["Origin"], key["CloudHsmClusterId"]) == ("AWS_CLOUDHSM", "cluster-lifeaaaaaaa")
    assert "CurrentKeyMaterialId" not in key
    kms.create_alias(AliasName="alias/in-a-key-store", TargetKeyId=key_id)
    ciphertext = encrypt(kms, "alias/in-a-key-store")
    made = kms.generate_data_key(KeyId=key_id, KeySpec="AES_256")
    assert members(made) == {"CiphertextBlob", "Plaintext", "KeyId"}
    assert len(kms.generate_random(NumberOfBytes=8, CustomKeyStoreId=store)["Plaintext"]) == 8
    for call in (
        lambda: kms.enable_key_rotation(KeyId=key_id),
        lambda: kms.get_key_rotation_status(KeyId=key_id),
        lambda: kms.list_key_rotations(KeyId=key_id),
        lambda: kms.rotate_key_on_demand(KeyId=key_id),
        lambda: kms.replicate_key(KeyId=key_id, ReplicaRegion=EU),
    ):
        assert error_code(call) == "UnsupportedOperationException"

    kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    assert key_state(kms, key_id) == "Unavailable"
    unavailable = refused("KMSInvalidStateException", f"{arn} is unavailable.")
    with unavailable:
        kms.decrypt(CiphertextBlob=ciphertext)
    kms.disable_key(KeyId=key_id)
    becomes(kms, store, "DISCONNECTED")
    with refused("CustomKeyStoreInvalidStateException"):
        key_in(kms, store)
    kms.connect_custom_key_store(CustomKeyStoreId=store)
    becomes(kms, store, "CONNECTED")
    assert key_state(kms, key_id) == "Disabled"
    kms.enable_key(KeyId=key_id)
    assert kms.decrypt(CiphertextBlob=ciphertext)["Plaintext"] == b"a secret"


def test_only_an_empty_and_disconnected_key_store_can_be_deleted(kms, own_cluster):
    store = connected_store(kms, "deleted", "cluster-deletedaaaa")
    delete = lambda: kms.delete_custom_key_store(CustomKeyStoreId=store)  # noqa: E731
    assert error_code(delete) == "CustomKeyStoreInvalidStateException"
    key_id = key_in(kms, store)["KeyId"]
    assert error_code(delete) == "CustomKeyStoreHasCMKsException"
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    assert key_state(kms, key_id) == "PendingDeletion"
    own_cluster.advance_clock("8d")
    eventually(lambda: error_code(lambda: describe(kms, key_id)), "NotFoundException")
    becomes(kms, store, "DISCONNECTED")
    assert members(delete()) == set()
    assert error_code(delete) == "CustomKeyStoreNotFoundException"


def test_what_is_wrong_shows_when_connecting(kms):
    store = create_store(
        kms, "wrong", "cluster-wrongaaaaaa", KeyStorePassword="wrong-password"
    )
    kms.connect_custom_key_store(CustomKeyStoreId=store)
    becomes(kms, store, "FAILED")
    assert key_store(kms, store)["ConnectionErrorCode"] == "INVALID_CREDENTIALS"
    update = lambda: kms.update_custom_key_store(  # noqa: E731
        CustomKeyStoreId=store, KeyStorePassword="right-password"
    )
    assert error_code(update) == "CustomKeyStoreInvalidStateException"
    kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    becomes(kms, store, "DISCONNECTED")
    assert members(update()) == set()
    kms.connect_custom_key_store(CustomKeyStoreId=store)
    becomes(kms, store, "CONNECTED")


def test_names_and_clusters_are_used_once(kms):
    create_store(kms, "once", "cluster-onceaaaaaaa")

    def code(name: str, cluster_id: str, **other) -> str | None:
        return error_code(lambda: create_store(kms, name, cluster_id, **other))

    assert code("once", "cluster-twiceaaaaaa") == "CustomKeyStoreNameInUseException"
    assert code("twice", "cluster-onceaaaaaaa") == "CloudHsmClusterInUseException"
    assert code("new", "cluster-missingaaaa") == "CloudHsmClusterNotFoundException"
    assert code("new", "cluster-inactiveaaa") == "CloudHsmClusterNotActiveException"
    assert code("new", "cluster-brokenaaaaa") == "CloudHsmClusterInvalidConfigurationException"
    assert code("new", "cluster-newaaaaaaaa", TrustAnchorCertificate="no certificate") == (
        "IncorrectTrustAnchorException"
    )
