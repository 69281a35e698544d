"""The rules of the house as functions: each takes a module and yields what is wrong with it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
LEVELS = {
    "base": 0,
    "tenants_app": 1,
    "runs_app": 2,
    "templates_app": 3,
    "schedules_app": 4,
    "triggers_app": 4,
    "highway_automation": 5,
}
ROOMS = tuple(room for room in LEVELS if room != "base")
PURE = {
    "runs_app.plan", "runs_app.expressions", "runs_app.checks", "runs_app.dialect",
    "highway_automation.base.schema", "schedules_app.cron", "triggers_app.filters", "triggers_app.index",
}  # fmt: skip
IMPURE_IMPORTS = (
    "django", "rest_framework", "celery", "kombu", "psycopg", "sqlite3", "httpx",
    "highway_automation.base.clock", "highway_automation.base.db", "highway_automation.base.queue",
)  # fmt: skip
WRITES = {"save", "create", "update", "delete", "get_or_create", "update_or_create", "execute", "executemany"}
CLOCKS = {
    "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
    "django.utils.timezone.now", "time.time", "time.time_ns",
    "django.db.models.functions.Now", "django.db.models.functions.datetime.Now",
}  # fmt: skip
OPERATORS = {
    "task", "activity", "condition", "wait", "parallel", "foreach", "while", "emit_event", "wait_for_event",
    "join", "switch", "reflexive", "multi_choice", "terminate", "child_workflow",
}  # fmt: skip
VENDOR_IMPORTS = ("django.db.backends", "django.contrib.postgres", "psycopg", "psycopg_pool", "sqlite3")
PLAIN_MANAGERS = {"plain", "_default_manager", "_base_manager"}
FOREIGN_KEYS = {"ForeignKey", "OneToOneField", "ManyToManyField", "get_model"}


@dataclass(frozen=True)
class Module:
    """One Python file of the product: `path` is relative to the checkout, with slashes."""

    path: str
    source: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    @cached_property
    def name(self) -> str:
        parts = PurePosixPath(self.path).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def is_migration(self) -> bool:
        return "/migrations/" in self.path

    @cached_property
    def imports(self) -> list[tuple[int, str]]:
        """(line, dotted name) of every import, `from a import b` as `a.b`, wherever it stands in the file."""
        statements = (n for n in ast.walk(self.tree) if isinstance(n, ast.Import | ast.ImportFrom))
        return [(node.lineno, name) for node in statements for name in imported(node, self)]

    @cached_property
    def names(self) -> dict[str, str]:
        """What each imported local name stands for."""
        known: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                known |= {
                    a.asname or a.name.split(".")[0]: a.name if a.asname else a.name.split(".")[0] for a in node.names
                }
            elif isinstance(node, ast.ImportFrom):
                known |= {a.asname or a.name: f"{origin(node, self)}.{a.name}" for a in node.names}
        return known

    def dotted(self, node: ast.expr) -> str:
        """The full name an expression like `dt.datetime.now` stands for, or "" where it is no such chain."""
        if isinstance(node, ast.Attribute):
            owner = self.dotted(node.value)
            return f"{owner}.{node.attr}" if owner else ""
        return self.names.get(node.id, "") if isinstance(node, ast.Name) else ""

    @cached_property
    def texts(self) -> list[tuple[int, str]]:
        """(line, text) of every string constant that is not a docstring."""
        docs = {id(n.value) for n in ast.walk(self.tree) if isinstance(n, ast.Expr)}
        constants = (n for n in ast.walk(self.tree) if isinstance(n, ast.Constant) and id(n) not in docs)
        return [(n.lineno, n.value) for n in constants if isinstance(n.value, str)]


Rule = Callable[[Module], Iterator[str]]


def origin(node: ast.ImportFrom, module: Module) -> str:
    """The module a `from … import` names, relative ones resolved."""
    if not node.level:
        return node.module or ""
    package = module.name.split(".") + ["*"] * module.path.endswith("__init__.py")
    return ".".join([*package[: -node.level], *([node.module] if node.module else [])])


def imported(node: ast.Import | ast.ImportFrom, module: Module) -> list[str]:
    prefix = f"{origin(node, module)}." if isinstance(node, ast.ImportFrom) else ""
    return [f"{prefix}{alias.name}" for alias in node.names]


def room(dotted: str) -> str | None:
    """The room a dotted name belongs to; None for anything that is not ours."""
    first, *rest = dotted.split(".")
    if first == "highway_automation" and rest[:1] == ["base"]:
        return "base"
    return first if first in LEVELS and first != "base" else None


def within(dotted: str, packages: Collection[str]) -> bool:
    return any(dotted == package or dotted.startswith(f"{package}.") for package in packages)


def looks_up(source: str, target: str) -> bool:
    return target != source and LEVELS[target] >= LEVELS[source]


def imports_point_down(module: Module) -> Iterator[str]:
    """A room imports only rooms below it; schedules and triggers do not know each other."""
    here = room(module.name)
    for line, name in module.imports:
        there = room(name)
        if here and there and looks_up(here, there):
            yield f"{module.path}:{line} {here} imports {name}"


def keys_point_down(module: Module) -> Iterator[str]:
    """No foreign key, get_model or migration dependency names a room above."""
    here = room(module.name)
    for line, target in [*_model_names(module), *_migration_dependencies(module)]:
        there = room(target)
        if here and there and looks_up(here, there):
            yield f"{module.path}:{line} {here} refers to {target}"


def _model_names(module: Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and called(node) in FOREIGN_KEYS:
            values = [*node.args[:1], *(k.value for k in node.keywords if k.arg == "to")]
            yield from ((v.lineno, v.value) for v in values if isinstance(v, ast.Constant) and isinstance(v.value, str))


def _migration_dependencies(module: Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(module.tree) if module.is_migration else ():
        if isinstance(node, ast.Tuple) and len(node.elts) == 2 and isinstance(node.elts[0], ast.Constant):
            yield node.lineno, str(node.elts[0].value)


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def is_door(module: Module) -> bool:
    parts = set(PurePosixPath(module.path).with_suffix("").parts)
    return bool(parts & {"admin", "api", "tasks", "views", "commands"})


def doors_write_nothing(module: Module) -> Iterator[str]:
    """Views, admin, commands and tasks call a verb of `actions`; they never write a row themselves."""
    if not is_door(module):
        return
    own = {node.name for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef)}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and writes(node.func, own):
            yield f"{module.path}:{node.lineno} a door calls .{node.func.attr}()"


def writes(call: ast.Attribute, own: Collection[str]) -> bool:
    """A view may call another method of its own: `self.update(…)` where `update` is defined in the file."""
    if isinstance(call.value, ast.Name) and call.value.id == "self" and call.attr in own:
        return False
    names = {call.attr, call.attr.removeprefix("a")}  # Django's asynchronous twins
    return bool(names & WRITES) or any(name.startswith("bulk_") for name in names)


def is_ground(module: Module) -> bool:
    return within(module.name, ["highway_automation.base.clock", "highway_automation.base.db"])


def one_clock(module: Module) -> Iterator[str]:
    """Only base/clock (through base/db) asks the time; `time.monotonic` is for timeouts and free."""
    if is_ground(module) or module.is_migration:
        return
    for line, name in module.imports:
        if name in CLOCKS:
            yield f"{module.path}:{line} imports {name}"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and module.dotted(node) in CLOCKS:
            yield f"{module.path}:{node.lineno} asks {module.dotted(node)}"
        if isinstance(node, ast.keyword) and node.arg in {"auto_now", "auto_now_add"}:
            yield f"{module.path}:{node.value.lineno} {node.arg} asks Django's clock"


def vendors_stay_in_base_db(module: Module) -> Iterator[str]:
    """What differs between databases is in base/db, the settings and migrations."""
    if is_ground(module) or module.is_migration or module.name == "highway_automation.settings":
        return
    for line, name in module.imports:
        if within(name, VENDOR_IMPORTS) or name.endswith(".is_postgres"):
            yield f"{module.path}:{line} imports {name}"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and node.attr in {"vendor", "is_postgres"}:
            yield f"{module.path}:{node.lineno} asks .{node.attr}"
    for line, text in module.texts:
        if "postgres" in text or "sqlite" in text:
            yield f"{module.path}:{line} names a database: {text!r}"


def plain_manager_is_for_bases(module: Module) -> Iterator[str]:
    """Only the admin and API bases and the scoping itself reach rows without a tenant."""
    if module.path.endswith(("api/base.py", "admin/base.py", "base/api.py", "base/admin.py", "tenants_app/scoping.py")):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and node.attr in PLAIN_MANAGERS:
            yield f"{module.path}:{node.lineno} uses .{node.attr}"


def engine_knows_no_operator(module: Module) -> Iterator[str]:
    """The engine drives steps through the registry; it never asks which operator one is."""
    if not within(module.name, ["runs_app.engine"]):
        return
    for line, text in module.texts:
        if text in OPERATORS:
            yield f"{module.path}:{line} names the operator {text!r}"
    for line, name in module.imports:
        if any(within(name, [f"runs_app.operators.{operator}"]) for operator in OPERATORS):
            yield f"{module.path}:{line} imports {name}"


RULES: tuple[Rule, ...] = (
    imports_point_down, keys_point_down, doors_write_nothing, one_clock,
    vendors_stay_in_base_db, plain_manager_is_for_bases, engine_knows_no_operator,
)  # fmt: skip


def impure(name: str, modules: dict[str, Module]) -> Iterator[str]:
    """What a pure module reaches, through modules of ours too, that knows a database, a clock or Django."""
    todo, seen = [(name, name)], set()
    while todo:
        current, trail = todo.pop()
        if current in seen or current not in modules:
            continue
        seen.add(current)
        for _, target in modules[current].imports:
            if within(target, IMPURE_IMPORTS):
                yield f"{trail} → {target}"
            todo += [(t, f"{trail} → {t}") for t in (target, target.rpartition(".")[0]) if t != "highway_automation"]


def product() -> dict[str, Module]:
    """Every Python module of the product, by dotted name."""
    paths = (path for room_name in ROOMS for path in sorted((ROOT / room_name).rglob("*.py")))
    modules = (Module(path.relative_to(ROOT).as_posix(), path.read_text()) for path in paths)
    return {module.name: module for module in modules}
