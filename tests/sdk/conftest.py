"""Unmodified clients against a real running cluster: boto3, the AWS CLI, AWS's
SDK for JavaScript, the AWS Encryption SDK, Tink, and a Python gRPC client that
learns the schema by reflection.

    cargo build --release
    python3 -m venv .venv
    .venv/bin/pip install -r tests/sdk/requirements.txt
    npm ci --prefix tests/sdk/js
    .venv/bin/pytest tests/sdk

MERIDIAN_BIN names another binary than the newest one under target/, and
MERIDIAN_NODE_MODULES another place than tests/sdk/js/node_modules. Most tests share one cluster of three regions with three
nodes each, and make keys of their own. Tests that need another one (with a seed,
faults, a proxy, an audit log, a clock to move) start it once per file.
"""

import os
from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("api", "calls", "key_set", "schema", "wire")

import produced  # noqa: E402
from cluster import AP, EU, SA, US, Cluster, started  # noqa: E402
from wire import Wire  # noqa: E402

# Nothing of the caller's own AWS set-up, and no proxy, may reach the clients.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1"
os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_KMS", "MERIDIAN_ENDPOINT"):
    os.environ.pop(name, None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    produced.put_last(items)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three regions of three nodes, shared by all tests."""
    directory = tmp_path_factory.mktemp("cluster")
    with started(Cluster(directory, (US, EU, AP), nodes_per_region=3)) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def own_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Four regions of one node, for the tests of one file to cut up and to age."""
    directory = tmp_path_factory.mktemp("own-cluster")
    with started(Cluster(directory, (US, EU, AP, SA), nodes_per_region=1)) as cluster:
        yield cluster


@pytest.fixture
def links(own_cluster: Cluster) -> Iterator[Cluster]:
    """The file's own cluster; every link works again after the test."""
    yield own_cluster
    own_cluster.heal()


@pytest.fixture(scope="session")
def kms(cluster: Cluster):
    """A client of the shared cluster in us-east-1."""
    return cluster.kms(US)


@pytest.fixture(scope="session")
def wire(cluster: Cluster) -> Wire:
    """Hand-made requests to the shared cluster."""
    return Wire(cluster)
