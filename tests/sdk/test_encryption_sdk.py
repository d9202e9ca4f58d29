"""The AWS Encryption SDK for Python, unmodified, with the multi-Region keyrings of
its material providers library."""

import pytest
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import (
    CreateAwsKmsMrkDiscoveryKeyringInput,
    CreateAwsKmsMrkKeyringInput,
    DiscoveryFilter,
)
from aws_encryption_sdk import CommitmentPolicy, EncryptionSDKClient
from aws_encryption_sdk.exceptions import AWSEncryptionSDKClientError

from calls import new_material
from cluster import ACCOUNT, AP, EU, US
from key_set import KeySet

SDK = EncryptionSDKClient(
    commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT
)
PROVIDERS = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())
PLAINTEXT = b"much longer than a data key " * 1000
CONTEXT = {"purpose": "test"}


def keyring(keys: KeySet, region: str):
    """Uses the related key of one region."""
    return PROVIDERS.create_aws_kms_mrk_keyring(
        CreateAwsKmsMrkKeyringInput(kms_key_id=keys.arn(region), kms_client=keys.at(region))
    )


def discovery(keys: KeySet, region: str, account: str = ACCOUNT):
    """Decrypts with whatever key of the account the message names, in one region."""
    return PROVIDERS.create_aws_kms_mrk_discovery_keyring(
        CreateAwsKmsMrkDiscoveryKeyringInput(
            kms_client=keys.at(region),
            region=region,
            discovery_filter=DiscoveryFilter(account_ids=[account], partition="aws"),
        )
    )


def encrypt(with_keyring) -> bytes:
    return SDK.encrypt(source=PLAINTEXT, keyring=with_keyring, encryption_context=CONTEXT)[0]


def decrypt(message: bytes, with_keyring) -> bytes:
    plaintext, header = SDK.decrypt(
        source=message, keyring=with_keyring, encryption_context=CONTEXT
    )
    assert header.encryption_context.items() >= CONTEXT.items()
    return plaintext


@pytest.fixture(scope="module")
def keys(cluster) -> KeySet:
    return KeySet(cluster, US, EU)


def test_a_message_of_one_region_is_read_in_another(keys):
    message = encrypt(keyring(keys, US))
    assert decrypt(message, keyring(keys, EU)) == PLAINTEXT
    assert decrypt(message, keyring(keys, US)) == PLAINTEXT


def test_a_message_is_read_in_every_region_after_a_rotation(keys):
    before = encrypt(keyring(keys, EU))
    material_id = keys.import_everywhere(new_material())
    keys.rotate()
    keys.wait_for_current(material_id)
    after = encrypt(keyring(keys, EU))
    for message in (before, after):
        for region in (US, EU):
            assert decrypt(message, keyring(keys, region)) == PLAINTEXT


def test_discovery_finds_the_related_key_of_its_own_region(keys):
    message = encrypt(keyring(keys, US))
    assert decrypt(message, discovery(keys, EU)) == PLAINTEXT


def test_discovery_leaves_other_accounts_alone(keys):
    message = encrypt(keyring(keys, US))
    with pytest.raises(AWSEncryptionSDKClientError):
        decrypt(message, discovery(keys, EU, account="999999999999"))


def test_a_region_without_the_key_reads_nothing(keys):
    message = encrypt(keyring(keys, US))
    with pytest.raises(AWSEncryptionSDKClientError):
        decrypt(message, discovery(keys, AP))
