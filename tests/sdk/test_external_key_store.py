"""External key stores: KMS keys whose bytes an external key manager holds behind
a proxy. The proxy is one of the tests' own, see xks_proxy.py."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from calls import (
    create_key,
    describe,
    encrypt,
    error_code,
    eventually,
    key_state,
    key_store,
    refused,
)
from cluster import US, Cluster, started
from xks_proxy import ACCESS_KEY_ID, HOST, PATH, SECRET, ExternalKey, Refused, XksProxy

TIMEOUT_MS = 2000
# Where proxies are reached through VPC endpoint services.
PRIVATE_HOSTS = ("one.example.com", "two.example.com", "three.example.com")
NOT_UNDERSTOOD = (
    "AWS KMS cannot interpret the response from the external key store proxy. If you see this "
    "error repeatedly, report it to your external key store proxy administrator."
)


@pytest.fixture(scope="module")
def running_proxy():
    proxy = XksProxy()
    yield proxy
    proxy.close()


@pytest.fixture(scope="module")
def kms(running_proxy, tmp_path_factory):
    """A region of three nodes that knows where the proxy is."""
    directory = tmp_path_factory.mktemp("external-key-store")
    flags = (
        f"--xks-proxy={HOST}={running_proxy.address}",
        *(f"--xks-proxy={host}={running_proxy.address}" for host in PRIVATE_HOSTS),
        "--xks-proxy=gone.example.com=127.0.0.1:1",
        f"--xks-timeout={TIMEOUT_MS}",
    )
    with started(Cluster(directory, (US,), nodes_per_region=3, flags=flags)) as cluster:
        yield cluster.kms(US)


@pytest.fixture
def proxy(running_proxy):
    """The proxy, which is well again after the test."""
    yield running_proxy
    running_proxy.refusal = running_proxy.rubbish = None
    running_proxy.health, running_proxy.secret = "ACTIVE", SECRET
    running_proxy.paths = {PATH}
    running_proxy.go_on.set()


def settings(**other) -> dict:
    return {
        "CustomKeyStoreName": "external",
        "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
        "XksProxyConnectivity": "PUBLIC_ENDPOINT",
        "XksProxyUriEndpoint": f"https://{HOST}",
        "XksProxyUriPath": PATH,
        "XksProxyAuthenticationCredential": {
            "AccessKeyId": ACCESS_KEY_ID,
            "RawSecretAccessKey": SECRET,
        },
        **other,
    }


def connection(kms, store: str) -> str:
    return key_store(kms, store)["ConnectionState"]


def external_key(kms, proxy, store: str, external_id: str) -> str:
    proxy.keys[external_id] = ExternalKey()
    key = create_key(
        kms, Origin="EXTERNAL_KEY_STORE", CustomKeyStoreId=store, XksKeyId=external_id
    )
    return key["KeyId"]


def test_the_life_of_an_external_key(kms, proxy):
    store = kms.create_custom_key_store(**settings())["CustomKeyStoreId"]
    assert connection(kms, store) == "DISCONNECTED"
    kms.connect_custom_key_store(CustomKeyStoreId=store)
    eventually(lambda: connection(kms, store), "CONNECTED")
    shown = key_store(kms, store)["XksProxyConfiguration"]
    assert shown == {
        "Connectivity": "PUBLIC_ENDPOINT",
        "AccessKeyId": ACCESS_KEY_ID,
        "UriEndpoint": f"https://{HOST}",
        "UriPath": PATH,
    }
    with refused("XksProxyUriInUseException"):
        kms.create_custom_key_store(**settings(CustomKeyStoreName="again"))

    with refused("XksKeyNotFoundException"):
        create_key(
            kms, Origin="EXTERNAL_KEY_STORE", CustomKeyStoreId=store, XksKeyId="nobody"
        )
    key_id = external_key(kms, proxy, store, "life")
    described = describe(kms, key_id)
    assert described["Origin"] == "EXTERNAL_KEY_STORE"
    assert described["XksKeyConfiguration"] == {"Id": "life"}
    assert "CurrentKeyMaterialId" not in described
    with refused("XksKeyAlreadyInUseException"):
        create_key(kms, Origin="EXTERNAL_KEY_STORE", CustomKeyStoreId=store, XksKeyId="life")
    proxy.keys["off"] = ExternalKey(status="DISABLED")
    proxy.keys["short"] = ExternalKey(spec="AES_128")
    for external_id in ("off", "short"):
        with refused("XksKeyInvalidConfigurationException"):
            create_key(
                kms, Origin="EXTERNAL_KEY_STORE", CustomKeyStoreId=store, XksKeyId=external_id
            )

    context = {"purpose": "test"}
    ciphertext = encrypt(kms, key_id, b"hello", EncryptionContext=context)
    path, asked = proxy.requests[-1]
    assert path == f"{PATH}/keys/life/encrypt"
    assert asked["requestMetadata"]["kmsOperation"] == "Encrypt"
    assert asked["requestMetadata"]["kmsKeyArn"] == described["Arn"]
    opened = kms.decrypt(CiphertextBlob=ciphertext, EncryptionContext=context)
    assert opened["Plaintext"] == b"hello"
    assert "KeyMaterialId" not in opened
    with refused("KMSInvalidStateException"):
        kms.decrypt(CiphertextBlob=ciphertext)
    made = kms.generate_data_key(KeyId=key_id, KeySpec="AES_256")
    assert kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == made["Plaintext"]
    other = external_key(kms, proxy, store, "other")
    moved = kms.re_encrypt(
        CiphertextBlob=ciphertext, SourceEncryptionContext=context, DestinationKeyId=other
    )
    assert kms.decrypt(CiphertextBlob=moved["CiphertextBlob"])["Plaintext"] == b"hello"
    local = create_key(kms)["KeyId"]
    moved = kms.re_encrypt(CiphertextBlob=moved["CiphertextBlob"], DestinationKeyId=local)
    assert kms.decrypt(CiphertextBlob=moved["CiphertextBlob"])["Plaintext"] == b"hello"
    # A key that its first use makes, where the proxy has to be asked as well.
    moved = kms.re_encrypt(
        CiphertextBlob=ciphertext,
        SourceEncryptionContext=context,
        DestinationKeyId="alias/aws/sqs",
    )
    assert kms.decrypt(CiphertextBlob=moved["CiphertextBlob"])["Plaintext"] == b"hello"
    for call in (
        lambda: kms.enable_key_rotation(KeyId=key_id),
        lambda: kms.rotate_key_on_demand(KeyId=key_id),
        lambda: kms.generate_data_key_pair(KeyId=key_id, KeyPairSpec="ECC_NIST_P256"),
        lambda: kms.generate_random(NumberOfBytes=8, CustomKeyStoreId=store),
    ):
        assert error_code(call) == "UnsupportedOperationException"

    # What goes wrong at the proxy becomes an error of KMS.
    use = lambda: encrypt(kms, key_id)  # noqa: E731
    proxy.keys["life"].status = "DISABLED"
    with refused("KMSInvalidStateException"):
        use()
    proxy.keys["life"].status = "ENABLED"
    for status, name in ((403, "AccessDeniedException"), (429, "ThrottlingException")):
        proxy.refusal = Refused(status, name)
        with refused("KMSInvalidStateException"):
            use()
    proxy.refusal = None
    for rubbish in (b"<html>", b"[]", b'{"ciphertext": "AA=="}'):
        proxy.rubbish = rubbish
        with refused("KMSInvalidStateException", NOT_UNDERSTOOD):
            use()
    proxy.rubbish = None
    with proxy.silent(), refused("KMSInvalidStateException"):
        use()
    use()

    # Another credential, which works only once the proxy knows it.
    proxy.secret = SECRET[::-1].lower().replace("=", "A")
    credential = {"AccessKeyId": ACCESS_KEY_ID, "RawSecretAccessKey": proxy.secret}
    with refused("KMSInvalidStateException"):
        use()
    kms.update_custom_key_store(
        CustomKeyStoreId=store, XksProxyAuthenticationCredential=credential
    )
    use()

    kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    assert key_state(kms, key_id) == "Unavailable"
    with refused("KMSInvalidStateException", f"{described['Arn']} is unavailable."):
        use()
    eventually(lambda: connection(kms, store), "DISCONNECTED")
    proxy.refusal = Refused(401, "AuthenticationFailedException")
    kms.connect_custom_key_store(CustomKeyStoreId=store)
    eventually(lambda: connection(kms, store), "FAILED")
    assert key_store(kms, store)["ConnectionErrorCode"] == "XKS_PROXY_ACCESS_DENIED"
    kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    eventually(lambda: connection(kms, store), "DISCONNECTED")
    proxy.refusal = None
    kms.connect_custom_key_store(CustomKeyStoreId=store)
    eventually(lambda: connection(kms, store), "CONNECTED")
    assert kms.decrypt(CiphertextBlob=use())["Plaintext"] == b"a secret"


def test_a_proxy_is_asked_before_a_key_store_is_created(kms, proxy):
    def create(**other) -> str | None:
        other = {"CustomKeyStoreName": "new", "XksProxyUriPath": "/new/kms/xks/v1", **other}
        return error_code(lambda: kms.create_custom_key_store(**settings(**other)))

    assert create() == "XksProxyInvalidConfigurationException"
    assert create(XksProxyUriEndpoint="https://gone.example.com") == (
        "XksProxyUriUnreachableException"
    )
    assert create(XksProxyUriEndpoint="https://unknown.example.com") == (
        "XksProxyUriUnreachableException"
    )
    wrong = {"AccessKeyId": ACCESS_KEY_ID, "RawSecretAccessKey": "A" * 43}
    assert create(XksProxyAuthenticationCredential=wrong) == (
        "XksProxyIncorrectAuthenticationCredentialException"
    )
    proxy.rubbish = b"{}"
    assert create() == "XksProxyInvalidResponseException"
    proxy.rubbish = None
    with proxy.silent():
        assert create() == "XksProxyUriUnreachableException"
    assert create(XksProxyConnectivity="VPC_ENDPOINT_SERVICE") == "ValidationException"


def test_a_proxy_is_asked_before_a_key_store_is_changed(kms, proxy):
    """What is wrong with the new settings is what would be wrong with a new store."""

    def create(name: str, path: str) -> str:
        made = settings(CustomKeyStoreName=name, XksProxyUriPath=path)
        proxy.paths.add(path)
        return kms.create_custom_key_store(**made)["CustomKeyStoreId"]

    create("neighbour", "/neighbour/kms/xks/v1")
    store = create("changed", "/changed/kms/xks/v1")
    before = key_store(kms, store)

    def update(**other) -> str | None:
        return error_code(lambda: kms.update_custom_key_store(CustomKeyStoreId=store, **other))

    assert update(XksProxyUriPath="/neighbour/kms/xks/v1") == "XksProxyUriInUseException"
    assert update(XksProxyUriPath="/nowhere/kms/xks/v1") == "XksProxyInvalidConfigurationException"
    gone = "https://gone.example.com"
    assert update(XksProxyUriEndpoint=gone) == "XksProxyUriUnreachableException"
    wrong = {"AccessKeyId": ACCESS_KEY_ID, "RawSecretAccessKey": "A" * 43}
    assert update(XksProxyAuthenticationCredential=wrong) == (
        "XksProxyIncorrectAuthenticationCredentialException"
    )
    proxy.paths.add("/moved/kms/xks/v1")
    proxy.rubbish = b"{}"
    assert update(XksProxyUriPath="/moved/kms/xks/v1") == "XksProxyInvalidResponseException"
    assert key_store(kms, store) == before
    proxy.rubbish = None
    assert update(XksProxyUriPath="/moved/kms/xks/v1") is None


class Authority:
    """Issues certificates for proxies."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
        self.file = directory / "ca.pem"
        ca = x509.BasicConstraints(ca=True, path_length=None)
        root = self.builder(self.name, self.key).add_extension(ca, critical=True)
        self.file.write_bytes(self.signed(root))

    def builder(self, subject: x509.Name, key, days: int = 1) -> x509.CertificateBuilder:
        ends = datetime.now(UTC) + timedelta(days=days)
        return (
            x509.CertificateBuilder(self.name, subject, key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(ends - timedelta(days=2))
            .not_valid_after(ends)
        )

    def signed(self, builder: x509.CertificateBuilder) -> bytes:
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def issue(self, file_name: str, host: str = HOST, days: int = 1) -> Path:
        """A certificate that ends in so many days, and its private key, in one file."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        certificate = self.builder(subject, key, days).add_extension(names, critical=False)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file = self.directory / file_name
        file.write_bytes(self.signed(certificate) + private)
        return file


def test_a_proxy_over_tls_has_to_prove_who_it_is(tmp_path):
    (tmp_path / "stranger").mkdir()
    authority, stranger = Authority(tmp_path), Authority(tmp_path / "stranger")
    certificates = {
        HOST: authority.issue("right.pem"),
        "other.example.com": authority.issue("name.pem", host="somebody.example.com"),
        "old.example.com": authority.issue("old.pem", host="old.example.com", days=-1),
        "stranger.example.com": stranger.issue("stranger.pem", host="stranger.example.com"),
    }
    proxies = {host: XksProxy(certificate) for host, certificate in certificates.items()}
    plain = XksProxy()
    addresses = {host: proxy.address for host, proxy in proxies.items()}
    addresses["plain.example.com"] = f"https://{plain.address}"
    flags = (
        *(f"--xks-proxy={host}={address}" for host, address in addresses.items()),
        f"--xks-ca={authority.file}",
        f"--xks-timeout={TIMEOUT_MS}",
    )
    try:
        with started(Cluster(tmp_path, (US,), nodes_per_region=1, flags=flags)) as cluster:
            kms = cluster.kms(US)
            store = kms.create_custom_key_store(**settings())["CustomKeyStoreId"]
            kms.connect_custom_key_store(CustomKeyStoreId=store)
            eventually(lambda: connection(kms, store), "CONNECTED")
            key = external_key(kms, proxies[HOST], store, "over-tls")
            opened = kms.decrypt(CiphertextBlob=encrypt(kms, key, b"hello"))
            assert opened["Plaintext"] == b"hello"

            untrusted = (
                "AWS KMS cannot establish a TLS connection to the external key store proxy. "
                "Verify the TLS configuration, including its certificate."
            )
            for host in addresses.keys() - {HOST}:
                endpoint = {"XksProxyUriEndpoint": f"https://{host}"}
                with refused("XksProxyInvalidConfigurationException", untrusted):
                    kms.create_custom_key_store(**settings(CustomKeyStoreName=host, **endpoint))
                assert not proxies.get(host, plain).requests
            # A store whose proxy has another certificate since.
            kms.disconnect_custom_key_store(CustomKeyStoreId=store)
            eventually(lambda: connection(kms, store), "DISCONNECTED")
            proxies[HOST].present(certificates["other.example.com"])
            kms.connect_custom_key_store(CustomKeyStoreId=store)
            eventually(lambda: connection(kms, store), "FAILED")
            code = key_store(kms, store)["ConnectionErrorCode"]
            assert code == "XKS_PROXY_INVALID_TLS_CONFIGURATION"
    finally:
        for proxy in (plain, *proxies.values()):
            proxy.close()


def test_a_proxy_behind_an_endpoint_service_shares_neither_host_nor_service(kms, proxy):
    def private(number: int, host: str, service: int) -> dict:
        path = f"/private{number}/kms/xks/v1"
        proxy.paths.add(path)
        return settings(
            CustomKeyStoreName=f"private {number}",
            XksProxyConnectivity="VPC_ENDPOINT_SERVICE",
            XksProxyVpcEndpointServiceName=f"com.amazonaws.vpce.us-east-1.vpce-svc-{service}",
            XksProxyUriEndpoint=f"https://{host}",
            XksProxyUriPath=path,
        )

    def in_place_of(store: str, wanted: dict) -> None:
        kept = ("CustomKeyStoreName", "CustomKeyStoreType")
        changes = {name: value for name, value in wanted.items() if name not in kept}
        kms.update_custom_key_store(CustomKeyStoreId=store, **changes)

    here, there, elsewhere = PRIVATE_HOSTS
    made = [private(1, here, 1), private(2, there, 2)]
    stores = [kms.create_custom_key_store(**it)["CustomKeyStoreId"] for it in made]
    for error, wanted in [
        ("XksProxyUriEndpointInUseException", private(3, here, 3)),
        ("XksProxyVpcEndpointServiceInUseException", private(4, elsewhere, 1)),
    ]:
        with refused(error):
            kms.create_custom_key_store(**wanted)
        with refused(error):
            in_place_of(stores[1], wanted)
    for store in stores:
        kms.delete_custom_key_store(CustomKeyStoreId=store)
