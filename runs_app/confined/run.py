"""Runs one piece of Python for a step: its code, or a function of an uploaded archive or an installed module.

    python -I run.py ANSWER < request

ANSWER is the number of the pipe for the answer. The request is one line of JSON and the bytes of the archive, if there
is one. The line holds `sandboxed`, `paths` (for sys.path), `limits` (rlimit name → value), `tasks` and `memory` (for
everything together, inside a sandbox), and `code`, or `function` with `args`, `kwargs`, `context`, `django` and `own`.
The answer is lines of JSON, the last of which counts: `ok`, and `value`, `none`, `unfit` or `error` with `permanent`.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import resource
import sys
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CODE, ARCHIVE = "code.py", "archive.zip"
LONGEST_ERROR = 2000
MODULES_NOT_READY = {"AppRegistryNotReady", "ImproperlyConfigured"}
CONTEXT_NAMES = ("ctx", "context")


class Unusable(Exception):
    """The request can't be served, now or later."""


class Context:
    """What a function that asks for `ctx` learns about its step."""

    def __init__(self, **known: Any) -> None:
        vars(self).update(known)

    def get_variable(self, name: str, default: Any = None) -> Any:
        """An input of the run."""
        inputs: dict[str, Any] = vars(self)["inputs"]
        return inputs.get(name, default)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"ctx has no {name} here; it has get_variable, {', '.join(sorted(vars(self)))}")


def main() -> int:
    head, _, archive = sys.stdin.buffer.read().partition(b"\n")
    request = json.loads(head)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    tell = Answer(int(sys.argv[1]))

    def work() -> int:
        return perform(request, archive, tell)

    if not request["sandboxed"]:
        return work()
    from watch import watched  # type: ignore[import-not-found]

    code: int = watched(work, request["tasks"], request["memory"], lambda why: tell(ok=False, error=why))
    return code


class Answer:
    """The pipe back to the worker."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __call__(self, **told: Any) -> None:
        rest = memoryview(b"\n" + json.dumps(told).encode() + b"\n")
        while rest:
            rest = rest[os.write(self.descriptor, rest) :]

    def value(self, value: Any) -> None:
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            self(ok=True, unfit=f"{type(value).__name__}: {error}")
        else:
            self(ok=True, value=value)


def perform(request: dict[str, Any], archive: bytes, tell: Answer) -> int:
    os.set_inheritable(tell.descriptor, False)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    if archive:
        Path(ARCHIVE).write_bytes(archive)
        sys.path.insert(0, os.path.abspath(ARCHIVE))
    shut_in(request)
    sys.path[:] = [path for path in sys.path if path != str(HERE)] + request["paths"]
    try:
        if "function" in request:
            tell.value(call(request))
        else:
            execute(request["code"], tell)
    except BaseException as error:  # SystemExit and KeyboardInterrupt end the code like any other exception
        return failed(error, tell)
    return 0


def shut_in(request: dict[str, Any]) -> None:
    for name, value in request["limits"].items():
        hard = resource.getrlimit(getattr(resource, name))[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(getattr(resource, name), (value, value))
    if request["sandboxed"]:
        import seccomp  # type: ignore[import-not-found]

        seccomp.refuse(seccomp.DANGEROUS, namespaces=False)


def execute(code: str, tell: Answer) -> None:
    """The code as a script of its own: what it then calls `result` is its result."""
    path = os.path.abspath(CODE)
    Path(path).write_text(code, "utf-8", newline="")
    module = types.ModuleType("__main__")
    module.__file__ = path
    sys.modules["__main__"] = module
    sys.argv = [path]
    compiled = compile(code, path, "exec", dont_inherit=True)
    try:
        exec(compiled, module.__dict__)  # noqa: S102 - to run the tenant's code is what this program is for
    except SystemExit as error:
        if error.code not in (None, 0):
            raise
    if "result" in module.__dict__:
        tell.value(module.__dict__["result"])
    else:
        tell(ok=True, none=True)


def call(request: dict[str, Any]) -> Any:
    function = find(request["function"], bool(request["django"]), bool(request["own"]))
    given = dict(request["kwargs"])
    place = [Context(**request["context"])] if wants_context(function) else []
    try:
        inspect.signature(function).bind(*place, *request["args"], **given)
    except TypeError as error:
        raise Unusable(f"{request['function']} cannot be called like this: {error}.") from None
    except ValueError:
        pass  # written in C, without a signature
    return function(*place, *request["args"], **given)


def find(name: str, django: bool, own: bool) -> Callable[..., Any]:
    """With `own` only what the module, or package, itself defines or exports: what it imports is not meant."""
    module_name, colon, attribute = name.partition(":")
    if not colon:
        module_name, _, attribute = name.rpartition(".")
    try:
        found: Any = load(module_name, django)
    except ImportError as error:
        raise Unusable(f"{name} cannot be imported: {error}.") from error
    exported = attribute in getattr(found, "__all__", ())
    for part in attribute.split("."):
        if not hasattr(found, part) or (own and part.startswith("_")):
            raise Unusable(f"{module_name} has no {attribute}.")
        found = getattr(found, part)
    home = str(getattr(found, "__module__", ""))
    if own and callable(found) and not (exported or f"{home}.".startswith(f"{module_name}.")):
        raise Unusable(f"{name} is not defined in {module_name}; its operator may list exactly this name.")
    if not callable(found):
        raise Unusable(f"{name} is a {type(found).__name__}, not a function.")
    function: Callable[..., Any] = found
    return function


def load(module: str, django: bool) -> types.ModuleType:
    """The module; if it uses Django, with Django set up."""
    try:
        loaded = importlib.import_module(module)
    except Exception as error:
        if not django or type(error).__name__ not in MODULES_NOT_READY:
            raise
        set_up_django()
        return importlib.import_module(module)
    if django and "django" in sys.modules:
        set_up_django()
    return loaded


def set_up_django() -> None:
    import django

    django.setup()


def wants_context(function: Callable[..., Any]) -> bool:
    """Whether its first parameter is called `ctx` or `context`."""
    try:
        return next(iter(inspect.signature(function).parameters), "") in CONTEXT_NAMES
    except (TypeError, ValueError):
        return False


def failed(error: BaseException, tell: Answer) -> int:
    """Say what went wrong as Python would, without the lines of this program."""
    if isinstance(error, Unusable):
        tell(ok=False, error=str(error), permanent=True)
        return 1
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    if isinstance(error, SystemExit):
        text = f"it ended itself with {error.code!r}"
    else:
        text = "".join(traceback.format_exception_only(error)[-1:]).strip()[:LONGEST_ERROR]
        traceback.print_exception(error.with_traceback(trace))
    lines = [frame.lineno for frame in traceback.extract_tb(trace) if os.path.basename(frame.filename) == CODE]
    tell(ok=False, error=f"{text} (line {lines[-1]})" if lines else text, permanent=isinstance(error, SyntaxError))
    return 1


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    raise SystemExit(main())
