"""Sign, Verify and GetPublicKey; every signature is verified outside as well."""

import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from asymmetric import SIGNING, digest, new_key, public_key, verification
from calls import create_key, describe, members, refused

MESSAGE = b"to be signed"
RSA = [f"RSASSA_{padding}_SHA_{bits}" for padding in ("PSS", "PKCS1_V1_5") for bits in (256, 384, 512)]
HASHED = [
    *(("RSA_2048", algorithm) for algorithm in RSA),
    ("RSA_3072", "RSASSA_PSS_SHA_256"),
    ("ECC_NIST_P256", "ECDSA_SHA_256"),
    ("ECC_NIST_P384", "ECDSA_SHA_384"),
    ("ECC_NIST_P521", "ECDSA_SHA_512"),
    ("ECC_SECG_P256K1", "ECDSA_SHA_256"),
]


@pytest.fixture(scope="module")
def keys(kms) -> dict[str, str]:
    specs = {spec for spec, _ in HASHED} | {"ECC_NIST_EDWARDS25519"}
    return {spec: new_key(kms, spec, SIGNING) for spec in specs}


@pytest.mark.parametrize(("spec", "algorithm"), HASHED)
@pytest.mark.parametrize("message_type", ["RAW", "DIGEST"])
def test_a_signature_verifies_outside_and_inside(kms, keys, spec, algorithm, message_type):
    hashed = digest(algorithm, MESSAGE)
    message = hashed if message_type == "DIGEST" else MESSAGE
    key = {"KeyId": keys[spec], "SigningAlgorithm": algorithm}
    signed = kms.sign(**key, Message=message, MessageType=message_type)
    assert members(signed) == {"KeyId", "Signature", "SigningAlgorithm"}
    assert signed["KeyId"] == describe(kms, keys[spec])["Arn"]

    outside = public_key(kms, keys[spec])
    outside.verify(signed["Signature"], hashed, *verification(algorithm))
    with pytest.raises(InvalidSignature):
        outside.verify(signed["Signature"], hashed[::-1], *verification(algorithm))

    for message_type_then, message_then in [("RAW", MESSAGE), ("DIGEST", hashed)]:
        valid = kms.verify(
            **key,
            Message=message_then,
            MessageType=message_type_then,
            Signature=signed["Signature"],
        )
        assert members(valid) == {"KeyId", "SignatureValid", "SigningAlgorithm"}
        assert valid["SignatureValid"] is True
    with refused("KMSInvalidSignatureException", ""):
        kms.verify(**key, Message=b"another", Signature=signed["Signature"])


def test_ed25519_signs_what_it_is_given(kms, keys):
    key = {"KeyId": keys["ECC_NIST_EDWARDS25519"], "SigningAlgorithm": "ED25519_SHA_512"}
    signature = kms.sign(**key, Message=MESSAGE)["Signature"]
    outside = public_key(kms, key["KeyId"])
    assert isinstance(outside, ed25519.Ed25519PublicKey)
    outside.verify(signature, MESSAGE)
    assert kms.verify(**key, Message=MESSAGE, Signature=signature)["SignatureValid"]


def test_ed25519ph_takes_a_digest_only(kms, keys):
    key = {"KeyId": keys["ECC_NIST_EDWARDS25519"], "SigningAlgorithm": "ED25519_PH_SHA_512"}
    hashed = {"Message": hashlib.sha512(MESSAGE).digest(), "MessageType": "DIGEST"}
    signature = kms.sign(**key, **hashed)["Signature"]
    assert kms.verify(**key, **hashed, Signature=signature)["SignatureValid"]
    with refused("InvalidKeyUsageException"):
        kms.sign(**key, Message=MESSAGE)
    with refused("KMSInvalidSignatureException", ""):
        kms.verify(**key | {"SigningAlgorithm": "ED25519_SHA_512"}, Message=hashed["Message"],
                   Signature=signature)


@pytest.mark.parametrize("algorithm", ["ECDSA_SHA_256", "RSASSA_PSS_SHA_384"])
def test_a_digest_has_the_length_of_its_hash(kms, keys, algorithm):
    spec = "ECC_NIST_P256" if algorithm.startswith("EC") else "RSA_2048"
    with refused("ValidationException", f"Digest is invalid length for algorithm {algorithm}."):
        kms.sign(KeyId=keys[spec], SigningAlgorithm=algorithm, Message=b"x" * 31, MessageType="DIGEST")


def test_what_does_not_fit_the_key_is_named(kms, keys):
    text = "Algorithm ECDSA_SHA_384 is incompatible with key spec ECC_NIST_P256."
    with refused("InvalidKeyUsageException", text):
        kms.sign(KeyId=keys["ECC_NIST_P256"], SigningAlgorithm="ECDSA_SHA_384", Message=MESSAGE)
    with refused(
        "InvalidKeyUsageException",
        "Message type EXTERNAL_MU is incompatible with key spec ECC_NIST_P256.",
    ):
        kms.sign(
            KeyId=keys["ECC_NIST_P256"],
            SigningAlgorithm="ECDSA_SHA_256",
            Message=b"x" * 64,
            MessageType="EXTERNAL_MU",
        )
    symmetric = create_key(kms)
    text = f"{symmetric['Arn']} key usage is ENCRYPT_DECRYPT which is not valid for Sign."
    with refused("InvalidKeyUsageException", text):
        kms.sign(KeyId=symmetric["KeyId"], SigningAlgorithm="ECDSA_SHA_256", Message=MESSAGE)
    with refused("UnsupportedOperationException", ""):
        kms.get_public_key(KeyId=symmetric["KeyId"])


@pytest.mark.parametrize(
    ("spec", "size", "kind"),
    [
        ("RSA_2048", 2048, rsa.RSAPublicKey),
        ("RSA_3072", 3072, rsa.RSAPublicKey),
        ("ECC_NIST_P384", 384, ec.EllipticCurvePublicKey),
        ("ECC_SECG_P256K1", 256, ec.EllipticCurvePublicKey),
    ],
)
def test_the_public_key_says_what_it_is(kms, keys, spec, size, kind):
    answer = kms.get_public_key(KeyId=keys[spec])
    described = describe(kms, keys[spec])
    assert members(answer) == {
        "CustomerMasterKeySpec", "KeyId", "KeySpec", "KeyUsage", "PublicKey", "SigningAlgorithms",
    }
    assert (answer["KeyId"], answer["KeySpec"]) == (described["Arn"], spec)
    assert answer["SigningAlgorithms"] == described["SigningAlgorithms"]
    assert "CurrentKeyMaterialId" not in described
    outside = public_key(kms, keys[spec])
    assert isinstance(outside, kind) and outside.key_size == size


def test_a_dry_run_signs_nothing(kms, keys):
    key = {"KeyId": keys["ECC_NIST_P256"], "SigningAlgorithm": "ECDSA_SHA_256"}
    with refused("DryRunOperationException"):
        kms.sign(**key, Message=MESSAGE, DryRun=True)
    with refused("KMSInvalidSignatureException", ""):
        kms.verify(**key, Message=MESSAGE, Signature=b"x", DryRun=True)


def test_a_disabled_key_signs_nothing_and_shows_its_public_key(kms):
    key = new_key(kms, "ECC_NIST_P256", SIGNING)
    kms.disable_key(KeyId=key)
    with refused("DisabledException"):
        kms.sign(KeyId=key, SigningAlgorithm="ECDSA_SHA_256", Message=MESSAGE)
    assert public_key(kms, key)
