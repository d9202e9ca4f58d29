"""Encrypt, Decrypt and ReEncrypt."""

import os

import pytest

from calls import (
    WRONG_KEY,
    create_key,
    current_material,
    encrypt,
    members,
    refused,
    replicate,
)
from cluster import AP, EU

OVERHEAD_MAX = 152
DRY_RUN = "The request would have succeeded, but the DryRun option is set."
NO_SUCH_KEY_HERE = (
    "The ciphertext refers to a customer master key that does not exist, does not exist in "
    "this region, or you are not allowed to access."
)


@pytest.fixture(scope="module")
def key(kms) -> dict:
    return create_key(kms)


def test_a_ciphertext_opens_to_its_plaintext(kms, key):
    sealed = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"hello")
    assert members(sealed) == {"CiphertextBlob", "EncryptionAlgorithm", "KeyId"}
    assert (sealed["KeyId"], sealed["EncryptionAlgorithm"]) == (key["Arn"], "SYMMETRIC_DEFAULT")
    opened = kms.decrypt(CiphertextBlob=sealed["CiphertextBlob"])
    assert members(opened) == {"EncryptionAlgorithm", "KeyId", "KeyMaterialId", "Plaintext"}
    assert (opened["KeyId"], opened["Plaintext"]) == (key["Arn"], b"hello")
    assert opened["EncryptionAlgorithm"] == "SYMMETRIC_DEFAULT"
    assert opened["KeyMaterialId"] == current_material(kms, key["KeyId"])


@pytest.mark.parametrize("length", [1, 16, 256, 4095, 4096])
def test_plaintexts_of_every_length_survive(kms, key, length):
    plaintext = os.urandom(length)
    ciphertext = encrypt(kms, key["KeyId"], plaintext)
    assert kms.decrypt(CiphertextBlob=ciphertext)["Plaintext"] == plaintext
    assert length < len(ciphertext) <= length + OVERHEAD_MAX


def test_the_same_plaintext_gives_another_ciphertext_each_time(kms, key):
    assert len({encrypt(kms, key["KeyId"]) for _ in range(20)}) == 20


def test_the_encryption_context_must_be_the_same_to_decrypt(kms, key):
    context = {"tenant": "42", "Übung": "ü"}
    ciphertext = encrypt(kms, key["KeyId"], EncryptionContext=context)
    reordered = dict(reversed(context.items()))
    opened = kms.decrypt(CiphertextBlob=ciphertext, EncryptionContext=reordered)
    assert opened["Plaintext"] == b"a secret"
    for other in ({}, {"tenant": "42"}, context | {"more": ""}, context | {"tenant": "43"}):
        with refused("InvalidCiphertextException", ""):
            kms.decrypt(CiphertextBlob=ciphertext, EncryptionContext=other)
    with refused("InvalidCiphertextException", ""):
        kms.decrypt(CiphertextBlob=ciphertext)


def test_no_context_and_an_empty_context_are_the_same(kms, key):
    ciphertext = encrypt(kms, key["KeyId"], EncryptionContext={})
    assert kms.decrypt(CiphertextBlob=ciphertext)["Plaintext"] == b"a secret"


def test_names_and_values_of_a_context_cannot_be_confused(kms, key):
    ciphertext = encrypt(kms, key["KeyId"], EncryptionContext={"ab": "c"})
    with refused("InvalidCiphertextException", ""):
        kms.decrypt(CiphertextBlob=ciphertext, EncryptionContext={"a": "bc"})


def test_a_damaged_ciphertext_does_not_open(kms, key):
    ciphertext = encrypt(kms, key["KeyId"])
    for damaged in (
        ciphertext[:-1] + bytes([ciphertext[-1] ^ 1]),
        ciphertext[:-1],
        ciphertext + b"\0",
        ciphertext[:8],
        b"not a ciphertext",
        os.urandom(168),
    ):
        with refused("InvalidCiphertextException", ""):
            kms.decrypt(CiphertextBlob=damaged)


def test_a_key_named_to_decrypt_must_be_the_one_that_encrypted(kms, key):
    ciphertext = encrypt(kms, key["KeyId"])
    assert kms.decrypt(CiphertextBlob=ciphertext, KeyId=key["KeyId"])["KeyId"] == key["Arn"]
    other = create_key(kms)["KeyId"]
    with refused("IncorrectKeyException", WRONG_KEY):
        kms.decrypt(CiphertextBlob=ciphertext, KeyId=other)
    with refused("IncorrectKeyException", WRONG_KEY):
        kms.re_encrypt(CiphertextBlob=ciphertext, SourceKeyId=other, DestinationKeyId=other)


def test_a_ciphertext_of_a_key_that_is_not_here_does_not_open(cluster, kms, key):
    ciphertext = encrypt(kms, key["KeyId"])
    for elsewhere in (cluster.kms(EU), cluster.kms(key["Arn"].split(":")[3], "200000000003")):
        with refused("AccessDeniedException", NO_SUCH_KEY_HERE):
            elsewhere.decrypt(CiphertextBlob=ciphertext)


def test_a_multi_region_ciphertext_opens_in_every_region(cluster, kms):
    key_id = create_key(kms, MultiRegion=True)["KeyId"]
    clients = [kms, cluster.kms(EU), cluster.kms(AP)]
    for replica in clients[1:]:
        replicate(kms, key_id, replica)
    context = {"from": "anywhere"}
    for sender in clients:
        ciphertext = encrypt(sender, key_id, EncryptionContext=context)
        for receiver in clients:
            opened = receiver.decrypt(CiphertextBlob=ciphertext, EncryptionContext=context)
            assert opened["Plaintext"] == b"a secret"
            assert opened["KeyId"].split(":")[3] == receiver.meta.region_name


def test_a_replica_does_not_decrypt_for_its_primarys_arn(cluster, kms):
    primary, replica = create_key(kms, MultiRegion=True), cluster.kms(EU)
    replicate(kms, primary["KeyId"], replica)
    ciphertext = encrypt(kms, primary["KeyId"])
    with refused("IncorrectKeyException", WRONG_KEY):
        replica.decrypt(CiphertextBlob=ciphertext, KeyId=primary["Arn"])
    assert replica.decrypt(CiphertextBlob=ciphertext, KeyId=primary["KeyId"])["Plaintext"]


def test_re_encrypt_moves_a_ciphertext_to_another_key(kms, key):
    other = create_key(kms)
    ciphertext = encrypt(kms, key["KeyId"], EncryptionContext={"old": "1"})
    moved = kms.re_encrypt(
        CiphertextBlob=ciphertext,
        SourceEncryptionContext={"old": "1"},
        SourceKeyId=key["KeyId"],
        DestinationKeyId=other["KeyId"],
        DestinationEncryptionContext={"new": "2"},
    )
    assert members(moved) == {
        "CiphertextBlob",
        "DestinationEncryptionAlgorithm",
        "DestinationKeyMaterialId",
        "KeyId",
        "SourceEncryptionAlgorithm",
        "SourceKeyId",
        "SourceKeyMaterialId",
    }
    assert (moved["SourceKeyId"], moved["KeyId"]) == (key["Arn"], other["Arn"])
    assert moved["SourceKeyMaterialId"] == current_material(kms, key["KeyId"])
    assert moved["DestinationKeyMaterialId"] == other["CurrentKeyMaterialId"]
    opened = kms.decrypt(CiphertextBlob=moved["CiphertextBlob"], EncryptionContext={"new": "2"})
    assert (opened["KeyId"], opened["Plaintext"]) == (other["Arn"], b"a secret")
    with refused("InvalidCiphertextException", ""):
        kms.re_encrypt(CiphertextBlob=ciphertext, DestinationKeyId=other["KeyId"])


def test_re_encrypt_checks_the_state_of_both_keys(kms, key):
    other = create_key(kms)
    ciphertext = encrypt(kms, key["KeyId"])
    kms.disable_key(KeyId=other["KeyId"])
    with refused("DisabledException", f"{other['Arn']} is disabled."):
        kms.re_encrypt(CiphertextBlob=ciphertext, DestinationKeyId=other["KeyId"])


def test_a_dry_run_never_succeeds(kms, key):
    ciphertext = encrypt(kms, key["KeyId"])
    for call in (
        lambda: kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x", DryRun=True),
        lambda: kms.decrypt(CiphertextBlob=ciphertext, DryRun=True),
        lambda: kms.re_encrypt(
            CiphertextBlob=ciphertext, DestinationKeyId=key["KeyId"], DryRun=True
        ),
        lambda: kms.generate_data_key(KeyId=key["KeyId"], KeySpec="AES_256", DryRun=True),
        lambda: kms.generate_data_key_without_plaintext(
            KeyId=key["KeyId"], KeySpec="AES_256", DryRun=True
        ),
    ):
        with refused("DryRunOperationException", DRY_RUN):
            call()
    with refused("InvalidCiphertextException", ""):
        kms.decrypt(CiphertextBlob=ciphertext[:-1], DryRun=True)


def test_the_algorithm_must_fit_the_key(kms, key):
    algorithm = "RSAES_OAEP_SHA_256"
    incompatible = f"Algorithm {algorithm} is incompatible with key spec SYMMETRIC_DEFAULT."
    with refused("InvalidKeyUsageException", incompatible):
        encrypt(kms, key["KeyId"], EncryptionAlgorithm=algorithm)
    ciphertext = encrypt(kms, key["KeyId"])
    with refused("ValidationException", "KeyId must not be null"):
        kms.decrypt(CiphertextBlob=ciphertext, EncryptionAlgorithm=algorithm)
