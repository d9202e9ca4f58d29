"""Tink for Python, unmodified: envelope encryption under a key of Meridian."""

import configparser

import pytest
import tink
from tink import aead
from tink.integration import awskms

from calls import create_key, describe, replicate
from cluster import ACCOUNT, EU, US


@pytest.fixture
def envelope(cluster, tmp_path, monkeypatch):
    """Makes Tink's AEAD for a key: data keys of its own under the named one."""
    aead.register()
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", cluster.endpoint)
    credentials = tmp_path / "credentials"
    file = configparser.ConfigParser()
    file["default"] = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "any-secret"}
    with credentials.open("w") as out:
        file.write(out)

    def of(arn: str) -> aead.Aead:
        uri = f"aws-kms://{arn}"
        remote = awskms.AwsKmsClient(uri, str(credentials)).get_aead(uri)
        return aead.KmsEnvelopeAead(aead.aead_key_templates.AES256_GCM, remote)

    return of


def test_what_tink_encrypts_it_decrypts(cluster, envelope):
    arn = create_key(cluster.kms(US))["Arn"]
    ciphertext = envelope(arn).encrypt(b"a secret", b"associated")
    assert envelope(arn).decrypt(ciphertext, b"associated") == b"a secret"
    with pytest.raises(tink.TinkError):
        envelope(arn).decrypt(ciphertext, b"other")


def test_a_replica_decrypts_what_its_primary_encrypted(cluster, envelope):
    primary = create_key(cluster.kms(US), MultiRegion=True)
    replicate(cluster.kms(US), primary["KeyId"], cluster.kms(EU))
    replica = describe(cluster.kms(EU), primary["KeyId"])
    ciphertext = envelope(primary["Arn"]).encrypt(b"a secret", b"")
    assert envelope(replica["Arn"]).decrypt(ciphertext, b"") == b"a secret"
