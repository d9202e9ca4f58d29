"""Import of private keys: which, wrapped how, and that a key keeps the one it had."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from asymmetric import CURVES, SIGNING, new_key, pkcs8, public_key
from calls import describe, eventually, import_material, key_state, members, refused, replicate
from cluster import EU

AES_WRAP = "RSA_AES_KEY_WRAP_SHA_256"
SIGN = {"Message": b"to be signed", "SigningAlgorithm": "ECDSA_SHA_256"}


def der(public) -> bytes:
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def private_key(spec: str):
    if spec.startswith("RSA_"):
        return rsa.generate_private_key(public_exponent=65537, key_size=int(spec[4:]))
    if spec == "ECC_NIST_EDWARDS25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(CURVES[spec])


@pytest.mark.parametrize("spec", ["RSA_2048", "RSA_3072", *CURVES, "ECC_NIST_EDWARDS25519"])
@pytest.mark.parametrize("algorithm", ["RSA_AES_KEY_WRAP_SHA_1", AES_WRAP])
def test_a_private_key_enters_and_its_public_half_is_shown(kms, spec, algorithm):
    key = new_key(kms, spec, SIGNING, Origin="EXTERNAL")
    assert key_state(kms, key) == "PendingImport"
    private = private_key(spec)
    imported = import_material(kms, key, pkcs8(private), algorithm=algorithm)
    assert members(imported) == {"KeyId"}
    described = describe(kms, key)
    assert (described["KeyState"], described["KeySpec"]) == ("Enabled", spec)
    assert "CurrentKeyMaterialId" not in described
    assert der(public_key(kms, key)) == der(private.public_key())


def test_a_small_private_key_fits_into_one_block(kms):
    key = new_key(kms, "ECC_NIST_P256", SIGNING, Origin="EXTERNAL")
    import_material(kms, key, pkcs8(private_key("ECC_NIST_P256")), algorithm="RSAES_OAEP_SHA_256")
    assert key_state(kms, key) == "Enabled"
    for spec in ("RSA_2048", "ECC_NIST_P521"):
        larger = new_key(kms, spec, SIGNING, Origin="EXTERNAL")
        text = "Wrapping algorithm RSAES_OAEP_SHA_256 and wrapping key spec RSA_2048 "
        with refused("ValidationException", text + f"cannot be used to import a {spec} key."):
            import_material(kms, larger, b"x", algorithm="RSAES_OAEP_SHA_256")


def test_a_private_key_of_another_curve_is_refused(kms):
    key = new_key(kms, "ECC_NIST_P256", SIGNING, Origin="EXTERNAL")
    for foreign in (pkcs8(private_key("ECC_NIST_P384")), b"no key"):
        with refused("InvalidCiphertextException", ""):
            import_material(kms, key, foreign, algorithm=AES_WRAP)


def test_a_key_takes_back_what_it_had_and_nothing_else(kms):
    key = new_key(kms, "ECC_NIST_P256", SIGNING, Origin="EXTERNAL")
    own, other = private_key("ECC_NIST_P256"), private_key("ECC_NIST_P256")
    import_material(kms, key, pkcs8(own), algorithm=AES_WRAP)
    signature = kms.sign(KeyId=key, **SIGN)["Signature"]
    assert members(kms.delete_imported_key_material(KeyId=key)) == {"KeyId"}
    with refused("KMSInvalidStateException", f"{describe(kms, key)['Arn']} is pending import."):
        kms.sign(KeyId=key, **SIGN)
    assert der(public_key(kms, key)) == der(own.public_key())
    with refused("IncorrectKeyMaterialException"):
        import_material(kms, key, pkcs8(other), algorithm=AES_WRAP)
    import_material(kms, key, pkcs8(own), algorithm=AES_WRAP)
    assert kms.verify(KeyId=key, **SIGN, Signature=signature)["SignatureValid"]


def test_an_imported_private_key_has_to_be_imported_in_every_region(cluster, kms):
    eu = cluster.kms(EU)
    key = new_key(kms, "ECC_NIST_P256", SIGNING, Origin="EXTERNAL", MultiRegion=True)
    own = private_key("ECC_NIST_P256")
    import_material(kms, key, pkcs8(own), algorithm=AES_WRAP)
    replicate(kms, key, eu)
    eventually(lambda: key_state(eu, key), "PendingImport")
    assert der(public_key(eu, key)) == der(own.public_key()), "the public half is shared"
    with refused("IncorrectKeyMaterialException"):
        import_material(eu, key, pkcs8(private_key("ECC_NIST_P256")), algorithm=AES_WRAP)
    import_material(eu, key, pkcs8(own), algorithm=AES_WRAP)
    signature = eu.sign(KeyId=key, **SIGN)["Signature"]
    assert kms.verify(KeyId=key, **SIGN, Signature=signature)["SignatureValid"]


@pytest.mark.parametrize(
    ("spec", "usage"),
    [("RSA_2048", SIGNING), ("ECC_NIST_P256", SIGNING), ("ML_DSA_44", SIGNING),
     ("HMAC_256", "GENERATE_VERIFY_MAC"), ("ML_KEM_768", "ENCAPSULATE_DECAPSULATE")],
)
def test_a_generated_key_is_the_same_in_every_region(cluster, kms, spec, usage):
    eu = cluster.kms(EU)
    key = new_key(kms, spec, usage, MultiRegion=True)
    replicate(kms, key, eu)
    eventually(lambda: key_state(eu, key), "Enabled")
    if usage != "GENERATE_VERIFY_MAC":
        public = [it.get_public_key(KeyId=key)["PublicKey"] for it in (kms, eu)]
        assert public[0] == public[1]
    algorithm = {"RSA_2048": "RSASSA_PSS_SHA_256", "ECC_NIST_P256": "ECDSA_SHA_256"}.get(spec)
    if usage == SIGNING:
        named = {"KeyId": key, "SigningAlgorithm": algorithm or "ML_DSA_SHAKE_256"}
        signature = kms.sign(**named, Message=b"hello")["Signature"]
        assert eu.verify(**named, Message=b"hello", Signature=signature)["SignatureValid"]
    elif spec == "HMAC_256":
        named = {"KeyId": key, "MacAlgorithm": "HMAC_SHA_256", "Message": b"hello"}
        assert eu.verify_mac(**named, Mac=kms.generate_mac(**named)["Mac"])["MacValid"]
    else:
        named = {"KeyId": key, "EncapsulationAlgorithm": "ML_KEM"}
        made = kms.encapsulate(**named)
        blob = made["SharedSecretCiphertextBlob"]
        back = eu.decapsulate(**named, SharedSecretCiphertextBlob=blob)
        assert back["SharedSecret"] == made["SharedSecret"]
