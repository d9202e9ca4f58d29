"""Permissions that are asked for at another key than the one that is named, or on
the other wire, or that a grant gives to a whole account."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from calls import create_key, describe, eventually, replicate
from cluster import ACCOUNT, CALL_S, EU, US, Cluster, started
from test_operations import outcome
from test_seed import allowing, write

WATCH_KEY_SET = "/meridian.v1.KeySets/WatchKeySet"
OTHER_ACCOUNT = "444455556666"

# What the users of the account are allowed by their own policies.
USERS = {"mover": ["kms:*"], "idler": ["s3:*"]}


def user(name: str, *actions: str) -> dict:
    keys = [{"id": f"AKIA{name.upper()}", "secret": f"{name}-secret"}]
    return {"name": name, "access_keys": keys, "policies": [allowing(*actions)]}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    directory = tmp_path_factory.mktemp("authorization")
    root = {"access_keys": [{"id": "AKIAROOT", "secret": "root-secret"}]}
    own = {
        "id": ACCOUNT,
        "root": root,
        "users": [user(name, *actions) for name, actions in USERS.items()],
    }
    guests = [user("guest", "kms:Encrypt"), user("onlooker", "s3:*")]
    other = {"id": OTHER_ACCOUNT, "users": guests}
    document = {"version": 1, "authorization": "enforced", "accounts": [own, other]}
    seed = write(directory, document)
    with started(Cluster(directory, (US, EU), nodes_per_region=1, seed=seed)) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def acting(cluster: Cluster) -> Callable[..., Any]:
    """A client of somebody in the seed."""
    return lambda name, region=US: cluster.kms(
        region, f"AKIA{name.upper()}", secret=f"{name}-secret"
    )


def test_both_keys_have_to_allow_that_the_primary_moves(acting):
    us, eu = acting("root"), acting("root", EU)
    key_id = create_key(us, MultiRegion=True)["KeyId"]
    replicate(us, key_id, eu)
    before = eu.get_key_policy(KeyId=key_id)["Policy"]
    policy = json.loads(before)
    policy["Statement"].append(
        {
            "Effect": "Deny",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/mover"},
            "Action": "kms:UpdatePrimaryRegion",
            "Resource": "*",
            "Condition": {"StringEquals": {"kms:PrimaryRegion": EU}},
        }
    )
    eu.put_key_policy(KeyId=key_id, Policy=json.dumps(policy))
    move = {"KeyId": key_id, "PrimaryRegion": EU}
    code, text = outcome(lambda: acting("mover").update_primary_region(**move))
    assert code == "AccessDeniedException"
    there = describe(eu, key_id)["Arn"]
    asked = f"not authorized to perform: kms:UpdatePrimaryRegion on resource: {there}"
    assert asked in text and "explicit deny in a resource-based policy" in text
    eu.put_key_policy(KeyId=key_id, Policy=before)
    acting("mover").update_primary_region(**move)
    kind = lambda: describe(eu, key_id)["MultiRegionConfiguration"]["MultiRegionKeyType"]  # noqa: E731
    eventually(kind, "PRIMARY")


def test_a_replica_takes_the_permission_on_its_primary_first(acting):
    key_id = create_key(acting("root"), MultiRegion=True)["KeyId"]
    code, text = outcome(lambda: acting("idler").replicate_key(KeyId=key_id, ReplicaRegion=EU))
    assert code == "AccessDeniedException"
    assert "not authorized to perform: kms:ReplicateKey on resource: arn:" in text


def test_the_users_of_an_account_that_was_given_a_grant_need_their_own_permission(acting):
    key = create_key(acting("root"))
    acting("root").create_grant(
        KeyId=key["KeyId"],
        GranteePrincipal=f"arn:aws:iam::{OTHER_ACCOUNT}:root",
        Operations=["Encrypt"],
    )
    encrypt = {"KeyId": key["Arn"], "Plaintext": b"x"}
    assert outcome(lambda: acting("guest").encrypt(**encrypt)) == ("ok", "")
    code, text = outcome(lambda: acting("onlooker").encrypt(**encrypt))
    assert code == "AccessDeniedException"
    assert "no identity-based policy allows the kms:Encrypt action" in text


def watched(cluster: Cluster, name: str, key_id: str) -> grpc.StatusCode:
    """How somebody's wish to watch a key set is answered, by the first state or an
    error."""
    named = key_id.encode()
    message = bytes([0x0A, len(named)]) + named
    request = AWSRequest("POST", f"{cluster.endpoint}{WATCH_KEY_SET}", data=message)
    credentials = Credentials(f"AKIA{name.upper()}", f"{name}-secret")
    SigV4Auth(credentials, "kms", US).add_auth(request)
    signed = ("Authorization", "X-Amz-Date")
    metadata = [(header.lower(), request.headers[header]) for header in signed]
    with grpc.insecure_channel(cluster.address) as channel:
        states = channel.unary_stream(WATCH_KEY_SET)(message, metadata=metadata, timeout=CALL_S)
        try:
            assert named in next(states)
        except grpc.RpcError as error:
            return error.code()
        states.cancel()
    return grpc.StatusCode.OK


def test_a_key_set_is_watched_by_whoever_may_describe_its_key(cluster, acting):
    key_id = create_key(acting("root"))["KeyId"]
    for name in ("root", "mover"):
        assert watched(cluster, name, key_id) == grpc.StatusCode.OK, name
    assert watched(cluster, "idler", key_id) == grpc.StatusCode.PERMISSION_DENIED
    acting("root").create_grant(
        KeyId=key_id,
        GranteePrincipal=f"arn:aws:iam::{ACCOUNT}:user/idler",
        Operations=["DescribeKey"],
    )
    assert watched(cluster, "idler", key_id) == grpc.StatusCode.OK
