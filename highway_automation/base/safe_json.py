"""The one door for JSON: what comes in is refused if a database could choke on it, what goes out is mended."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, TypeAlias

JSON: TypeAlias = Any  # recursive: None | bool | int | float | str | list[JSON] | dict[str, JSON]

MAX_DEPTH = 64
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class UnsafeJSON(ValueError):
    """Text that is no JSON, or JSON that cannot be stored; the message says why, `line` where, if that is known."""

    line: int | None = None


def parse(data: bytes | str) -> JSON:
    """The value of a JSON text from outside.

    Raises:
        UnsafeJSON: not UTF-8, not JSON, deeper than 64 levels, NaN or Infinity, NUL or lone surrogates.
    """
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        value = json.loads(text, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise UnsafeJSON(f"The text is not UTF-8: {error.reason} at byte {error.start}.") from None
    except RecursionError:
        raise UnsafeJSON(f"The JSON is nested deeper than {MAX_DEPTH} levels.") from None
    except UnsafeJSON:
        raise
    except json.JSONDecodeError as error:
        told = UnsafeJSON(f"Not JSON: {error.msg} at line {error.lineno} column {error.colno}.")
        told.line = error.lineno
        raise told from None
    except ValueError as error:
        raise UnsafeJSON(f"Not JSON: {error}.") from None
    return check(value)


def check(value: JSON) -> JSON:
    """The same value, if it is safe to store. Raises UnsafeJSON as `parse` does."""
    for part, depth in _walk(value):
        if depth > MAX_DEPTH:
            raise UnsafeJSON(f"The JSON is nested deeper than {MAX_DEPTH} levels.")
        if isinstance(part, float) and not math.isfinite(part):
            raise UnsafeJSON("NaN and Infinity are not JSON.")
        if isinstance(part, str) and UNSTORABLE.search(part):
            raise UnsafeJSON("Texts may not hold NUL characters or lone surrogates.")
    return value


def clean(value: Any, depth: int = 0) -> JSON:
    """What a tool produced, made storable: bad characters become U+FFFD, NaN null, unknown types their text."""
    if isinstance(value, str):
        return UNSTORABLE.sub("\ufffd", value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth >= MAX_DEPTH:
        return "(nested too deeply)"
    if isinstance(value, dict):
        return {clean(str(key)): clean(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [clean(item, depth + 1) for item in value]
    if isinstance(value, bytes):
        return clean(value.decode("utf-8", "replace"))
    return clean(str(value))


def dumps(value: JSON) -> str:
    """Compact, with sorted keys: equal values give equal texts."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))


def dumps_as_is(value: JSON) -> str:
    """Compact, the keys in their own order."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def size(value: JSON) -> int:
    """Bytes of the value's compact text."""
    return len(dumps(value).encode("utf-8", "surrogatepass"))


def _refuse_constant(name: str) -> None:
    raise UnsafeJSON("NaN and Infinity are not JSON.")


def _walk(value: JSON) -> Iterator[tuple[JSON, int]]:
    """Every value and key with its depth, without recursion."""
    stack: list[tuple[JSON, int]] = [(value, 0)]
    while stack:
        part, depth = stack.pop()
        yield part, depth
        if depth > MAX_DEPTH:
            continue
        if isinstance(part, dict):
            for key, item in part.items():
                stack.append((key, depth))
                stack.append((item, depth + 1))
        elif isinstance(part, list):
            stack.extend((item, depth + 1) for item in part)
