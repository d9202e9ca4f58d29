"""A cluster that begins with what a file says: principals who have to prove who
they are, and keys with chosen ids and given material."""

import base64
import hmac
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, mlkem, padding, rsa
from google.protobuf.message_factory import GetMessageClass

from asymmetric import (
    CURVES,
    ENCAPSULATION,
    ENCRYPTION,
    SIGNING,
    digest,
    pkcs8,
    verification,
)
from cluster import ACCOUNT, CALL_S, EU, US, Cluster, binary, started
from schema import KEY_MANAGEMENT, Schema

SET = "mrk-1234abcd12ab34cd56ef1234567890ab"
PLAIN = "1234abcd-12ab-34cd-56ef-1234567890ab"
ENCRYPT = "/meridian.v1.KeyManagement/Encrypt"


def material(byte: int) -> dict:
    return {"bytes": base64.b64encode(bytes([byte]) * 32).decode()}


def seed() -> dict:
    return {
        "version": 1,
        "authorization": "enforced",
        "accounts": [
            {
                "id": ACCOUNT,
                "root": {"access_keys": [{"id": "AKIAROOT", "secret": "root-secret"}]},
                "users": [
                    {
                        "name": "ann",
                        "access_keys": [{"id": "AKIAANN", "secret": "ann-secret"}],
                        "policies": [allowing("kms:DescribeKey")],
                    }
                ],
                "roles": [
                    {
                        "name": "ops",
                        "policies": [allowing("kms:*")],
                        "sessions": [
                            {
                                "name": "bob",
                                "access_key": {"id": "ASIABOB", "secret": "bob-secret"},
                                "token": "bob-token",
                            }
                        ],
                    }
                ],
            }
        ],
        "keys": [
            {
                "id": SET,
                "account": ACCOUNT,
                "region": US,
                "replicas": [EU],
                "origin": "EXTERNAL",
                "description": "orders",
                "tags": {"team": "shop"},
                "aliases": ["alias/orders"],
                "materials": [material(1)],
                "grants": [
                    {
                        "name": "reader",
                        "grantee": f"arn:aws:iam::{ACCOUNT}:role/ops",
                        "operations": ["Decrypt"],
                        "context_subset": {"shop": "one"},
                    }
                ],
            },
            {"id": PLAIN, "account": ACCOUNT, "region": US, "materials": [material(2)]},
        ],
    }


def allowing(action: str) -> dict:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def write(directory: Path, document: dict) -> Path:
    # JSON is YAML.
    file = directory / "seed.yaml"
    file.write_text(json.dumps(document))
    return file


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    directory = tmp_path_factory.mktemp("seeded")
    with started(Cluster(directory, (US, EU), 1, seed=write(directory, seed()))) as cluster:
        yield cluster


def root(cluster: Cluster, region: str):
    return cluster.kms(region, "AKIAROOT", secret="root-secret")


def refusal(call) -> str:
    with pytest.raises(ClientError) as refused:
        call()
    error = refused.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


def test_the_keys_of_the_seed_are_there_in_their_regions(seeded):
    for region, key_type in [(US, "PRIMARY"), (EU, "REPLICA")]:
        key = root(seeded, region).describe_key(KeyId="alias/orders")["KeyMetadata"]
        assert (key["KeyId"], key["KeyState"], key["Origin"]) == (SET, "Enabled", "EXTERNAL")
        assert key["Description"] == "orders"
        assert key["MultiRegionConfiguration"]["MultiRegionKeyType"] == key_type
    assert root(seeded, US).describe_key(KeyId=PLAIN)["KeyMetadata"]["Origin"] == "AWS_KMS"


def test_the_grants_and_tags_of_the_seed_are_there(seeded):
    [grant] = root(seeded, US).list_grants(KeyId=SET)["Grants"]
    assert (grant["Name"], grant["Operations"]) == ("reader", ["Decrypt"])
    assert grant["Constraints"] == {"EncryptionContextSubset": {"shop": "one"}}
    for region in (US, EU):
        tags = root(seeded, region).list_resource_tags(KeyId=SET)["Tags"]
        assert tags == [{"TagKey": "team", "TagValue": "shop"}]


def private(spec: str, raw: bytes, usage: str = SIGNING, **other) -> dict:
    """A key of the seed with given material."""
    given = {"bytes": base64.b64encode(raw).decode()}
    common = {"account": ACCOUNT, "region": US, "spec": spec, "usage": usage}
    return common | {"materials": [given]} | other


def test_given_material_of_every_kind_is_used_in_every_region(tmp_path):
    """What was made outside works inside, and the other way round."""
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    curve_key = ec.generate_private_key(CURVES["ECC_NIST_P384"])
    edwards_key = ed25519.Ed25519PrivateKey.generate()
    secret, dsa_seed, kem_seed = bytes(range(48)), bytes(range(32)), bytes(range(64))
    dsa_key = mldsa.MLDSA65PrivateKey.from_seed_bytes(dsa_seed)
    kem_key = mlkem.MLKEM768PrivateKey.from_seed_bytes(kem_seed)
    name = "mrk-{:032x}".format
    external = {"origin": "EXTERNAL", "replicas": [EU]}
    document = {
        "version": 1,
        "keys": [
            private("RSA_2048", pkcs8(rsa_key), id=name(1), **external),
            private("RSA_2048", pkcs8(rsa_key), ENCRYPTION, id=PLAIN),
            private("ECC_NIST_P384", pkcs8(curve_key), id=name(2), replicas=[EU]),
            private("ECC_NIST_EDWARDS25519", pkcs8(edwards_key), id=name(3), **external),
            private("HMAC_384", secret, "GENERATE_VERIFY_MAC", id=name(4), **external),
            private("HMAC_384", secret, "GENERATE_VERIFY_MAC", id=name(5), replicas=[EU]),
            private("ML_DSA_65", dsa_seed, id=name(6), replicas=[EU]),
            private("ML_KEM_768", kem_seed, ENCAPSULATION, id=name(7), replicas=[EU]),
        ],
    }
    file, data = write(tmp_path, document), tmp_path / "data"
    message = b"made outside"
    # The second time all of it is there.
    for _ in range(2):
        with started(Cluster(tmp_path, (US, EU), 1, seed=file, data=data)) as cluster:
            for region in (US, EU):
                kms = cluster.kms(region)
                for key, spec in ((rsa_key, 1), (curve_key, 2)):
                    algorithm = ("RSASSA_PSS_SHA_256", "ECDSA_SHA_384")[spec - 1]
                    named = {"KeyId": name(spec), "SigningAlgorithm": algorithm}
                    signature = kms.sign(**named, Message=message)["Signature"]
                    hashed = digest(algorithm, message)
                    key.public_key().verify(signature, hashed, *verification(algorithm))
                    outside = key.sign(hashed, *verification(algorithm))
                    assert kms.verify(**named, Message=message, Signature=outside)
                named = {"KeyId": name(3), "SigningAlgorithm": "ED25519_SHA_512"}
                signature = kms.sign(**named, Message=message)["Signature"]
                assert signature == edwards_key.sign(message)
                for key_id in (name(4), name(5)):
                    mac = kms.generate_mac(
                        KeyId=key_id, Message=message, MacAlgorithm="HMAC_SHA_384"
                    )
                    assert mac["Mac"] == hmac.digest(secret, message, "sha384")
                named = {"KeyId": name(6), "SigningAlgorithm": "ML_DSA_SHAKE_256"}
                signature = kms.sign(**named, Message=message)["Signature"]
                dsa_key.public_key().verify(signature, message)
                assert kms.verify(**named, Message=message, Signature=dsa_key.sign(message))
                shared, blob = kem_key.public_key().encapsulate()
                back = kms.decapsulate(
                    KeyId=name(7), EncapsulationAlgorithm="ML_KEM", SharedSecretCiphertextBlob=blob
                )
                assert back["SharedSecret"] == shared
            mask = padding.MGF1(hashes.SHA256())
            oaep = padding.OAEP(mgf=mask, algorithm=hashes.SHA256(), label=None)
            sealed = rsa_key.public_key().encrypt(message, oaep)
            opened = cluster.kms(US).decrypt(
                KeyId=PLAIN, CiphertextBlob=sealed, EncryptionAlgorithm="RSAES_OAEP_SHA_256"
            )
            assert opened["Plaintext"] == message


def test_a_ciphertext_of_one_region_opens_in_the_other(seeded):
    made = root(seeded, US).encrypt(KeyId=SET, Plaintext=b"hello")["CiphertextBlob"]
    opened = root(seeded, EU).decrypt(CiphertextBlob=made)
    assert opened["Plaintext"] == b"hello"


def test_only_who_holds_a_secret_may_call(seeded):
    def describe(access_key: str, secret: str, token: str | None = None):
        client = seeded.kms(US, access_key, secret=secret, token=token)
        return lambda: client.describe_key(KeyId=PLAIN)

    assert describe("ASIABOB", "bob-secret", "bob-token")()["KeyMetadata"]["KeyId"] == PLAIN
    unknown = "UnrecognizedClientException: The security token included in the request is invalid."
    assert refusal(describe(ACCOUNT, "any")) == unknown
    assert refusal(describe("ASIABOB", "bob-secret")) == unknown
    assert refusal(describe("AKIAROOT", "guess")).startswith(
        "InvalidSignatureException: The request signature we calculated does not match"
    )


def test_policies_decide_who_may_do_what(seeded):
    ann = seeded.kms(US, "AKIAANN", secret="ann-secret")
    user = f"arn:aws:iam::{ACCOUNT}:user/ann"
    arn = ann.describe_key(KeyId=PLAIN)["KeyMetadata"]["Arn"]
    denied = f"AccessDeniedException: User: {user} is not authorized to perform: kms:Encrypt"
    assert refusal(lambda: ann.encrypt(KeyId=PLAIN, Plaintext=b"hello")) == (
        f"{denied} on resource: {arn} because no identity-based policy allows the kms:Encrypt "
        "action"
    )
    owner = root(seeded, US)
    default = owner.get_key_policy(KeyId=PLAIN)["Policy"]
    statement = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
    statement |= {"Principal": {"AWS": [user, f"arn:aws:iam::{ACCOUNT}:root"]}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    owner.put_key_policy(KeyId=PLAIN, Policy=policy)
    ann.encrypt(KeyId=PLAIN, Plaintext=b"hello")
    denies = policy.replace("Allow", "Deny").replace("kms:*", "kms:Encrypt")
    both = json.loads(policy)
    both["Statement"] += json.loads(denies)["Statement"]
    owner.put_key_policy(KeyId=PLAIN, Policy=json.dumps(both))
    assert refusal(lambda: ann.encrypt(KeyId=PLAIN, Plaintext=b"hello")) == (
        f"{denied} on resource: {arn} with an explicit deny in a resource-based policy"
    )
    owner.put_key_policy(KeyId=PLAIN, Policy=default)


def signed(cluster: Cluster, path: str, message: bytes, region: str) -> list[tuple[str, str]]:
    """The metadata of a gRPC call, signed by botocore as a POST of its message."""
    request = AWSRequest("POST", f"http://{cluster.address}{path}", data=message)
    SigV4Auth(Credentials("AKIAROOT", "root-secret"), "kms", region).add_auth(request)
    return [(name.lower(), request.headers[name]) for name in ("Authorization", "X-Amz-Date")]


def test_a_grpc_call_is_signed_as_a_post_of_its_message(seeded):
    with grpc.insecure_channel(seeded.address) as channel:
        method = Schema(channel).method(KEY_MANAGEMENT, "Encrypt")
        request = GetMessageClass(method.input_type)(key_id=PLAIN, plaintext=b"hello")
        call = channel.unary_unary(
            ENCRYPT,
            request_serializer=type(request).SerializeToString,
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        metadata = signed(seeded, ENCRYPT, request.SerializeToString(), US)
        assert call(request, metadata=metadata, timeout=CALL_S).key_id.endswith(PLAIN)
        other = signed(seeded, ENCRYPT, b"something else", US)
        for wrong in (None, [("x-meridian-account", ACCOUNT)], other):
            with pytest.raises(grpc.RpcError) as refused:
                call(request, metadata=wrong, timeout=CALL_S)
            assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED


def test_a_seed_applied_again_changes_nothing(tmp_path):
    document = seed()
    file = write(tmp_path, document)
    cluster = Cluster(tmp_path, (US, EU), 1, data=tmp_path / "data", seed=file)
    try:
        cluster.start()
        before = root(cluster, US).encrypt(KeyId=SET, Plaintext=b"hello")["CiphertextBlob"]
        rotations = root(cluster, US).list_key_rotations(KeyId=SET)["Rotations"]
        cluster.stop()
        cluster.start()
        assert root(cluster, EU).decrypt(CiphertextBlob=before)["Plaintext"] == b"hello"
        assert root(cluster, US).list_key_rotations(KeyId=SET)["Rotations"] == rotations
        assert len(root(cluster, US).list_keys()["Keys"]) == 2
        cluster.stop()
        document["keys"][0]["description"] = "another"
        write(tmp_path, document)
        with pytest.raises(RuntimeError) as failed:
            cluster.start()
        assert f"seeding key {SET}" in str(failed.value)
        assert f"it exists in {US} with another description" in str(failed.value)
    finally:
        cluster.stop()


def test_the_audit_log_tells_whose_session_it_was(tmp_path):
    document = seed()
    document["accounts"][0]["roles"][0]["path"] = "/teams/"
    audit = tmp_path / "audit.jsonl"
    cluster = Cluster(
        tmp_path, (US,), 1, seed=write(tmp_path, alone(document)), flags=("--audit", str(audit))
    )
    with started(cluster):
        cluster.kms(US, "ASIABOB", secret="bob-secret", token="bob-token").list_keys()
        cluster.kms(US, "AKIAANN", secret="ann-secret").describe_key(KeyId=PLAIN)
        assert refusal(cluster.kms(US, "ASIABOB", secret="guess").list_keys)
    bob, ann, nobody = [json.loads(line)["userIdentity"] for line in audit.open()]
    assert bob == {
        "type": "AssumedRole",
        "principalId": "ops:bob",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/ops/bob",
        "accountId": ACCOUNT,
        "accessKeyId": "ASIABOB",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": "ops",
                "arn": f"arn:aws:iam::{ACCOUNT}:role/teams/ops",
                "accountId": ACCOUNT,
                "userName": "ops",
            },
            "attributes": {"mfaAuthenticated": "false"},
        },
    }
    assert (ann["type"], nobody) == ("IAMUser", {"type": "Unknown"})
    assert "sessionContext" not in ann
    assert "bob-token" not in audit.read_text()


def alone(document: dict) -> dict:
    """The seed with no other region than the first."""
    document["keys"][0]["replicas"] = []
    return document


def test_a_mistake_in_a_seed_is_named_without_its_secrets(tmp_path):
    document = seed()
    document["accounts"][0]["root"]["access_keys"][0]["token"] = "root-secret"
    command = [str(binary()), "up", "--ephemeral", "--seed", str(write(tmp_path, document))]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=CALL_S)
    assert ended.returncode != 0
    assert "unknown field" in ended.stderr and "root-secret" not in ended.stderr


def test_who_calls_too_fast_is_throttled(tmp_path):
    cluster = Cluster(tmp_path, (US, EU), 2, flags=("--throttle=0.0001",))
    try:
        cluster.start()
        kms = cluster.kms(US)
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        assert refusal(kms.create_key) == (
            "ThrottlingException: You have exceeded the rate at which you may call KMS. "
            "Reduce the frequency of your calls."
        )
        assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyId"] == key
        cluster.kms(US, "444455556666").create_key()
        # One account has one quota in a region, whichever port it comes to.
        status = cluster.region_status(US)
        addresses = [status["address"], *(node["address"] for node in status["nodes"])]
        assert len(set(addresses)) == len(addresses) == 3
        for address in addresses:
            assert refusal(cluster.kms(US, address=address).create_key).startswith("Throttling")
        at_node = cluster.kms(EU, address=cluster.region_status(EU)["nodes"][0]["address"])
        at_node.create_key()
        assert refusal(cluster.kms(EU).create_key).startswith("Throttling")
    finally:
        cluster.stop()
