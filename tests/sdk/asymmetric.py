"""Keys with a public half: made in KMS, and used outside by Python's `cryptography`,
which stands in for everybody who is not KMS."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_public_key,
)

from calls import create_key

SIGNING, ENCRYPTION = "SIGN_VERIFY", "ENCRYPT_DECRYPT"
AGREEMENT, ENCAPSULATION = "KEY_AGREEMENT", "ENCAPSULATE_DECAPSULATE"
CURVES = {
    "ECC_NIST_P256": ec.SECP256R1(),
    "ECC_NIST_P384": ec.SECP384R1(),
    "ECC_NIST_P521": ec.SECP521R1(),
    "ECC_SECG_P256K1": ec.SECP256K1(),
}
DIGESTS = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


def new_key(kms, spec: str, usage: str, **parameters) -> str:
    """A key of this spec and usage; its ID."""
    return create_key(kms, KeySpec=spec, KeyUsage=usage, **parameters)["KeyId"]


def public_key(kms, key_id: str) -> Any:
    """The public half, as `cryptography` reads it."""
    return load_der_public_key(kms.get_public_key(KeyId=key_id)["PublicKey"])


def digest_of(algorithm: str) -> hashes.HashAlgorithm:
    """The hash that a signing algorithm is named after."""
    return DIGESTS[algorithm[-3:]]


def digest(algorithm: str, message: bytes) -> bytes:
    hashing = hashes.Hash(digest_of(algorithm))
    hashing.update(message)
    return hashing.finalize()


def verification(algorithm: str) -> tuple:
    """What `verify` of `cryptography` wants for an algorithm, behind signature and digest."""
    hashed = Prehashed(digest_of(algorithm))
    if algorithm.startswith("ECDSA"):
        return (ec.ECDSA(hashed),)
    if algorithm.startswith("RSASSA_PKCS1"):
        return (padding.PKCS1v15(), hashed)
    mask = padding.MGF1(digest_of(algorithm))
    return (padding.PSS(mgf=mask, salt_length=digest_of(algorithm).digest_size), hashed)


def pkcs8(private_key: Any) -> bytes:
    return private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
