"""Runs one Python program that defines workflows; the child process of `compile_source`, never imported by the server.

    python -I program.py OPTIONS < source > result

OPTIONS is a JSON object: `filename`, `paths` (added to sys.path), `limits` (rlimit name → value), `alone` (no threads
or further processes). The result is `{"workflows": […], "chosen": index or null}` or `{"error": …, "line": …}`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import resource
import sys
import types
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def main() -> None:
    options = json.loads(sys.argv[1])
    source = sys.stdin.buffer.read()
    answer = os.dup(1)
    os.dup2(2, 1)  # what the program prints is not the result
    sys.path[:0] = options["paths"]
    for name, value in options["limits"].items():
        resource.setrlimit(getattr(resource, name), (value, value))
    extend_library()
    if options["alone"]:
        forbid_processes()
    try:
        result = compile_program(source, options["filename"])
    except BaseException as error:  # whatever the program raised is the answer, SystemExit included
        result = failure(error, options["filename"])
    with os.fdopen(answer, "wb") as out:
        out.write(json.dumps(result).encode())
    sys.stderr.flush()
    os._exit(0)  # neither threads nor exit handlers of the program hold the answer up


def extend_library() -> None:
    """In this process, `highway_dsl` has our names too: also where its own code makes builders for branches."""
    import highway_dsl
    from highway_dsl import workflow_dsl

    fluent = load("highway_dsl_fluent", HERE / "fluent.py")
    for module in (highway_dsl, workflow_dsl):
        module.WorkflowBuilder = fluent.WorkflowBuilder
        module.task = fluent.task
    highway_dsl.__all__ = [*highway_dsl.__all__, "task"]


def load(name: str, path: Path) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path.name} is missing")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def forbid_processes() -> None:
    """In the kernel: RLIMIT_NPROC counts nothing where the sandbox was started by root."""
    seccomp = load("highway_seccomp", HERE.parent / "confined" / "seccomp.py")
    seccomp.refuse({**seccomp.DANGEROUS, **seccomp.STARTING})


def compile_program(source: bytes, filename: str) -> dict[str, Any]:
    """Runs the program as a module; as a script too if it only then defines something."""
    code = compile(source, filename, "exec", dont_inherit=True)
    found = workflows_of(run(code, filename, Path(filename).stem))
    if not found["workflows"] and b"__main__" in source:
        found = workflows_of(run(code, filename, "__main__"))
    if not found["workflows"]:
        raise ValueError('The program defines no workflow; assign one to "workflow".')
    return found


def run(code: types.CodeType, filename: str, name: str) -> dict[str, Any]:
    module = types.ModuleType(name)
    module.__file__ = filename
    sys.modules[name] = module
    exec(code, module.__dict__)  # noqa: S102
    return module.__dict__


def workflows_of(names: dict[str, Any]) -> dict[str, Any]:
    """Every workflow the program holds, and which one it means: `workflow`, get_workflow()'s, or the only one."""
    from highway_dsl import Workflow, WorkflowBuilder

    found = [value for value in names.values() if isinstance(value, Workflow)]
    chosen = names.get("workflow")
    if not isinstance(chosen, Workflow | WorkflowBuilder | dict) and callable(names.get("get_workflow")):
        chosen = names["get_workflow"]()
    if isinstance(chosen, WorkflowBuilder):
        chosen = chosen.build()
    if chosen is None and not found:
        found = [value.build() for value in names.values() if isinstance(value, WorkflowBuilder)]
    if chosen is not None:
        found.append(chosen)
    unique = list({id(workflow): workflow for workflow in found}.values())
    index = next((at for at, workflow in enumerate(unique) if workflow is chosen), None)
    return {"workflows": [plain(workflow) for workflow in unique], "chosen": 0 if len(unique) == 1 else index}


def plain(workflow: Any) -> Any:
    if isinstance(workflow, dict):
        return json.loads(json.dumps(workflow))
    if not hasattr(workflow, "to_json"):
        raise TypeError(f"get_workflow() gave a {type(workflow).__name__}, not a workflow.")
    return json.loads(workflow.to_json())


def failure(error: BaseException, filename: str) -> dict[str, Any]:
    """The error and the last line of the program that led to it."""
    line = error.lineno if isinstance(error, SyntaxError) and error.filename == filename else None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == filename:
            line = trace.tb_lineno
        trace = trace.tb_next
    text = ""
    with contextlib.suppress(Exception):
        text = error.msg if isinstance(error, SyntaxError) else str(error)
    kind = type(error).__name__
    return {"error": text if kind in ("ValueError", "TypeError") and line is None else f"{kind}: {text}", "line": line}


if __name__ == "__main__":
    main()
