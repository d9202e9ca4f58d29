"""docs/operations.md: every operation in one table, with every departure from AWS
named. Written from AWS's model and from the tables that the tests hold Meridian to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import key_states
from api import declared_errors
from departures import MODEL, UNPRODUCED, UNSERVED
from operations import OPERATIONS

FILE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
UPDATE = "UPDATE=1 pytest tests/sdk/test_parity.py"

NO_STATE_REFUSES = "by AWS's table of key states, no state of a key is a reason for this error"

HEAD = f"""# Operations

The AWS KMS API, operation by operation. Names, members, limits and declared errors are compared
with AWS's published model, and the states are driven one by one, by `tests/sdk`; this page is made
from what those tests hold Meridian to, by `{UPDATE}`.

- **Wire**: how the operation can be called. Both wires have AWS's members and limits, but for what
  is listed below.
- **Errors**: how many of the errors that AWS declares a test produces. Every one of them can be
  asked for with `meridian chaos refuse`.
- **Refused in**: the key states in which the operation is refused.
- **Multi-Region**: which key of a set of related keys is meant.
- **Authorization**: what AWS asks of the caller; ✕ if keys of other accounts can be named.
"""


def unproduced(operation: str) -> dict[str, str]:
    """The declared errors of an operation that no test produces, with the reasons."""
    found = {}
    for error in sorted(declared_errors()[operation]):
        reason = UNPRODUCED.get((operation, error)) or UNPRODUCED.get(("*", error))
        if error == "KMSInvalidStateException" and not invalid_states(operation):
            reason = NO_STATE_REFUSES
        if reason is not None:
            found[error] = reason
    return found


def refusing_states(operation: str) -> list[str]:
    """The key states in which an operation is refused."""
    if operation in key_states.STATELESS:
        return []
    cells = zip(key_states.STATES, key_states.TABLE[operation].split(), strict=True)
    return [state for state, word in cells if word not in ("ok", "-")]


def invalid_states(operation: str) -> list[str]:
    """The key states which an operation calls invalid."""
    if operation in key_states.STATELESS:
        return []
    words = zip(key_states.STATES, key_states.TABLE[operation].split(), strict=True)
    error = "KMSInvalidStateException"
    return [it for it, word in words if key_states.REFUSALS.get(word, ("",))[0] == error]


def text() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_table(), "", *_departures()]) + "\n"


def _table() -> Iterator[str]:
    yield "| operation | wire | errors | refused in | multi-Region | authorization |"
    yield "|---|---|---|---|---|---|"
    for name in sorted(OPERATIONS):
        related, permission, cross_account = OPERATIONS[name]
        served = name not in UNSERVED
        declared = len(declared_errors()[name])
        produced = f"{declared - len(unproduced(name))} of {declared}"
        cells = (
            name,
            "AWS JSON, gRPC" if served else "none",
            produced if served else f"0 of {declared}",
            _refused(name),
            related,
            permission + (" ✕" if cross_account else ""),
        )
        yield f"| {' | '.join(cells)} |"


def _refused(operation: str) -> str:
    if operation in key_states.STATELESS:
        return "—"
    refused = refusing_states(operation)
    if len(refused) == len(key_states.STATES) - 1:
        [allowed] = set(key_states.STATES) - set(refused)
        return f"all but {allowed}"
    return ", ".join(refused) or "none"


def _departures() -> Iterator[str]:
    yield "PendingReplicaDeletion is as PendingDeletion everywhere."
    yield ""
    yield "## Departures from AWS"
    yield ""
    yield "Of the model:"
    yield ""
    yield from _items({f"`{text}`": reason for text, reason in MODEL.items()})
    if UNSERVED:
        yield ""
        yield "Operations that answer UnknownOperationException, on gRPC UNIMPLEMENTED:"
        yield ""
        yield from _items(UNSERVED)
    yield ""
    yield "Key states:"
    yield ""
    of_cells = {
        f"{operation} in {state}": f"`{word}`: {reason}"
        for (operation, state), (word, reason) in key_states.DEPARTURES.items()
    }
    of_kinds = {
        f"{state} of keys that are not symmetric": reason
        for state, reason in key_states.UNREACHABLE.items()
    }
    yield from _items(of_cells | of_kinds)
    yield ""
    yield "Declared errors that no test produces:"
    yield ""
    of_errors = {
        f"{error} of {'any operation' if operation == '*' else operation}": reason
        for (operation, error), reason in UNPRODUCED.items()
    }
    of_errors["KMSInvalidStateException of operations that no key state makes invalid"] = NO_STATE_REFUSES
    yield from _items(of_errors)


def _items(named: dict[str, str]) -> Iterator[str]:
    for reason in dict.fromkeys(named.values()):
        names = sorted(name for name, its_reason in named.items() if its_reason == reason)
        yield f"- {', '.join(names)}: {reason}."
