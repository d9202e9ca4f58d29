"""No secret that a client, an operator or the cluster itself has lies in a file, a
log, the audit log or a page in the clear: private keys, passwords, the secrets of
access keys and of a proxy, tokens. For symmetric material and what passes between
regions there is tests/tests/canary.rs."""

from __future__ import annotations

import base64
import json
import os
import secrets
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key

from asymmetric import SIGNING, new_key, pkcs8
from calls import (
    ANCHOR,
    create_key,
    encrypt,
    error_code,
    eventually,
    import_material,
    key_store,
    replicate,
)
from cluster import ACCOUNT, EU, US, Cluster, started
from test_seed import allowing
from xks_proxy import ACCESS_KEY_ID, HOST, PATH, ExternalKey, XksProxy

ROLE = f"arn:aws:iam::{ACCOUNT}:role/ops"
PAGES = ("/metrics", "/regions", "/health")
WORD_BYTES = 16


def text(length: int) -> str:
    return "".join(secrets.choice(string.ascii_letters) for _ in range(length))


def shapes(secret: bytes) -> Iterator[bytes]:
    """How the bytes could lie around. Any half of them is enough: storage may cut
    a value in two."""
    for part in (secret[: len(secret) // 2], secret[len(secret) // 2 :]):
        assert len(part) >= WORD_BYTES // 2, "too short to be searched for"
        yield part
        yield part.hex().encode()
        yield part.hex().upper().encode()
        for separator in (",", ", "):
            yield separator.join(map(str, part)).encode()
        for before in range(3):
            # Characters that also hold bits of a neighbour are left out.
            whole = slice(-(-8 * before // 6), 8 * (before + len(part)) // 6)
            for encode in (base64.b64encode, base64.urlsafe_b64encode):
                yield encode(bytes(before) + part)[whole]


def found(places: dict[str, bytes], canaries: dict[str, bytes]) -> list[str]:
    return [
        f"{name} in {place}"
        for place, content in places.items()
        for name, secret in canaries.items()
        if any(shape in content for shape in shapes(secret))
    ]


def files(directory: Path) -> dict[str, bytes]:
    return {str(it): it.read_bytes() for it in directory.rglob("*") if it.is_file()}


def scalar(private) -> bytes:
    """What is secret of a private key: its number, or for RSA a prime."""
    numbers = private.private_numbers()
    number = numbers.p if isinstance(private, rsa.RSAPrivateKey) else numbers.private_value
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


class Life:
    """Calls with a secret of every kind, and the secrets."""

    def __init__(self, cluster: Cluster, proxy: XksProxy, credentials: dict[str, str]) -> None:
        self.proxy, self.credentials = proxy, credentials
        self.kms = cluster.kms(US, "AKIAROOT", secret=credentials["root"])
        self.there = cluster.kms(EU, "AKIAROOT", secret=credentials["root"])
        token = credentials["session token"]
        self.ops = cluster.kms(US, "ASIAOPS", secret=credentials["session"], token=token)
        self.canaries = {name: it.encode() for name, it in credentials.items()}
        self.tokens: dict[str, bytes] = {}
        wrong = cluster.kms(US, "AKIAROOT", secret=self.remember("wrong secret", text(40)))
        assert error_code(wrong.list_keys) == "InvalidSignatureException"

    def remember(self, name: str, secret: str) -> str:
        self.canaries[name] = secret.encode()
        return secret

    def import_private_keys(self) -> None:
        for spec, private in {
            "ECC_NIST_P256": ec.generate_private_key(ec.SECP256R1()),
            "RSA_2048": rsa.generate_private_key(public_exponent=65537, key_size=2048),
        }.items():
            key = new_key(self.kms, spec, SIGNING, Origin="EXTERNAL", MultiRegion=True)
            wrapping = "RSA_AES_KEY_WRAP_SHA_256"
            import_material(self.kms, key, pkcs8(private), algorithm=wrapping)
            replicate(self.kms, key, self.there)
            algorithm = "ECDSA_SHA_256" if spec.startswith("ECC") else "RSASSA_PSS_SHA_256"
            self.kms.sign(KeyId=key, Message=b"x", SigningAlgorithm=algorithm)
            self.canaries[f"imported {spec}"] = scalar(private)

    def generate_pairs(self) -> None:
        key = create_key(self.kms)["KeyId"]
        for spec in ("ECC_NIST_P256", "RSA_2048"):
            made = self.kms.generate_data_key_pair(KeyId=key, KeyPairSpec=spec)
            self.kms.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"])
            private = load_der_private_key(made["PrivateKeyPlaintext"], None)
            self.canaries[f"generated {spec}"] = scalar(private)

    def use_a_grant_token(self) -> None:
        key = create_key(self.kms)["KeyId"]
        made = self.kms.create_grant(KeyId=key, GranteePrincipal=ROLE, Operations=["Encrypt"])
        token = made["GrantToken"]
        encrypt(self.ops, key, GrantTokens=[token])
        # Not its beginning, which may say what it is.
        self.tokens["grant token"] = token[len(token) // 2 :].encode()

    def connect_key_stores(self) -> None:
        password = self.remember("key store password", text(32))
        cluster_store = {
            "CustomKeyStoreName": "cluster",
            "CloudHsmClusterId": "cluster-canaryaaaaa",
            "TrustAnchorCertificate": ANCHOR,
            "KeyStorePassword": password,
        }
        proxy_store = {
            "CustomKeyStoreName": "proxy",
            "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
            "XksProxyConnectivity": "PUBLIC_ENDPOINT",
            "XksProxyUriEndpoint": f"https://{HOST}",
            "XksProxyUriPath": PATH,
            "XksProxyAuthenticationCredential": {
                "AccessKeyId": ACCESS_KEY_ID,
                "RawSecretAccessKey": self.remember("secret of the proxy", self.proxy.secret),
            },
        }
        for settings in (cluster_store, proxy_store):
            store = self.kms.create_custom_key_store(**settings)["CustomKeyStoreId"]
            self.kms.connect_custom_key_store(CustomKeyStoreId=store)
            state = lambda: key_store(self.kms, store)["ConnectionState"]  # noqa: B023, E731
            eventually(state, "CONNECTED")
        self.proxy.keys["canary"] = ExternalKey()
        origin = {"Origin": "EXTERNAL_KEY_STORE", "XksKeyId": "canary"}
        key = create_key(self.kms, CustomKeyStoreId=store, **origin)["KeyId"]
        self.kms.decrypt(CiphertextBlob=encrypt(self.kms, key))


def seed(credentials: dict[str, str]) -> dict:
    session = {
        "name": "bob",
        "access_key": {"id": "ASIAOPS", "secret": credentials["session"]},
        "token": credentials["session token"],
    }
    account = {
        "id": ACCOUNT,
        "root": {"access_keys": [{"id": "AKIAROOT", "secret": credentials["root"]}]},
        "roles": [{"name": "ops", "policies": [allowing("kms:ListKeys")], "sessions": [session]}],
    }
    return {"version": 1, "authorization": "enforced", "accounts": [account]}


@pytest.fixture
def proxy() -> Iterator[XksProxy]:
    proxy = XksProxy()
    proxy.secret = text(43)
    yield proxy
    proxy.close()


def test_no_secret_lies_anywhere_in_the_clear(tmp_path, proxy, monkeypatch):
    monkeypatch.setenv("MERIDIAN_LOG", "debug")
    credentials = {name: text(40) for name in ("root", "session", "session token")}
    directory = tmp_path / "cluster"
    directory.mkdir()
    # JSON is YAML. The seed is a secret itself, and lies where nothing is searched.
    file = tmp_path / "seed.yaml"
    file.write_text(json.dumps(seed(credentials)))
    flags = (
        f"--audit={directory / 'audit.jsonl'}",
        f"--events={directory / 'events.jsonl'}",
        f"--xks-proxy={HOST}={proxy.address}",
        "--xks-timeout=5000",
    )
    data, record = directory / "data", directory / "history.jsonl"
    cluster = Cluster(directory, (US, EU), 1, record=record, data=data, seed=file, flags=flags)
    with started(cluster):
        life = Life(cluster, proxy, credentials)
        life.import_private_keys()
        life.generate_pairs()
        life.use_a_grant_token()
        life.connect_key_stores()
        pages = {path: cluster.get(path)[1] for path in PAGES}
    left = files(directory)
    assert found(pages | left, life.canaries) == []
    # AWS calls a grant token no secret: a region may store it, and shows it to nobody.
    shown = {place: content for place, content in left.items() if str(data) not in place}
    assert found(pages | shown, life.tokens) == []
    # The search means something: it has seen the requests, and finds what lies around.
    told = b"".join(left.values())
    for operation in ("ImportKeyMaterial", "CreateCustomKeyStore", "CreateGrant", "Sign"):
        assert told.count(operation.encode()) > 1, operation
    assert {Path(it).name for it in left} >= {"stderr", "audit.jsonl", "events.jsonl"}
    leak = {"leak": b"password=" + life.canaries["key store password"]}
    assert found(leak, life.canaries) == ["key store password in leak"]
    assert found({"leak": os.urandom(1 << 16)}, life.canaries) == []
