"""Encrypt, Decrypt and ReEncrypt under RSA keys, ECDH, and data key pairs, all of them
with the other side played by `cryptography`."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
)

from asymmetric import AGREEMENT, CURVES, ENCRYPTION, new_key, public_key
from calls import create_key, current_material, describe, encrypt, members, refused, wrap

OAEP = ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]


@pytest.fixture(scope="module")
def rsa_key(kms) -> str:
    return new_key(kms, "RSA_2048", ENCRYPTION)


@pytest.mark.parametrize("algorithm", OAEP)
def test_what_is_encrypted_outside_decrypts_inside(kms, rsa_key, algorithm):
    key = {"KeyId": rsa_key, "EncryptionAlgorithm": algorithm}
    blob = wrap(kms.get_public_key(KeyId=rsa_key)["PublicKey"], algorithm, b"from outside")
    opened = kms.decrypt(**key, CiphertextBlob=blob)
    assert members(opened) == {"EncryptionAlgorithm", "KeyId", "Plaintext"}
    assert opened["Plaintext"] == b"from outside"
    made = kms.encrypt(**key, Plaintext=b"from inside")
    assert made["EncryptionAlgorithm"] == algorithm
    assert kms.decrypt(**key, CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == b"from inside"
    with refused("ValidationException", "KeyId must not be null"):
        kms.decrypt(CiphertextBlob=blob, EncryptionAlgorithm=algorithm)
    with refused("InvalidCiphertextException", ""):
        kms.decrypt(KeyId=rsa_key, CiphertextBlob=blob)


@pytest.mark.parametrize(("algorithm", "most"), [(OAEP[0], 214), (OAEP[1], 190)])
def test_a_block_holds_so_much_and_no_more(kms, rsa_key, algorithm, most):
    key = {"KeyId": rsa_key, "EncryptionAlgorithm": algorithm}
    kms.encrypt(**key, Plaintext=b"x" * most)
    text = f"Algorithm {algorithm} and key spec RSA_2048 cannot encrypt data larger than {most} bytes."
    with refused("ValidationException", text):
        kms.encrypt(**key, Plaintext=b"x" * (most + 1))


def test_an_encryption_context_does_not_go_with_rsa(kms, rsa_key):
    key = {"KeyId": rsa_key, "EncryptionAlgorithm": OAEP[1], "EncryptionContext": {"a": "1"}}
    text = "EncryptionContext is not supported when {} with asymmetric CMKs."
    with refused("ValidationException", text.format("encrypting")):
        kms.encrypt(**key, Plaintext=b"x")
    with refused("ValidationException", text.format("decrypting")):
        kms.decrypt(**key, CiphertextBlob=b"x" * 256)


def test_a_ciphertext_moves_from_a_symmetric_key_to_an_rsa_key(kms, rsa_key):
    symmetric = create_key(kms)["KeyId"]
    moved = kms.re_encrypt(
        CiphertextBlob=encrypt(kms, symmetric, b"hello"),
        DestinationKeyId=rsa_key,
        DestinationEncryptionAlgorithm=OAEP[1],
    )
    assert "DestinationKeyMaterialId" not in moved
    assert moved["SourceKeyMaterialId"] == current_material(kms, symmetric)
    opened = kms.decrypt(
        KeyId=rsa_key, CiphertextBlob=moved["CiphertextBlob"], EncryptionAlgorithm=OAEP[1]
    )
    assert opened["Plaintext"] == b"hello"


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"])
def test_a_secret_is_shared_with_somebody_outside(kms, spec):
    key = new_key(kms, spec, AGREEMENT)
    peer = ec.generate_private_key(CURVES[spec])
    peer_public = peer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    answer = kms.derive_shared_secret(
        KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=peer_public
    )
    assert members(answer) == {"KeyAgreementAlgorithm", "KeyId", "KeyOrigin", "SharedSecret"}
    assert answer["SharedSecret"] == peer.exchange(ec.ECDH(), public_key(kms, key))
    with refused("ValidationException", ""):
        kms.derive_shared_secret(KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=b"no key")


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ("RSA_2048", rsa.RSAPrivateKey),
        ("RSA_4096", rsa.RSAPrivateKey),
        *((spec, ec.EllipticCurvePrivateKey) for spec in CURVES),
        ("ECC_NIST_EDWARDS25519", ed25519.Ed25519PrivateKey),
    ],
)
def test_both_halves_of_a_data_key_pair_belong_together(kms, spec, kind):
    key = create_key(kms)["KeyId"]
    context = {"EncryptionContext": {"purpose": "pair"}}
    made = kms.generate_data_key_pair(KeyId=key, KeyPairSpec=spec, **context)
    assert members(made) == {
        "KeyId", "KeyMaterialId", "KeyPairSpec", "PrivateKeyCiphertextBlob",
        "PrivateKeyPlaintext", "PublicKey",
    }
    assert made["KeyId"] == describe(kms, key)["Arn"]
    private = load_der_private_key(made["PrivateKeyPlaintext"], password=None)
    assert isinstance(private, kind)
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert public == made["PublicKey"]
    opened = kms.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"], **context)
    assert opened["Plaintext"] == made["PrivateKeyPlaintext"]


def test_a_data_key_pair_can_come_without_its_private_key(kms):
    key = create_key(kms)["KeyId"]
    made = kms.generate_data_key_pair_without_plaintext(KeyId=key, KeyPairSpec="ECC_NIST_P256")
    assert members(made) == {
        "KeyId", "KeyMaterialId", "KeyPairSpec", "PrivateKeyCiphertextBlob", "PublicKey",
    }
    opened = kms.decrypt(CiphertextBlob=made["PrivateKeyCiphertextBlob"])["Plaintext"]
    private = load_der_private_key(opened, password=None)
    public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert public == made["PublicKey"]
    with refused("UnsupportedOperationException"):
        kms.generate_data_key_pair(KeyId=key, KeyPairSpec="SM2")
