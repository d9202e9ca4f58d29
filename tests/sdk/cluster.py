"""A real Meridian cluster: one process that the tests start, talk to and stop."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

import produced

ACCOUNT = "111122223333"
US, EU, AP, SA = "us-east-1", "eu-west-1", "ap-southeast-2", "sa-east-1"
START_S = 60.0
STOP_S = 30.0
CALL_S = 30.0
POLL_S = 0.05

# What `meridian up` prints for the AWS clients.
ENDPOINT = re.compile(rb"^export AWS_ENDPOINT_URL_KMS=http://127\.0\.0\.1:(\d+)$", re.MULTILINE)


def binary() -> Path:
    """MERIDIAN_BIN, or the newest build in the project's target directory."""
    named = os.environ.get("MERIDIAN_BIN")
    if named:
        return Path(named).resolve()
    target = Path(__file__).resolve().parents[2] / "target"
    built = [target / profile / "meridian" for profile in ("release", "debug")]
    built = [path for path in built if path.is_file()]
    if not built:
        raise RuntimeError("no meridian binary: run `cargo build`, or set MERIDIAN_BIN")
    return max(built, key=lambda path: path.stat().st_mtime)


class Cluster:
    """`meridian up --ephemeral` with one front door for all its regions; with
    `record` it writes its history there, with `data` it keeps its data there;
    with a `seed` it has started once all of that is there; `flags` are more flags
    of `up`."""

    def __init__(
        self,
        directory: Path,
        regions: tuple[str, ...],
        nodes_per_region: int,
        record: Path | None = None,
        data: Path | None = None,
        seed: Path | None = None,
        flags: tuple[str, ...] = (),
    ) -> None:
        self.seed = seed
        self.flags = flags
        self.record = record
        self.data = data
        self.regions = regions
        self.nodes_per_region = nodes_per_region
        self.port = 0
        # Whether errors were asked for that the cluster would not have made.
        self.injects = False
        self._directory = directory
        self._printed = directory / "stdout"
        self._log = directory / "stderr"
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: dict[tuple[str | None, ...], Any] = {}

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def endpoint(self) -> str:
        return f"http://{self.address}"

    def start(self) -> None:
        """Starts it and waits until every region has a leader."""
        command = [
            str(binary()),
            "up",
            *(["--ephemeral"] if self.data is None else ["--data-dir", str(self.data)]),
            "--listen",
            "127.0.0.1:0",
            "--regions",
            ",".join(self.regions),
            "--nodes-per-region",
            str(self.nodes_per_region),
            *self.flags,
        ]
        if self.record is not None:
            command += ["--record", str(self.record)]
        if self.seed is not None:
            command += ["--seed", str(self.seed)]
        with self._printed.open("wb") as printed, self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=self._directory, stdin=subprocess.DEVNULL, stdout=printed, stderr=log
            )
        deadline = time.monotonic() + START_S
        while not self._is_healthy():
            exit_code = self._process.poll()
            if exit_code is not None:
                raise RuntimeError(f"meridian ended with {exit_code}:\n{self._last_words()}")
            if time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"not healthy after {START_S} s:\n{self._last_words()}")
            time.sleep(POLL_S)

    def stop(self) -> None:
        """Asks the process to end, and ends it if it does not."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        """Ends the process at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def kms(
        self,
        region: str,
        access_key_id: str = ACCOUNT,
        address: str | None = None,
        secret: str = "any-secret",
        token: str | None = None,
    ):
        """A boto3 client of a region that tries every call once; at the front
        door, or at the address of a region or node."""
        name = (region, access_key_id, address or self.address, secret, token)
        client = self._clients.get(name)
        if client is None:
            client = boto3.client(
                "kms",
                region_name=region,
                endpoint_url=f"http://{address or self.address}",
                aws_access_key_id=access_key_id,
                aws_secret_access_key=secret,
                aws_session_token=token,
                config=Config(
                    retries={"total_max_attempts": 1},
                    connect_timeout=CALL_S,
                    read_timeout=CALL_S,
                ),
            )
            produced.observe(client, self)
            self._clients[name] = client
        return client

    def command(self, *arguments: str) -> str:
        """Runs a client command of the binary against this cluster."""
        self.injects |= arguments[:2] in (("chaos", "refuse"), ("chaos", "profile"))
        finished = subprocess.run(
            [str(binary()), *arguments, "--endpoint", self.endpoint],
            cwd=self._directory,
            capture_output=True,
            text=True,
            timeout=CALL_S,
        )
        assert finished.returncode == 0, f"{arguments}: {finished.stdout}{finished.stderr}"
        return finished.stdout

    def cut_off(self, region: str) -> None:
        """Cuts every link between a region and the others."""
        for other in self.regions:
            if other != region:
                self.command("chaos", "cut", region, other)

    def heal(self) -> None:
        self.command("chaos", "heal")

    def advance_clock(self, duration: str) -> None:
        """Moves the time of all regions forward, for example by "400d"."""
        self.command("clock", "advance", duration)

    def get(self, path: str) -> tuple[int, bytes]:
        return self.http("GET", path)

    def http(self, method: str, path: str, document: Any = None) -> tuple[int, bytes]:
        """A plain request to the front door, with a JSON body if there is one."""
        self.injects |= isinstance(document, dict) and "refuse" in document
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=CALL_S)
        try:
            body = None if document is None else json.dumps(document)
            connection.request(method, path, body)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def region_status(self, region: str) -> dict:
        """What GET /regions tells of one region."""
        regions = json.loads(self.get("/regions")[1])
        return next(it for it in regions if it["region"] == region)

    @contextmanager
    def fault(self, **fault: Any) -> Iterator[str]:
        """A fault that is active in the block: the message meridian.v1.Fault."""
        status, body = self.http("POST", "/chaos/faults", fault)
        assert status == 200, body
        fault_id = json.loads(body)["id"]
        try:
            yield fault_id
        finally:
            self.http("DELETE", f"/chaos/faults/{fault_id}")

    def _is_healthy(self) -> bool:
        endpoint = ENDPOINT.search(self._printed.read_bytes())
        if endpoint is None:
            return False
        self.port = int(endpoint.group(1))
        if self.seed is not None and b"ready:" not in self._printed.read_bytes():
            return False
        try:
            return self.get("/health")[0] == 200
        except OSError:
            return False

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace")[-4000:]


@contextmanager
def started(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster runs in the block."""
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
