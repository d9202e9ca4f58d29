"""What goes wrong with key sets themselves on purpose: phases that take long, an
import that the primary does not hear of, material and tokens that expire."""

from collections.abc import Iterator

import pytest

from calls import (
    NEW,
    PENDING_MULTI_REGION,
    PENDING_ROTATION,
    create_key,
    current_material,
    encrypt,
    error_code,
    eventually,
    import_material,
    imported_key,
    key_state,
    material_state,
    new_material,
    refused,
    rotation_runs,
)
from cluster import EU, US, Cluster, started
from key_set import KeySet

OTHER = "200000000012"


@pytest.fixture(scope="module")
def regions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two regions of one node, which record what happens."""
    directory = tmp_path_factory.mktemp("chaos-kms")
    with started(Cluster(directory, (US, EU), 1, record=directory / "history.jsonl")) as cluster:
        yield cluster


@pytest.fixture
def chaos(regions: Cluster) -> Iterator[Cluster]:
    """The file's own cluster; after each test it comes to rest and is judged."""
    yield regions
    regions.http("DELETE", "/chaos/faults")
    printed = regions.command("verdict")
    assert "was not looked at" not in printed, printed


def test_a_replica_is_not_created_while_its_creation_is_stretched(chaos):
    us, eu = chaos.kms(US), chaos.kms(EU)
    key_id, _ = imported_key(us, MultiRegion=True)
    with chaos.fault(stretch={"phase": "PHASE_CREATING", "region": EU}):
        us.replicate_key(KeyId=key_id, ReplicaRegion=EU)
        assert error_code(lambda: key_state(eu, key_id)) == "NotFoundException"
    eventually(lambda: key_state(eu, key_id), "PendingImport")


def test_a_key_is_updating_while_the_primary_role_does_not_arrive(chaos):
    keys = KeySet(chaos, US, EU)
    with chaos.fault(stretch={"phase": "PHASE_UPDATING", "region": EU, "key_id": keys.key_id}):
        keys.at(US).update_primary_region(KeyId=keys.key_id, PrimaryRegion=EU)
        assert key_state(keys.at(US), keys.key_id) == "Updating"
        assert keys.at(EU).decrypt(CiphertextBlob=encrypt(keys.at(US), keys.key_id))
        with refused("KMSInvalidStateException"):
            keys.at(US).update_primary_region(KeyId=keys.key_id, PrimaryRegion=EU)
    eventually(keys.key_states, keys.everywhere("Enabled"))


def test_every_region_encrypts_with_the_old_material_while_one_does_not_prepare(chaos):
    keys = KeySet(chaos, US, EU)
    material_id = keys.import_everywhere(new_material())
    with chaos.fault(stretch={"phase": "PHASE_PREPARE", "region": EU}):
        keys.rotate()
        assert rotation_runs(keys.at(US), keys.key_id)
        assert keys.encrypting_materials() == keys.everywhere(keys.first_id)
    keys.wait_for_current(material_id)


def test_the_primary_does_not_hear_of_an_import_that_is_held(chaos):
    keys = KeySet(chaos, US, EU)
    material = new_material()
    material_id = keys.import_new(material)
    keys.wait_until_known(EU, material_id)
    with chaos.fault(material_hold={"region": EU, "key_id": keys.key_id}):
        keys.import_existing(EU, material)
        assert keys.import_states(material_id)[EU] == "IMPORTED"
        state = material_state(keys.at(US), keys.key_id, material_id)
        assert state == (PENDING_MULTI_REGION, "IMPORTED")
        with refused("KMSInvalidStateException"):
            keys.rotate()
    keys.wait_for_state(material_id, PENDING_ROTATION)


def test_material_that_expires_in_one_region_is_imported_there_again(chaos):
    keys = KeySet(chaos, US, EU)
    blob = encrypt(keys.at(US), keys.key_id)
    printed = chaos.command("chaos", "expire-material", EU, keys.key_id)
    assert "expired in eu-west-1" in printed
    eventually(lambda: key_state(keys.at(EU), keys.key_id), "PendingImport")
    assert error_code(lambda: keys.at(EU).decrypt(CiphertextBlob=blob)) == "KMSInvalidStateException"
    assert keys.at(US).decrypt(CiphertextBlob=blob)["Plaintext"] == b"a secret"
    import_material(keys.at(EU), keys.key_id, keys.first_material)
    assert keys.at(EU).decrypt(CiphertextBlob=blob)["Plaintext"] == b"a secret"
    status, body = chaos.http("POST", "/chaos/faults", {"material_expire": {"region": EU, "key_id": "x"}})
    assert (status, b"no such imported material" in body) == (400, True)


def test_import_tokens_expire_while_a_fault_has_them_expire(chaos):
    kms = chaos.kms(US)
    key_id, _ = imported_key(kms)
    with chaos.fault(tokens_expire={"region": US}):
        with refused("ExpiredImportTokenException"):
            import_material(kms, key_id, new_material(), **NEW)
    with chaos.fault(tokens_expire={"region": US, "older_than_ms": 600_000}):
        import_material(kms, key_id, new_material(), **NEW)


@pytest.mark.parametrize("name", ["KEY_STATE", "ALIAS", "SHARED_PROPERTIES", "MATERIALS"])
def test_one_property_is_older_and_the_others_are_not(chaos, name):
    kms = chaos.kms(US)
    material = new_material()
    key_id, material_id = imported_key(kms, material)
    kms.delete_imported_key_material(KeyId=key_id)
    stale = {"region": US, "lag_ms": 3_600_000, "property": f"PROPERTY_{name}"}
    with chaos.fault(stale_reads=stale):
        eventually(lambda: key_state(kms, key_id), "PendingImport")
        import_material(kms, key_id, material)
        kms.disable_key(KeyId=key_id)
        kms.update_key_description(KeyId=key_id, Description="new")
        kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=key_id)
        import_material(kms, key_id, new_material(), **NEW)
        described = kms.describe_key(KeyId=key_id)["KeyMetadata"]
        assert described["Description"] == "new"
        listed = kms.list_key_rotations(KeyId=key_id, IncludeKeyMaterial="ALL_KEY_MATERIAL")
        found = error_code(lambda: kms.describe_key(KeyId=f"alias/{name}")) is None
        seen = (described["KeyState"], len(listed["Rotations"]), found)
        wanted = {
            "KEY_STATE": ("Enabled", 2, True),
            "ALIAS": ("Disabled", 2, False),
            "SHARED_PROPERTIES": ("Disabled", 1, True),
            "MATERIALS": ("PendingImport", 2, True),
        }
        assert seen == wanted[name]
    assert kms.describe_key(KeyId=f"alias/{name}")["KeyMetadata"]["KeyState"] == "Disabled"
    assert current_material(kms, key_id) == material_id


def test_views_flap_between_older_and_newer(chaos):
    kms = chaos.kms(US)
    key_id, _ = imported_key(kms)
    stale = {"region": US, "lag_ms": 3_600_000, "probability": 0.5, "property": "PROPERTY_KEY_STATE"}
    with chaos.fault(stale_reads=stale):
        assert key_state(kms, key_id) == "Enabled"
        kms.disable_key(KeyId=key_id)
        states = {key_state(kms, key_id) for _ in range(60)}
        assert states == {"Enabled", "Disabled"}


def test_a_grant_is_not_there_yet_and_its_token_works_at_once(chaos):
    kms, other = chaos.kms(US), chaos.kms(US, OTHER)
    key = create_key(kms)
    encrypt = lambda **more: other.encrypt(KeyId=key["Arn"], Plaintext=b"x", **more)
    grant = lambda: kms.create_grant(
        KeyId=key["KeyId"], GranteePrincipal=f"arn:aws:iam::{OTHER}:root", Operations=["Encrypt"]
    )
    stale = {"region": US, "lag_ms": 3_600_000, "property": "PROPERTY_GRANTS"}
    with chaos.fault(stale_reads=stale):
        made = grant()
        with refused("AccessDeniedException"):
            encrypt()
        assert encrypt(GrantTokens=[made["GrantToken"]])["KeyId"] == key["Arn"]
        # In its own account nobody needs a grant while the cluster is open.
        assert kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["KeyId"] == key["Arn"]
    assert encrypt()["KeyId"] == key["Arn"]
    with chaos.fault(stale_reads=stale):
        # Nor is the end of a grant there yet.
        kms.revoke_grant(KeyId=key["KeyId"], GrantId=made["GrantId"])
        assert encrypt()["KeyId"] == key["Arn"]
    with refused("AccessDeniedException"):
        encrypt()


def test_a_grant_is_in_force_once_it_has_spread(chaos):
    kms, other = chaos.kms(US), chaos.kms(US, OTHER)
    key = create_key(kms)
    encrypt = lambda: error_code(lambda: other.encrypt(KeyId=key["Arn"], Plaintext=b"x"))
    printed = chaos.command("chaos", "stale", US, "2s", "--property", "grants")
    assert "the grants" in printed
    kms.create_grant(
        KeyId=key["KeyId"], GranteePrincipal=f"arn:aws:iam::{OTHER}:root", Operations=["Encrypt"]
    )
    assert encrypt() == "AccessDeniedException"
    eventually(encrypt, None)
