"""GenerateMac and VerifyMac, with Python's own `hmac` for imported keys."""

import hashlib
import hmac
import os

import pytest

from calls import create_key, describe, import_material, members, refused

MESSAGE = b"to be authenticated"
MAC = "GENERATE_VERIFY_MAC"
BITS = [224, 256, 384, 512]


def new_key(kms, bits: int, **parameters) -> str:
    return create_key(kms, KeySpec=f"HMAC_{bits}", KeyUsage=MAC, **parameters)["KeyId"]


@pytest.mark.parametrize("bits", BITS)
def test_a_mac_is_valid_for_its_message_only(kms, bits):
    key = {"KeyId": new_key(kms, bits), "MacAlgorithm": f"HMAC_SHA_{bits}"}
    made = kms.generate_mac(**key, Message=MESSAGE)
    assert members(made) == {"KeyId", "Mac", "MacAlgorithm"}
    assert (made["KeyId"], len(made["Mac"])) == (describe(kms, key["KeyId"])["Arn"], bits // 8)
    valid = kms.verify_mac(**key, Message=MESSAGE, Mac=made["Mac"])
    assert members(valid) == {"KeyId", "MacAlgorithm", "MacValid"}
    assert valid["MacValid"] is True
    for message, mac in [(b"another", made["Mac"]), (MESSAGE, made["Mac"][:-1])]:
        with refused("KMSInvalidMacException", ""):
            kms.verify_mac(**key, Message=message, Mac=mac)


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("length", ["shortest", 128])
def test_an_imported_key_makes_the_mac_that_anybody_makes_with_it(kms, bits, length):
    material = os.urandom(bits // 8 if length == "shortest" else length)
    key = {"KeyId": new_key(kms, bits, Origin="EXTERNAL"), "MacAlgorithm": f"HMAC_SHA_{bits}"}
    imported = import_material(kms, key["KeyId"], material)
    assert members(imported) == {"KeyId"}
    expected = hmac.new(material, MESSAGE, getattr(hashlib, f"sha{bits}")).digest()
    assert kms.generate_mac(**key, Message=MESSAGE)["Mac"] == expected


def test_an_imported_key_has_at_least_the_length_of_its_mac(kms):
    key = new_key(kms, 256, Origin="EXTERNAL")
    for length in (31, 129):
        with refused("InvalidCiphertextException", ""):
            import_material(kms, key, os.urandom(length))
    text = "Input parameter importType cannot be used with HMAC_256 imported keys."
    with refused("ValidationException", text):
        import_material(kms, key, os.urandom(32), ImportType="NEW_KEY_MATERIAL")
    wrapping = "Wrapping algorithm RSA_AES_KEY_WRAP_SHA_256 and wrapping key spec RSA_2048 "
    with refused("ValidationException", wrapping + "cannot be used to import a HMAC_256 key."):
        import_material(kms, key, os.urandom(32), algorithm="RSA_AES_KEY_WRAP_SHA_256")


def test_what_does_not_fit_the_key_is_named(kms):
    key = new_key(kms, 256)
    text = "Algorithm HMAC_SHA_512 is incompatible with key spec HMAC_256."
    with refused("InvalidKeyUsageException", text):
        kms.generate_mac(KeyId=key, MacAlgorithm="HMAC_SHA_512", Message=MESSAGE)
    arn = describe(kms, key)["Arn"]
    text = f"{arn} key usage is GENERATE_VERIFY_MAC which is not valid for Encrypt."
    with refused("InvalidKeyUsageException", text):
        kms.encrypt(KeyId=key, Plaintext=b"x")
    with refused("UnsupportedOperationException", ""):
        kms.rotate_key_on_demand(KeyId=key)
    with refused("UnsupportedOperationException", ""):
        kms.enable_key_rotation(KeyId=key)
    kms.disable_key_rotation(KeyId=key)
    with refused("UnsupportedOperationException", ""):
        kms.get_public_key(KeyId=key)
