"""GetParametersForImport and ImportKeyMaterial on a
single-Region key: wrapping, tokens, expiry, and every refusal."""

import os
import re

import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key

from calls import (
    DAY_S,
    create_key,
    current_material,
    describe,
    encrypt,
    import_material,
    import_parameters,
    imported_key,
    key_state,
    members,
    new_material,
    refused,
    seconds_from_now,
    wrap,
)

LASTING = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}


@pytest.fixture
def empty_key(kms) -> dict:
    return create_key(kms, Origin="EXTERNAL")


@pytest.mark.parametrize("algorithm", ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"])
@pytest.mark.parametrize(
    ("spec", "bits"), [("RSA_2048", 2048), ("RSA_3072", 3072), ("RSA_4096", 4096)]
)
def test_material_is_imported_under_every_wrapping(kms, empty_key, algorithm, spec, bits):
    key_id = empty_key["KeyId"]
    given = import_parameters(kms, key_id, algorithm, spec)
    assert members(given) == {"ImportToken", "KeyId", "ParametersValidTo", "PublicKey"}
    assert given["KeyId"] == empty_key["Arn"]
    assert 1 <= len(given["ImportToken"]) <= 6144
    assert load_der_public_key(given["PublicKey"]).key_size == bits
    age_s = given["ParametersValidTo"].timestamp() - empty_key["CreationDate"].timestamp()
    assert age_s == pytest.approx(DAY_S, abs=60)

    imported = kms.import_key_material(
        KeyId=key_id,
        ImportToken=given["ImportToken"],
        EncryptedKeyMaterial=wrap(given["PublicKey"], algorithm, new_material()),
        **LASTING,
    )
    assert members(imported) == {"KeyId", "KeyMaterialId"}
    assert imported["KeyId"] == empty_key["Arn"]
    assert re.fullmatch("[0-9a-f]{64}", imported["KeyMaterialId"])
    assert current_material(kms, key_id) == imported["KeyMaterialId"]
    ciphertext = encrypt(kms, key_id)
    assert kms.decrypt(CiphertextBlob=ciphertext)["KeyMaterialId"] == imported["KeyMaterialId"]


def test_a_token_works_many_times_and_beside_a_newer_one(kms, empty_key):
    key_id, material = empty_key["KeyId"], new_material()
    older = import_parameters(kms, key_id)
    import_parameters(kms, key_id)
    ids = set()
    for _ in range(2):
        imported = kms.import_key_material(
            KeyId=key_id,
            ImportToken=older["ImportToken"],
            EncryptedKeyMaterial=wrap(older["PublicKey"], "RSAES_OAEP_SHA_256", material),
            **LASTING,
        )
        ids.add(imported["KeyMaterialId"])
    assert len(ids) == 1


def test_a_token_that_is_damaged_or_of_another_key_is_refused(kms, empty_key):
    given = import_parameters(kms, empty_key["KeyId"])
    wrapped = wrap(given["PublicKey"], "RSAES_OAEP_SHA_256", new_material())
    token = given["ImportToken"]
    of_another_key = import_parameters(kms, create_key(kms, Origin="EXTERNAL")["KeyId"])
    for bad in (token[:-1], token[:-1] + bytes([token[-1] ^ 1]), of_another_key["ImportToken"]):
        with refused("InvalidImportTokenException", ""):
            kms.import_key_material(
                KeyId=empty_key["KeyId"], ImportToken=bad, EncryptedKeyMaterial=wrapped, **LASTING
            )


@pytest.mark.parametrize("length", [1, 16, 31, 33, 64])
def test_material_of_another_length_is_refused(kms, empty_key, length):
    with refused("InvalidCiphertextException", ""):
        import_material(kms, empty_key["KeyId"], os.urandom(length))


def test_material_that_does_not_unwrap_is_refused(kms, empty_key):
    given = import_parameters(kms, empty_key["KeyId"])
    wrapped = wrap(given["PublicKey"], "RSAES_OAEP_SHA_256", new_material())
    other_algorithm = wrap(given["PublicKey"], "RSAES_OAEP_SHA_1", new_material())
    for bad in (wrapped[:-1] + bytes([wrapped[-1] ^ 1]), other_algorithm, os.urandom(256), b"x"):
        with refused("InvalidCiphertextException", ""):
            kms.import_key_material(
                KeyId=empty_key["KeyId"],
                ImportToken=given["ImportToken"],
                EncryptedKeyMaterial=bad,
                **LASTING,
            )
    assert key_state(kms, empty_key["KeyId"]) == "PendingImport"


def test_the_expiry_must_fit_its_model(kms, empty_key):
    key_id = empty_key["KeyId"]
    now = seconds_from_now(kms, key_id, 0)
    given = import_parameters(kms, key_id)
    parameters = {
        "KeyId": key_id,
        "ImportToken": given["ImportToken"],
        "EncryptedKeyMaterial": wrap(given["PublicKey"], "RSAES_OAEP_SHA_256", new_material()),
    }
    missing = "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES"
    forbidden = (
        "A validTo date cannot be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE"
    )
    for expiry, text in (
        ({}, missing),
        ({"ExpirationModel": "KEY_MATERIAL_EXPIRES"}, missing),
        (LASTING | {"ValidTo": now + DAY_S}, forbidden),
        ({"ValidTo": now - DAY_S}, "ValidTo must be in the future"),
        ({"ValidTo": now + 366 * DAY_S}, "ValidTo must be less than 365 days in the future"),
    ):
        with refused("ValidationException", text):
            kms.import_key_material(**parameters, **expiry)


@pytest.mark.parametrize(
    "algorithm", ["RSAES_PKCS1_V1_5", "RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"]
)
def test_other_wrappings_are_not_for_symmetric_keys(kms, empty_key, algorithm):
    does_not_fit = (
        f"Wrapping algorithm {algorithm} and wrapping key spec RSA_3072 cannot be used to "
        "import a SYMMETRIC_DEFAULT key."
    )
    with refused("ValidationException", does_not_fit):
        import_parameters(kms, empty_key["KeyId"], algorithm, "RSA_3072")


def test_a_generated_key_takes_no_material(kms, empty_key):
    generated = create_key(kms)
    origin = f"{generated['Arn']} origin is AWS_KMS which is not valid for this operation."
    given = import_parameters(kms, empty_key["KeyId"])
    for call in (
        lambda: import_parameters(kms, generated["KeyId"]),
        lambda: kms.delete_imported_key_material(KeyId=generated["KeyId"]),
        lambda: kms.import_key_material(
            KeyId=generated["KeyId"],
            ImportToken=given["ImportToken"],
            EncryptedKeyMaterial=b"x",
            **LASTING,
        ),
    ):
        with refused("UnsupportedOperationException", origin):
            call()


def test_a_key_pending_deletion_takes_no_material(kms):
    key_id, _ = imported_key(kms)
    arn = describe(kms, key_id)["Arn"]
    given = import_parameters(kms, key_id)
    kms.schedule_key_deletion(KeyId=key_id)
    for call in (
        lambda: import_parameters(kms, key_id),
        lambda: kms.import_key_material(
            KeyId=key_id,
            ImportToken=given["ImportToken"],
            EncryptedKeyMaterial=wrap(given["PublicKey"], "RSAES_OAEP_SHA_256", new_material()),
            **LASTING,
        ),
    ):
        with refused("KMSInvalidStateException", f"{arn} is pending deletion."):
            call()
