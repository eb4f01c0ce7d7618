"""Dataclasses out of JSON, by their annotations: what does not fit is an error that names the field.

build(Parameters, json.loads(text), "parameters")

Numbers may be written as text, a NamedTuple is a list of its fields, keys of a mapping are what their type makes of the
text.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from enum import IntEnum
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from plimsoll.errors import BadInput

T = TypeVar("T")


def build(kind: type[T], raw: Any, where: str) -> T:
    """A `kind` from a JSON object; unknown, missing or ill-typed fields are a BadInput."""
    if not isinstance(raw, Mapping):
        raise BadInput(where, raw, "it must be a JSON object")
    hints = get_type_hints(kind)
    if unknown := sorted(set(raw) - set(hints)):
        raise BadInput(where, unknown, f"there is no such field; there are {', '.join(hints)}")
    values = {name: _value(hints[name], value, f"{where}.{name}") for name, value in raw.items()}
    try:
        return kind(**values)
    except TypeError as error:
        raise BadInput(where, sorted(raw), str(error)) from None


def _value(hint: Any, raw: Any, where: str) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        inner = next(option for option in get_args(hint) if option is not type(None))
        return None if raw is None else _value(inner, raw, where)
    if origin is tuple:
        return _items(hint, raw, where)
    if origin is Mapping:
        return _mapping(hint, raw, where)
    if dataclasses.is_dataclass(hint):
        return build(hint, raw, where)  # type: ignore[arg-type]
    if issubclass(hint, tuple):
        return _named(hint, raw, where)
    return _plain(hint, raw, where)


def _plain(hint: Any, raw: Any, where: str) -> Any:
    if issubclass(hint, int) and isinstance(raw, str) and raw.lstrip("-").isdigit():
        raw = int(raw)
    if issubclass(hint, IntEnum):
        if raw not in set(hint):
            raise BadInput(where, raw, f"it must be one of {', '.join(str(int(member)) for member in hint)}")
        return hint(raw)
    if type(raw) is not hint:
        raise BadInput(where, raw, f"it must be {hint.__name__}")
    return raw


def _items(hint: Any, raw: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(raw, list | tuple):
        raise BadInput(where, raw, "it must be a list")
    items = get_args(hint)
    if items[-1] is not Ellipsis and len(raw) != len(items):
        raise BadInput(where, raw, f"it must have {len(items)} items")
    return tuple(_value(items[0], item, f"{where}[{position}]") for position, item in enumerate(raw))


def _named(hint: Any, raw: Any, where: str) -> Any:
    fields = get_type_hints(hint)
    if not isinstance(raw, list | tuple) or len(raw) != len(fields):
        raise BadInput(where, raw, f"it must be a list of {', '.join(fields)}")
    pairs = zip(fields.items(), raw, strict=True)
    return hint(*(_value(kind, item, f"{where}.{name}") for (name, kind), item in pairs))


def _mapping(hint: Any, raw: Any, where: str) -> dict[Any, Any]:
    if not isinstance(raw, Mapping):
        raise BadInput(where, raw, "it must be a JSON object")
    key, kind = get_args(hint)
    return {key(name): _value(kind, item, f"{where}[{name}]") for name, item in raw.items()}
