"""ML-DSA and ML-KEM keys, with `cryptography` on the other side."""

import pytest
from cryptography.hazmat.primitives.asymmetric import mldsa, mlkem
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
)

from asymmetric import ENCAPSULATION, SIGNING, new_key, public_key
from calls import create_key, describe, members, refused

MESSAGE = b"to be signed"
ALGORITHM = {"SigningAlgorithm": "ML_DSA_SHAKE_256"}
ML_KEM = {"EncapsulationAlgorithm": "ML_KEM"}


@pytest.mark.parametrize(
    ("spec", "length"), [("ML_DSA_44", 2420), ("ML_DSA_65", 3309), ("ML_DSA_87", 4627)]
)
def test_a_message_and_its_mu_are_signed_alike(kms, spec, length):
    key = new_key(kms, spec, SIGNING)
    outside = public_key(kms, key)
    hasher = mldsa.MLDSAMuHasher(outside)
    hasher.update(MESSAGE)
    forms = [
        {"Message": MESSAGE, "MessageType": "RAW"},
        {"Message": hasher.finalize(), "MessageType": "EXTERNAL_MU"},
    ]
    for signed_form in forms:
        signed = kms.sign(KeyId=key, **ALGORITHM, **signed_form)
        assert signed["KeyId"] == describe(kms, key)["Arn"]
        assert len(signed["Signature"]) == length
        outside.verify(signed["Signature"], MESSAGE)
        for verified_form in forms:
            valid = kms.verify(
                KeyId=key, **ALGORITHM, **verified_form, Signature=signed["Signature"]
            )
            assert valid["SignatureValid"] is True
    with refused("KMSInvalidSignatureException", ""):
        kms.verify(KeyId=key, **ALGORITHM, Message=b"another", Signature=signed["Signature"])


def test_ml_dsa_takes_no_digest_and_a_mu_of_64_bytes(kms):
    key = new_key(kms, "ML_DSA_44", SIGNING)
    text = "Message type DIGEST is incompatible with key spec ML_DSA_44."
    with refused("InvalidKeyUsageException", text):
        kms.sign(KeyId=key, **ALGORITHM, Message=b"x" * 64, MessageType="DIGEST")
    with refused("ValidationException"):
        kms.sign(KeyId=key, **ALGORITHM, Message=b"x" * 63, MessageType="EXTERNAL_MU")
    with refused("UnsupportedOperationException"):
        new_key(kms, "ML_DSA_44", SIGNING, Origin="EXTERNAL")


@pytest.mark.parametrize(
    ("spec", "length"), [("ML_KEM_512", 768), ("ML_KEM_768", 1088), ("ML_KEM_1024", 1568)]
)
def test_a_secret_comes_back_from_its_ciphertext(kms, spec, length):
    key = new_key(kms, spec, ENCAPSULATION)
    made = kms.encapsulate(KeyId=key, **ML_KEM)
    assert members(made) == {
        "EncapsulationAlgorithm", "KeyId", "SharedSecret", "SharedSecretCiphertextBlob",
    }
    blob = made["SharedSecretCiphertextBlob"]
    assert (len(blob), len(made["SharedSecret"])) == (length, 32)
    back = kms.decapsulate(KeyId=key, **ML_KEM, SharedSecretCiphertextBlob=blob)
    assert members(back) == {"EncapsulationAlgorithm", "KeyId", "SharedSecret"}
    assert back["SharedSecret"] == made["SharedSecret"]
    altered = bytes([blob[0] ^ 1]) + blob[1:]
    other = kms.decapsulate(KeyId=key, **ML_KEM, SharedSecretCiphertextBlob=altered)
    assert other["SharedSecret"] != made["SharedSecret"], "implicit rejection"
    with refused("InvalidCiphertextException", ""):
        kms.decapsulate(KeyId=key, **ML_KEM, SharedSecretCiphertextBlob=blob[1:])


@pytest.mark.parametrize("spec", ["ML_KEM_768", "ML_KEM_1024"])
def test_a_secret_is_shared_with_somebody_outside(kms, spec):
    key = new_key(kms, spec, ENCAPSULATION)
    secret, blob = public_key(kms, key).encapsulate()
    inside = kms.decapsulate(KeyId=key, **ML_KEM, SharedSecretCiphertextBlob=blob)
    assert inside["SharedSecret"] == secret


@pytest.mark.parametrize(
    ("spec", "kind"),
    [("ML_KEM_768", mlkem.MLKEM768PrivateKey), ("ML_KEM_1024", mlkem.MLKEM1024PrivateKey)],
)
def test_an_ml_kem_data_key_pair_is_read_outside(kms, spec, kind):
    key = create_key(kms)["KeyId"]
    made = kms.generate_data_key_pair(KeyId=key, KeyPairSpec=spec)
    private = load_der_private_key(made["PrivateKeyPlaintext"], password=None)
    assert isinstance(private, kind)
    public = private.public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert der == made["PublicKey"]
