"""AWS JSON 1.1 by hand: requests that no SDK would send, and their raw answers."""

from __future__ import annotations

import http.client
import json

from cluster import ACCOUNT, CALL_S, US, Cluster

CONTENT_TYPE = "application/x-amz-json-1.1"


class Answer:
    """Status, headers and body of one response."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self) -> dict:
        return json.loads(self.body)


class Wire:
    """Sends operations to a cluster with a hand-made signature."""

    def __init__(self, cluster: Cluster) -> None:
        self._port = cluster.port

    def call(self, operation: str, body: object = None, **headers: str | None) -> Answer:
        """Calls an operation of KMS; `X_Amz_Target=None` leaves that header out."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {
            "Content-Type": CONTENT_TYPE,
            "X-Amz-Date": "20260405T151426Z",
            "X-Amz-Target": f"TrentService.{operation}",
            "Authorization": authorization(US),
        } | named
        sent = {name: value for name, value in sent.items() if value is not None}
        raw = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=CALL_S)
        try:
            connection.request("POST", "/", raw, sent)
            return Answer(connection.getresponse())
        finally:
            connection.close()


def authorization(region: str, access_key_id: str = ACCOUNT, service: str = "kms") -> str:
    return (
        f"AWS4-HMAC-SHA256 Credential={access_key_id}/20260405/{region}/{service}/aws4_request, "
        f"SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature={'0' * 64}"
    )


def check_error(answer: Answer, code: str, text: str | None = None) -> None:
    """`text=None`: the answer has no text at all."""
    expected = {"__type": code} if text is None else {"__type": code, "message": text}
    assert (answer.status, answer.json) == (400, expected)


def violations(answer: Answer) -> set[str]:
    """What a ValidationException lists; their number must be the one it says."""
    assert answer.json["__type"] == "ValidationException"
    head, text = answer.json["message"].split(" detected: ", 1)
    listed = text.split("; ")
    noun = "validation error" if len(listed) == 1 else "validation errors"
    assert head == f"{len(listed)} {noun}"
    return set(listed)
