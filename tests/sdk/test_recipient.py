"""Answers for Nitro enclaves: attestation documents under a root of the tests'
own, and CMS that only the enclave can open."""

from __future__ import annotations

import datetime
import os

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.x509.oid import NameOID

from calls import create_key, encrypt, members, refused
from cluster import US, Cluster, started

PROTECTED = b"\xa1\x01\x38\x22"
SHA256 = hashes.SHA256()


def cbor(value) -> bytes:
    """The few kinds of CBOR that an attestation document has."""
    if value is None:
        return b"\xf6"
    if isinstance(value, int):
        return head(0, value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value)) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    pairs = [cbor(key) + cbor(item) for key, item in value.items()]
    return head(5, len(pairs)) + b"".join(pairs)


def head(kind: int, number: int) -> bytes:
    if number < 24:
        return bytes([kind << 5 | number])
    size = next(size for size in (1, 2, 4, 8) if number < 1 << 8 * size)
    return bytes([kind << 5 | 24 + size.bit_length() - 1]) + number.to_bytes(size, "big")


class Authority:
    """A root, and what it has signed."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP384R1())
        self.root = self.certificate("root", self.key, is_authority=True)

    def certificate(self, name: str, key, is_authority: bool) -> x509.Certificate:
        def named(text: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

        now, day = datetime.datetime.now(datetime.timezone.utc), datetime.timedelta(days=1)
        builder = x509.CertificateBuilder(
            named("root"), named(name), key.public_key(), x509.random_serial_number()
        )
        builder = builder.not_valid_before(now - day).not_valid_after(now + day)
        constraints = x509.BasicConstraints(ca=is_authority, path_length=None)
        return builder.add_extension(constraints, critical=True).sign(self.key, hashes.SHA384())

    def document(self, public_key) -> bytes:
        """What the hypervisor says of an enclave with this key."""
        der = serialization.Encoding.DER
        leaf_key = ec.generate_private_key(ec.SECP384R1())
        leaf = self.certificate("enclave", leaf_key, is_authority=False)
        payload = cbor(
            {
                "module_id": "i-1234567890abcdef0-enc0",
                "digest": "SHA384",
                "timestamp": 1767225600000,
                "pcrs": {index: bytes(48) for index in range(16)},
                "certificate": leaf.public_bytes(der),
                "cabundle": [self.root.public_bytes(der)],
                "public_key": public_key.public_bytes(
                    der, serialization.PublicFormat.SubjectPublicKeyInfo
                ),
                "user_data": None,
                "nonce": None,
            }
        )
        to_sign = cbor(["Signature1", PROTECTED, b"", payload])
        signature = leaf_key.sign(to_sign, ec.ECDSA(hashes.SHA384()))
        numbers = [it.to_bytes(48, "big") for it in decode_dss_signature(signature)]
        return b"\xd2" + cbor([PROTECTED, {}, payload, b"".join(numbers)])


class Enclave:
    """Holds a private key, and has it attested."""

    def __init__(self, authority: Authority) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.recipient = {
            "KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256",
            "AttestationDocument": authority.document(self.key.public_key()),
        }

    def open(self, message: bytes) -> bytes:
        """Reads CMS EnvelopedData (RFC 5652)."""
        _, wrapper = elements(elements(message)[0])
        _, recipients, encrypted = elements(elements(wrapper)[0])
        *_, wrapped = elements(elements(recipients)[0])
        _, cipher, content = elements(encrypted)
        oaep = padding.OAEP(padding.MGF1(SHA256), SHA256, None)
        key, iv = self.key.decrypt(wrapped, oaep), elements(cipher)[1]
        opening = Cipher(algorithms.AES256(key), modes.CBC(iv)).decryptor()
        unpadding = PKCS7(128).unpadder()
        padded = opening.update(content) + opening.finalize()
        return unpadding.update(padded) + unpadding.finalize()


def elements(der: bytes) -> list[bytes]:
    """The contents of the elements in a row."""
    found = []
    while der:
        length, start = der[1], 2
        if length >= 0x80:
            start = 2 + (length & 0x7F)
            length = int.from_bytes(der[2:start], "big")
        found.append(der[start : start + length])
        der = der[start + length :]
    return found


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def kms(authority, tmp_path_factory):
    """A region that trusts the tests' own root."""
    directory = tmp_path_factory.mktemp("recipient")
    pem = directory / "root.pem"
    pem.write_bytes(authority.root.public_bytes(serialization.Encoding.PEM))
    flags = (f"--attestation-root={pem}",)
    with started(Cluster(directory, (US,), nodes_per_region=1, flags=flags)) as cluster:
        yield cluster.kms(US)


def test_only_the_enclave_reads_the_plaintext(kms, authority):
    enclave = Enclave(authority)
    recipient = enclave.recipient
    key_id = create_key(kms)["KeyId"]
    ciphertext = encrypt(kms, key_id, b"hello")
    answer = kms.decrypt(CiphertextBlob=ciphertext, Recipient=recipient)
    assert members(answer) == {"KeyId", "EncryptionAlgorithm", "CiphertextForRecipient"}
    assert enclave.open(answer["CiphertextForRecipient"]) == b"hello"

    made = kms.generate_data_key(KeyId=key_id, KeySpec="AES_256", Recipient=recipient)
    assert members(made) == {"KeyId", "CiphertextBlob", "CiphertextForRecipient"}
    opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"]
    assert enclave.open(made["CiphertextForRecipient"]) == opened

    pair = kms.generate_data_key_pair(
        KeyId=key_id, KeyPairSpec="ECC_NIST_P256", Recipient=recipient
    )
    assert "PrivateKeyPlaintext" not in pair
    private = serialization.load_der_private_key(
        enclave.open(pair["CiphertextForRecipient"]), password=None
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert public == pair["PublicKey"]

    drawn = kms.generate_random(NumberOfBytes=24, Recipient=recipient)
    assert members(drawn) == {"CiphertextForRecipient"}
    assert len(enclave.open(drawn["CiphertextForRecipient"])) == 24


def test_a_document_that_proves_nothing_is_refused(kms, authority):
    recipient = dict(Enclave(authority).recipient)
    document = recipient["AttestationDocument"]
    for bad in (
        os.urandom(200),
        document[:-1] + bytes([document[-1] ^ 1]),
        Enclave(Authority()).recipient["AttestationDocument"],
    ):
        with refused("ValidationException"):
            kms.generate_random(
                NumberOfBytes=8, Recipient={**recipient, "AttestationDocument": bad}
            )


def test_the_key_of_a_document_has_to_be_rsa(kms, authority):
    other = ec.generate_private_key(ec.SECP384R1()).public_key()
    recipient = {
        **Enclave(authority).recipient,
        "AttestationDocument": authority.document(other),
    }
    key_id = create_key(kms)["KeyId"]
    with refused("ValidationException"):
        kms.generate_data_key(
            KeyId=key_id, KeySpec="AES_256", Recipient=recipient, DryRun=True
        )


def test_no_document_is_accepted_without_a_root(cluster, authority):
    with refused("UnsupportedOperationException"):
        cluster.kms(US).generate_random(
            NumberOfBytes=8, Recipient=Enclave(authority).recipient
        )
