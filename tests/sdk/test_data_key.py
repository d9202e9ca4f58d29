"""GenerateDataKey, GenerateDataKeyWithoutPlaintext and GenerateRandom."""

import pytest

from calls import create_key, current_material, members, refused

EITHER = "Please specify either number of bytes or key spec."
CONTEXT = {"purpose": "data key"}


@pytest.fixture(scope="module")
def key(kms) -> dict:
    return create_key(kms)


@pytest.mark.parametrize(
    ("size", "length"),
    [
        ({"KeySpec": "AES_256"}, 32),
        ({"KeySpec": "AES_128"}, 16),
        ({"NumberOfBytes": 1}, 1),
        ({"NumberOfBytes": 1024}, 1024),
    ],
)
def test_a_data_key_comes_in_plain_and_encrypted(kms, key, size, length):
    made = kms.generate_data_key(KeyId=key["KeyId"], EncryptionContext=CONTEXT, **size)
    assert members(made) == {"CiphertextBlob", "KeyId", "KeyMaterialId", "Plaintext"}
    assert (made["KeyId"], len(made["Plaintext"])) == (key["Arn"], length)
    assert made["KeyMaterialId"] == current_material(kms, key["KeyId"])
    opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=CONTEXT)
    assert opened["Plaintext"] == made["Plaintext"]

    sealed = kms.generate_data_key_without_plaintext(
        KeyId=key["KeyId"], EncryptionContext=CONTEXT, **size
    )
    assert members(sealed) == {"CiphertextBlob", "KeyId", "KeyMaterialId"}
    assert sealed["KeyMaterialId"] == made["KeyMaterialId"]
    opened = kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"], EncryptionContext=CONTEXT)
    assert len(opened["Plaintext"]) == length


@pytest.mark.parametrize("size", [{}, {"KeySpec": "AES_256", "NumberOfBytes": 32}])
def test_the_size_of_a_data_key_is_said_once(kms, key, size):
    with refused("ValidationException", EITHER):
        kms.generate_data_key(KeyId=key["KeyId"], **size)
    with refused("ValidationException", EITHER):
        kms.generate_data_key_without_plaintext(KeyId=key["KeyId"], **size)


def test_data_keys_differ(kms, key):
    made = [kms.generate_data_key(KeyId=key["KeyId"], KeySpec="AES_256") for _ in range(20)]
    assert len({it["Plaintext"] for it in made}) == 20


@pytest.mark.parametrize("length", [1, 32, 1024])
def test_random_bytes_have_the_length_asked_for(kms, length):
    made = kms.generate_random(NumberOfBytes=length)
    assert members(made) == {"Plaintext"}
    assert len(made["Plaintext"]) == length


def test_random_bytes_need_a_length(kms):
    with refused("ValidationException", "NumberOfBytes is required."):
        kms.generate_random()
