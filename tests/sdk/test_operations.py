"""The table in `operations.py`, column by column: what each operation asks of its
caller, whether it takes keys of other accounts, and which key of a set it means."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

import key_states
from calls import ANCHOR, create_key, describe, import_material, new_material, replicate
from cluster import ACCOUNT, EU, US, Cluster, started
from operations import ANY, OPERATIONS, OWN, PRIMARY
from specimens import IMPORTED, SYMMETRIC, Kind, Specimen
from test_key_state_table import CALLS, CHANGES_THE_KEY, KINDS, POLICY
from test_seed import allowing, write

OTHER_ACCOUNT = "444455556666"
GUEST = f"arn:aws:iam::{OTHER_ACCOUNT}:user/guest"
NO_STORE = "cks-1234567890abcdef0"
STORE = {
    "CustomKeyStoreName": "a",
    "CloudHsmClusterId": "cluster-aaaaaaaaaaa",
    "TrustAnchorCertificate": ANCHOR,
    "KeyStorePassword": "kmsuser-password",
}

# The operations that name no key, or make one.
WITHOUT_KEY: dict[str, Callable[[Any], object]] = {
    "ConnectCustomKeyStore": lambda kms: kms.connect_custom_key_store(CustomKeyStoreId=NO_STORE),
    "CreateCustomKeyStore": lambda kms: kms.create_custom_key_store(**STORE),
    "CreateKey": lambda kms: kms.create_key(),
    "DeleteCustomKeyStore": lambda kms: kms.delete_custom_key_store(CustomKeyStoreId=NO_STORE),
    "DescribeCustomKeyStores": lambda kms: kms.describe_custom_key_stores(),
    "DisconnectCustomKeyStore": lambda kms: kms.disconnect_custom_key_store(
        CustomKeyStoreId=NO_STORE
    ),
    "GenerateRandom": lambda kms: kms.generate_random(NumberOfBytes=8),
    "ListKeys": lambda kms: kms.list_keys(),
    "ListRetirableGrants": lambda kms: kms.list_retirable_grants(RetiringPrincipal=GUEST),
    "UpdateCustomKeyStore": lambda kms: kms.update_custom_key_store(
        CustomKeyStoreId=NO_STORE, NewCustomKeyStoreName="b"
    ),
}


class Instead:
    """A client in the place of another, which still makes what a call needs."""

    def __init__(self, kms: Any, bare: Any) -> None:
        self._kms, self.bare = kms, bare

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kms, name)


def outcome(call: Callable[[], object]) -> tuple[str, str]:
    """The code and the text of an error; `ok` without one."""
    try:
        call()
    except ClientError as error:
        answered = error.response["Error"]
        return answered["Code"], answered["Message"]
    return "ok", ""


@dataclass
class Enforced:
    """A cluster that asks who calls, and keys for them."""

    cluster: Cluster

    def __post_init__(self) -> None:
        self.root = self.cluster.kms(US, "AKIAROOT", secret="root-secret")
        self.nobody = self.cluster.kms(US, "AKIANOBODY", secret="nobody-secret")
        self.guest = self.cluster.kms(US, "AKIAGUEST", secret="guest-secret")
        self._made: dict[Kind, Specimen] = {}

    def make(self, kind: Kind) -> Specimen:
        """A key whose policy leaves everything to its account and the other one."""
        key_id = create_key(self.root, **kind.parameters())["KeyId"]
        made = Specimen(self.root, key_id, kind)
        if kind.imported:
            made.material = new_material()
            import_material(self.root, key_id, made.material)
        made.use_while_it_can_be()
        policy = self.root.get_key_policy(KeyId=key_id)["Policy"]
        both = f'["{ACCOUNT}", "{OTHER_ACCOUNT}"]'
        policy = re.sub(r'"arn:aws:iam::\d+:root"', both, policy)
        self.root.put_key_policy(KeyId=key_id, Policy=policy)
        return made

    def key(self, operation: str) -> Specimen:
        kind = KINDS.get(operation, SYMMETRIC)
        if operation in CHANGES_THE_KEY:
            return self.make(kind)
        if kind not in self._made:
            self._made[kind] = self.make(kind)
        return self._made[kind]


@pytest.fixture(scope="module")
def enforced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enforced]:
    directory = tmp_path_factory.mktemp("operations")

    def key(name: str) -> list[dict]:
        return [{"id": f"AKIA{name.upper()}", "secret": f"{name}-secret"}]

    guest = {"name": "guest", "access_keys": key("guest"), "policies": [allowing("kms:*")]}
    document = {
        "version": 1,
        "authorization": "enforced",
        "accounts": [
            {
                "id": ACCOUNT,
                "root": {"access_keys": key("root")},
                "users": [{"name": "nobody", "access_keys": key("nobody")}],
            },
            {"id": OTHER_ACCOUNT, "users": [guest]},
        ],
    }
    seed = write(directory, document)
    with started(Cluster(directory, (US, EU), nodes_per_region=1, seed=seed)) as cluster:
        yield Enforced(cluster)


def permissions(operation: str) -> list[str]:
    """Those that the table names; none where the grant decides."""
    return re.findall(r"kms:\w+", OPERATIONS[operation][1])


@pytest.mark.parametrize("operation", OPERATIONS)
def test_who_is_allowed_nothing_lacks_a_permission_of_the_table(enforced, operation):
    if operation in WITHOUT_KEY:
        code, text = outcome(lambda: WITHOUT_KEY[operation](enforced.nobody))
    else:
        it = enforced.key(operation)
        as_nobody = replace(it, kms=Instead(enforced.nobody, enforced.root))
        code, text = outcome(lambda: CALLS[operation](as_nobody))
    assert code == "AccessDeniedException", text
    if permissions(operation):
        asked = re.search(r"not authorized to perform: (kms:\w+)", text)
        assert asked and asked.group(1) in permissions(operation), text


@pytest.mark.parametrize("operation", [it for it in OPERATIONS if it not in WITHOUT_KEY])
def test_a_key_of_another_account_can_be_named_where_the_table_says_so(enforced, operation):
    it = enforced.key(operation)
    if operation == "RetireGrant":
        made = enforced.root.create_grant(
            KeyId=it.key_id, GranteePrincipal=GUEST, RetiringPrincipal=GUEST, Operations=["Encrypt"]
        )
        it.grant = made["GrantId"]
    as_guest = replace(it, key_id=it.arn, kms=Instead(enforced.guest, enforced.root))
    code, text = outcome(lambda: CALLS[operation](as_guest))
    if OPERATIONS[operation][2]:
        assert code == "ok", text
    else:
        assert code in ("AccessDeniedException", "NotFoundException", "ValidationException"), text


@pytest.fixture(scope="module")
def replicas() -> dict[Kind, Specimen]:
    """Replicas that no test changes."""
    return {}


def replica(cluster: Cluster, replicas: dict[Kind, Specimen], operation: str) -> Specimen:
    kind = KINDS.get(operation, SYMMETRIC)
    if operation not in CHANGES_THE_KEY and kind in replicas:
        return replicas[kind]
    primary, there = cluster.kms(US), cluster.kms(EU)
    key_id = create_key(primary, **kind.parameters())["KeyId"]
    made = Specimen(there, key_id, kind, material=new_material())
    if kind == IMPORTED:
        import_material(primary, key_id, made.material)
    replicate(primary, key_id, there)
    if kind == IMPORTED:
        import_material(there, key_id, made.material)
    made.use_while_it_can_be()
    return replicas.setdefault(kind, made) if operation not in CHANGES_THE_KEY else made


@pytest.mark.parametrize("operation", key_states.TABLE)
def test_only_what_the_table_leaves_to_the_primary_is_refused_at_a_replica(
    cluster, replicas, operation
):
    it = replica(cluster, replicas, operation)
    code, text = outcome(lambda: CALLS[operation](it))
    if OPERATIONS[operation][0] == PRIMARY:
        assert code in ("UnsupportedOperationException", "KMSInvalidStateException"), text
    elif operation == "CancelKeyDeletion":
        assert text.endswith("is not pending deletion."), (code, text)
    else:
        assert code == "ok", text


# Where the state that tells the keys of a set apart would hide what is to be seen.
BEFORE: dict[str, Callable[[Specimen], object]] = {
    "CancelKeyDeletion": lambda it: it.kms.schedule_key_deletion(KeyId=it.key_id),
    "DisableKey": lambda it: it.kms.enable_key(KeyId=it.key_id),
}
# Every key has one policy, of the same name.
ALIKE = {"ListKeyPolicies"}
OWN_OR_ANY = [it for it in CALLS if OPERATIONS[it][0] in (OWN, ANY) and it not in ALIKE]


@pytest.fixture(scope="module")
def unlike() -> dict[Kind, Specimen]:
    """Replicas that differ from their primaries in all that a region has of its own."""
    return {}


def unlike_its_primary(cluster: Cluster, unlike: dict, operation: str) -> Specimen:
    kind = KINDS.get(operation, SYMMETRIC)
    if operation not in CHANGES_THE_KEY and kind in unlike:
        return unlike[kind]
    it = replica(cluster, {}, operation)
    if kind == SYMMETRIC:
        cluster.kms(US).enable_key_rotation(KeyId=it.key_id)
    it.kms.tag_resource(KeyId=it.key_id, Tags=[{"TagKey": "a", "TagValue": "other"}])
    policy = json.dumps(json.loads(POLICY) | {"Id": "replica"})
    it.kms.put_key_policy(KeyId=it.key_id, Policy=policy)
    it.kms.disable_key(KeyId=it.key_id)
    return it if operation in CHANGES_THE_KEY else unlike.setdefault(kind, it)


def regional(kms: Any, key_id: str) -> dict:
    """What a region has of its own about a key."""
    metadata = describe(kms, key_id)
    return {
        "metadata": {name: metadata[name] for name in ("Description", "KeyState")},
        "policy": kms.get_key_policy(KeyId=key_id)["Policy"],
        "tags": kms.list_resource_tags(KeyId=key_id)["Tags"],
        "aliases": [it["AliasName"] for it in kms.list_aliases(KeyId=key_id)["Aliases"]],
        "grants": [it["GrantId"] for it in kms.list_grants(KeyId=key_id)["Grants"]],
    }


def answered(operation: str, it: Specimen) -> str:
    """The answer or the error of an operation, without the region in its ARNs."""
    try:
        response = CALLS[operation](it)
    except ClientError as error:
        response = error.response["Error"]
    assert isinstance(response, dict)
    members = {name: value for name, value in response.items() if name != "ResponseMetadata"}
    return str(members).replace(EU, US)


@pytest.mark.parametrize("operation", OWN_OR_ANY)
def test_an_operation_means_the_regions_own_key_or_any_of_the_set(cluster, unlike, operation):
    """An operation that means the region's own key shows or changes what only this
    key has; one that means any key answers the same at keys that differ in all that."""
    it = unlike_its_primary(cluster, unlike, operation)
    BEFORE.get(operation, lambda _: None)(it)
    primary = replace(it, kms=cluster.kms(US))
    seen = regional(it.kms, it.key_id), regional(primary.kms, it.key_id)
    answer = answered(operation, it)
    changed = regional(it.kms, it.key_id) != seen[0]
    assert regional(primary.kms, it.key_id) == seen[1], "a related key has changed"
    own = changed or answer != answered(operation, primary)
    assert own == (OPERATIONS[operation][0] == OWN), answer


def test_every_operation_is_driven():
    assert set(WITHOUT_KEY) | set(CALLS) == set(OPERATIONS)
