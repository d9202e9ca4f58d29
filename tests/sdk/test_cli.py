"""The AWS CLI, unmodified, from the virtual environment that runs the tests."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cluster import ACCOUNT, EU, US


@pytest.fixture
def aws(cluster):
    """Runs `aws kms …`; the answer, or what it wrote to standard error."""

    def run(*arguments: str, region: str = US, fails: bool = False):
        environment = os.environ | {
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "any-secret",
            "AWS_ENDPOINT_URL_KMS": cluster.endpoint,
            "AWS_DEFAULT_REGION": region,
            "AWS_DEFAULT_OUTPUT": "json",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_PAGER": "",
        }
        program = Path(sys.executable).with_name("aws")
        finished = subprocess.run(
            [str(program), "kms", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (finished.returncode != 0) == fails, finished.stderr
        if fails:
            return finished.stderr
        return json.loads(finished.stdout) if finished.stdout else None

    return run


def test_a_key_lives_its_life_through_the_command_line(aws, tmp_path):
    """A key is made, described, named, listed and used; a file goes in and comes
    back; then the key is disabled, and the error names it."""
    key = aws("create-key", "--description", "from the command line")["KeyMetadata"]
    key_id = key["KeyId"]
    assert aws("describe-key", "--key-id", key_id)["KeyMetadata"] == key
    alias = f"alias/cli-{key_id}"
    assert aws("create-alias", "--alias-name", alias, "--target-key-id", key_id) is None
    listed = aws("list-aliases", "--key-id", key_id)["Aliases"]
    assert [entry["AliasName"] for entry in listed] == [alias]
    assert key_id in {entry["KeyId"] for entry in aws("list-keys")["Keys"]}
    assert key_id not in {entry["KeyId"] for entry in aws("list-keys", region=EU)["Keys"]}

    secret, sealed = tmp_path / "secret", tmp_path / "sealed"
    secret.write_bytes(b"correct horse\n\x00\xff")
    encrypted = aws(
        "encrypt",
        *("--key-id", alias),
        *("--plaintext", f"fileb://{secret}"),
        *("--encryption-context", "for=me"),
    )
    sealed.write_bytes(base64.b64decode(encrypted["CiphertextBlob"]))
    opened = aws(
        "decrypt",
        *("--ciphertext-blob", f"fileb://{sealed}"),
        *("--encryption-context", "for=me"),
    )
    assert base64.b64decode(opened["Plaintext"]) == secret.read_bytes()
    assert opened["KeyId"] == key["Arn"]

    assert aws("disable-key", "--key-id", key_id) is None
    refusal = aws("encrypt", "--key-id", key_id, "--plaintext", "YQ==", fails=True)
    assert "(DisabledException)" in refusal
    assert f"{key['Arn']} is disabled." in refusal
