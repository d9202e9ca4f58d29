"""The AWS KMS API as data: operations with their members and limits, read from
AWS's published model or from a running cluster, in the same terms."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field, fields

import botocore.session

SERVICE = "kms"
VERSION = "2014-11-01"


@dataclass(frozen=True)
class Limits:
    """What a value must satisfy; None where anything goes."""

    min: int | None = None
    max: int | None = None
    pattern: str | None = None
    enum: frozenset[str] | None = None


@dataclass
class Value:
    """A member, or an item of a list."""

    kind: str
    required: bool
    limits: Limits = field(default_factory=Limits)
    members: Structure | None = None
    item: Value | None = None
    # AWS's name of the shape; a cluster has none.
    shape: str = ""


Structure = dict[str, Value]
# Input and output by operation.
Api = dict[str, tuple[Structure, Structure]]


@functools.cache
def model() -> dict:
    """botocore's description of KMS, as AWS publishes it."""
    loader = botocore.session.get_session().get_component("data_loader")
    return loader.load_service_model(SERVICE, "service-2", api_version=VERSION)


def aws() -> Api:
    """The operations as AWS's model has them."""
    return {
        name: tuple(
            _structure(it[side]["shape"]) if side in it else {} for side in ("input", "output")
        )
        for name, it in model()["operations"].items()
    }


def declared_errors() -> dict[str, frozenset[str]]:
    """The errors that AWS's model declares, by operation."""
    return {
        name: frozenset(error["shape"] for error in it.get("errors", ()))
        for name, it in model()["operations"].items()
    }


def http_status(error: str) -> int:
    """The status that goes with a declared error: 400, except for faults."""
    shape = model()["shapes"][error]
    return 500 if shape.get("fault") else 400


def differences(aws: Api, ours: Api) -> dict[str, set[str]]:
    """Every way in which ours is not AWS's, with the operations it concerns.
    What concerns a shape of values is named once, by AWS's name of the shape."""
    found: dict[str, set[str]] = {}
    for operation in aws.keys() | ours.keys():
        if operation not in aws or operation not in ours:
            side = "AWS has no" if operation not in aws else "there is no"
            found.setdefault(f"{side} {operation}", set()).add(operation)
            continue
        for side, theirs, own in zip(("input", "output"), aws[operation], ours[operation]):
            for text in _structures(f"{operation} {side}", theirs, own):
                found.setdefault(text, set()).add(operation)
    return found


def _structures(at: str, aws: Structure, ours: Structure) -> Iterator[str]:
    for name in sorted(aws.keys() | ours.keys()):
        if name not in ours:
            yield f"{at}: no {name}"
        elif name not in aws:
            yield f"{at}: {name} is not AWS's"
        else:
            yield from _values(f"{at}: {name}", aws[name], ours[name])


def _values(at: str, aws: Value, ours: Value) -> Iterator[str]:
    if aws.kind != ours.kind:
        yield f"{at} is a {ours.kind}, not a {aws.kind}"
        return
    if aws.required != ours.required:
        yield f"{at} is {'required' if ours.required else 'not required'}"
    for limit in fields(Limits):
        theirs, own = getattr(aws.limits, limit.name), getattr(ours.limits, limit.name)
        if theirs != own:
            yield f"{aws.shape}: {limit.name} is {_shown(own)}, not {_shown(theirs)}"
    if aws.members is not None:
        yield from _structures(at, aws.members, ours.members or {})
    if aws.item is not None and ours.item is not None:
        yield from _values(f"{at}[]", aws.item, ours.item)


def _shown(limit: object) -> str:
    if limit is None:
        return "open"
    return ", ".join(sorted(limit)) if isinstance(limit, frozenset) else str(limit)


def _structure(name: str) -> Structure:
    shape = model()["shapes"][name]
    required = shape.get("required", ())
    return {
        member: _value(it["shape"], member in required) for member, it in shape["members"].items()
    }


def _value(name: str, required: bool) -> Value:
    shape = model()["shapes"][name]
    kind = shape["type"]
    values = shape.get("enum")
    limits = Limits(
        shape.get("min"),
        shape.get("max"),
        shape.get("pattern"),
        frozenset(values) if values else None,
    )
    members = _structure(name) if kind == "structure" else None
    item = _value(shape["member"]["shape"], False) if kind == "list" else None
    return Value(kind, required, limits, members, item, name)
