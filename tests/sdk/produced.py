"""Which errors of which operations the tests have seen: every error that an AWS
client of a test is answered, unless a test has asked for it to be injected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

# Operation and error, with one place where they were seen.
SEEN: set[tuple[str, str]] = set()

CHECK = "test_declared_errors.py"


def observe(client: Any, cluster: Any) -> None:
    """Notes the errors that a boto3 client of a cluster is answered."""

    def after_call(model: Any, parsed: dict, **_: Any) -> None:
        code = parsed.get("Error", {}).get("Code")
        if code and not cluster.injects:
            SEEN.add((model.name, code))

    client.meta.events.register("after-call.kms", after_call)


def put_last(items: list[pytest.Item]) -> None:
    """What is checked over all tests is checked after them, wherever it stands."""
    items.sort(key=lambda item: item.path.name == CHECK)


def missing_parts(config: pytest.Config, items: list[pytest.Item]) -> list[str]:
    """Why this run is not the whole suite; empty if it is."""
    folder = Path(__file__).parent
    there = {path.name for path in folder.glob("test_*.py")}
    selected = {item.path.name for item in items}
    reasons = [f"{name} is left out" for name in sorted(there - selected)]
    if config.option.keyword or config.option.markexpr:
        reasons.append("tests are selected by -k or -m")
    if any("::" in argument for argument in config.args):
        reasons.append("tests are selected by name")
    return reasons
