"""A proxy of an external key manager, as the XKS Proxy API describes it: it
verifies the signature of every request and encrypts with AES-GCM. A test can
make it slow, refuse, or answer rubbish."""

from __future__ import annotations

import hashlib
import json
import os
import ssl
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ACCESS_KEY_ID = "ABCDEFGHIJKLMNOPQRST"
SECRET = "c2VjcmV0IHRoYXQgb25seSB0aGUgcHJveHkga25vd3M="
HOST = "xks.example.com"
PATH = "/acme/kms/xks/v1"
SERVICE = "kms-xks-proxy"


@dataclass
class ExternalKey:
    """A key of the external key manager."""

    status: str = "ENABLED"
    spec: str = "AES_256"
    usage: tuple[str, ...] = ("ENCRYPT", "DECRYPT")
    secret: bytes = field(default_factory=lambda: os.urandom(32))


class Refused(Exception):
    """An answer with an error name."""

    def __init__(self, status: int, name: str) -> None:
        self.status, self.name = status, name


class XksProxy:
    """Listens on loopback; endpoints with `HOST` lead to it. With a certificate, as
    a file of it and its private key, it speaks TLS only."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.keys: dict[str, ExternalKey] = {}
        self.requests: list[tuple[str, dict]] = []
        self.health = "ACTIVE"
        # Where it serves its API.
        self.paths = {PATH}
        self.secret = SECRET
        self.refusal: Refused | None = None
        self.rubbish: bytes | None = None
        self.go_on = threading.Event()
        self.go_on.set()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                proxy.go_on.wait()
                try:
                    proxy.verify(self.path, dict(self.headers), body)
                    if proxy.refusal is not None:
                        raise proxy.refusal
                    request = json.loads(body)
                    proxy.requests.append((self.path, request))
                    status, answer = 200, proxy.answer(self.path, request)
                except Refused as refused:
                    status, answer = refused.status, {"errorName": refused.name}
                written = json.dumps(answer).encode()
                if proxy.rubbish is not None:
                    status, written = 200, proxy.rubbish
                try:
                    self.send_response(status)
                    self.send_header("content-type", "application/json")
                    self.send_header("content-length", str(len(written)))
                    self.end_headers()
                    self.wfile.write(written)
                except OSError:
                    pass  # KMS has not waited.

            def log_message(self, *_) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        # Clients that do not trust it leave in the middle.
        self.server.handle_error = lambda *_: None
        self.address = f"127.0.0.1:{self.server.server_port}"
        if certificate is not None:
            self.address = f"https://{self.address}"
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.present(certificate)
            # The handshake is for the thread of the connection, not for the one
            # that takes connections.
            self.server.socket = self.context.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def present(self, certificate: Path) -> None:
        """Shows another certificate on the connections to come."""
        self.context.load_cert_chain(certificate)

    def close(self) -> None:
        self.go_on.set()
        self.server.shutdown()
        self.server.server_close()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """It listens and does not answer."""
        self.go_on.clear()
        try:
            yield
        finally:
            self.go_on.set()

    def verify(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """Signs the request as botocore would, and compares."""
        headers = {name.lower(): value for name, value in headers.items()}
        claimed = headers.get("authorization", "")
        scope = claimed.partition("Credential=")[2].partition(",")[0].split("/")
        if len(scope) != 5 or scope[0] != ACCESS_KEY_ID or scope[3] != SERVICE:
            raise Refused(401, "AuthenticationFailedException")
        request = AWSRequest("POST", f"https://{headers['host']}{path}", data=body)
        request.headers["X-Amz-Date"] = headers["x-amz-date"]
        request.context["timestamp"] = headers["x-amz-date"]
        signer = SigV4Auth(Credentials(ACCESS_KEY_ID, self.secret), SERVICE, scope[2])
        to_sign = signer.string_to_sign(request, signer.canonical_request(request))
        signature = signer.signature(to_sign, request)
        if not claimed.endswith(f"SignedHeaders=host;x-amz-date, Signature={signature}"):
            raise Refused(401, "AuthenticationFailedException")

    def answer(self, path: str, request: dict) -> dict:
        served = [it for it in self.paths if path.startswith(it + "/")]
        if not served:
            raise Refused(404, "InvalidUriPathException")
        parts = path.removeprefix(served[0] + "/").split("/")
        if parts == ["health"]:
            return {
                "xksProxyFleetSize": 1,
                "xksProxyVendor": "tests",
                "xksProxyModel": "tests 1.0",
                "ekmVendor": "tests",
                "ekmFleetDetails": [{"id": "1", "model": "1.0", "healthStatus": self.health}],
            }
        _, key_id, operation = parts
        key = self.keys.get(key_id)
        if key is None:
            raise Refused(404, "KeyNotFoundException")
        if operation == "metadata":
            return {"keySpec": key.spec, "keyUsage": list(key.usage), "keyStatus": key.status}
        if key.status != "ENABLED":
            raise Refused(400, "InvalidStateException")
        associated = b64decode(request["additionalAuthenticatedData"])
        return getattr(self, operation)(key, associated, request)

    def encrypt(self, key: ExternalKey, associated: bytes, request: dict) -> dict:
        assert request["encryptionAlgorithm"] == "AES_GCM"
        iv, metadata = os.urandom(12), b"key 1"
        plaintext = b64decode(request["plaintext"])
        bound = self.bound(associated, metadata)
        sealed = AESGCM(key.secret).encrypt(iv, plaintext, bound)
        ciphertext, tag = sealed[:-16], sealed[-16:]
        integrity = hashlib.sha256(associated + metadata + iv + ciphertext + tag)
        encoded = {
            "ciphertext": ciphertext,
            "ciphertextMetadata": metadata,
            "initializationVector": iv,
            "authenticationTag": tag,
            "ciphertextDataIntegrityValue": integrity.digest(),
        }
        return {name: b64encode(value).decode() for name, value in encoded.items()}

    def decrypt(self, key: ExternalKey, associated: bytes, request: dict) -> dict:
        names = ("ciphertext", "authenticationTag", "initializationVector", "ciphertextMetadata")
        ciphertext, tag, iv, metadata = (b64decode(request[name]) for name in names)
        bound = self.bound(associated, metadata)
        try:
            plaintext = AESGCM(key.secret).decrypt(iv, ciphertext + tag, bound)
        except InvalidTag:
            raise Refused(400, "InvalidCiphertextException") from None
        return {"plaintext": b64encode(plaintext).decode()}

    @staticmethod
    def bound(associated: bytes, metadata: bytes) -> bytes:
        length = len(associated).to_bytes(2, "big")
        return length + associated + bytes([len(metadata)]) + metadata
