"""JSON of one meaning, and the types of its members."""

import json
import math
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")
Members = dict[str, Any]


class Malformed(ValueError):
    """It is not what it should be."""


def members(data: bytes) -> Members:
    """The members of an object of JSON.

    Raises `Malformed` for what Python's `json` would let pass: another encoding than UTF-8, a name
    that is there twice (which reader is right about it?), NaN, a number that no float holds, half a
    surrogate.
    """
    try:
        value = json.loads(
            data.decode(),
            object_pairs_hook=_once,
            parse_constant=_no_number,
            parse_float=_finite,
        )
        if b"\\u" in data:
            json.dumps(value, ensure_ascii=False).encode()
    # Deep nesting is a RecursionError; an integer of thousands of digits is a ValueError.
    except (ValueError, RecursionError) as why:
        raise Malformed(f"no JSON: {why}") from None
    if not isinstance(value, dict):
        raise Malformed("no object")
    return value


def text(of: Members, name: str) -> str | None:
    """The text of this name; `None` where it is left out."""
    if name in of and not isinstance(of[name], str):
        raise Malformed(f"{name} is no text")
    return of.get(name)


def texts(of: Members, name: str) -> tuple[str, ...]:
    """The list of texts of this name; empty where it is left out."""
    value = of.get(name, [])
    if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
        raise Malformed(f"{name} is no list of texts")
    return tuple(value)


def number(of: Members, name: str) -> float | None:
    """The number of this name, which may have a fraction; `None` where it is left out."""
    if name not in of:
        return None
    # True is an int to Python.
    if type(of[name]) not in (int, float):
        raise Malformed(f"{name} is no number")
    try:
        return float(of[name])
    except OverflowError:
        raise Malformed(f"{name} is too large") from None


def integer(of: Members, name: str) -> int | None:
    """The integer of this name, of 64 bits; `None` where it is left out."""
    if name in of and (type(of[name]) is not int or not -(2**63) <= of[name] < 2**63):
        raise Malformed(f"{name} is no integer")
    return of.get(name)


def needed(read: Callable[[Members, str], T | None], of: Members, name: str) -> T:
    """What `read` finds under this name, which must be there."""
    value = read(of, name)
    if value is None:
        raise Malformed(f"{name} is missing")
    return value


def _once(pairs: list[tuple[str, Any]]) -> Members:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("a name is there twice")
    return found


def _no_number(constant: str) -> NoReturn:
    raise Malformed(f"{constant} is no number")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise Malformed(f"{digits} is too large")
    return value
