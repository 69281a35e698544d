"""Every endpoint of the API as the URL configuration has it, and which verb of the roles' table it needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.contrib.admindocs.views import simplify_regex
from django.urls import get_resolver

OPEN = "open"  # to all
SIGNED_IN = "signed in"
VIEW = {"GET": "view"}
LIST = {"GET": "view", "POST": "edit"}
ONE = {"GET": "view", "PUT": "edit", "PATCH": "edit", "DELETE": "edit"}

VERB: dict[str, dict[str, str]] = {
    "/ping": {"GET": OPEN},
    "/health": {"GET": OPEN},
    "/version": {"GET": OPEN},
    "/api/v1/health": {"GET": OPEN},
    "/api/v1/version": {"GET": OPEN},
    "/api/v1/": {"GET": SIGNED_IN},
    "/api/v1/schema": {"GET": OPEN},
    "/api/v1/docs": {"GET": OPEN},
    "/api/v1/templates": LIST,
    "/api/v1/templates/<name>": ONE,
    "/api/v1/templates/<name>/run": {"POST": "run"},
    "/api/v1/templates/<name>/rollback": {"POST": "edit"},
    "/api/v1/templates/<name>/validate": {"POST": "view"},
    "/api/v1/templates/<name>/versions": VIEW,
    "/api/v1/templates/<name>/versions/<number>": VIEW,
    "/api/v1/templates/validate": {"POST": "view"},
    "/api/v1/schedules": LIST,
    "/api/v1/schedules/<pk>": ONE,
    "/api/v1/schedules/<pk>/run": {"POST": "run"},
    "/api/v1/schedules/<pk>/pause": {"POST": "operate"},
    "/api/v1/schedules/<pk>/resume": {"POST": "operate"},
    "/api/v1/schedules/<pk>/skip": {"POST": "operate"},
    "/api/v1/schedules/<pk>/preview": VIEW,
    "/api/v1/schedules/<pk>/history": VIEW,
    "/api/v1/schedules/preview": {"POST": "view"},
    "/api/v1/triggers": LIST,
    "/api/v1/triggers/<pk>": ONE,
    "/api/v1/triggers/<pk>/pause": {"POST": "operate"},
    "/api/v1/triggers/<pk>/resume": {"POST": "operate"},
    "/api/v1/triggers/<pk>/test": {"POST": "view"},
    "/api/v1/events": {"GET": "view", "POST": "emit"},
    "/api/v1/events/<pk>": VIEW,
    "/api/v1/events/<pk>/explain": VIEW,
    "/api/v1/deliveries": VIEW,
    "/api/v1/deliveries/<pk>": VIEW,
    "/api/v1/deliveries/<pk>/retry": {"POST": "operate"},
    "/api/v1/workflows": {"GET": "view", "POST": "run"},
    "/api/v1/workflows/<pk>": VIEW,
    "/api/v1/workflows/<pk>/cancel": {"POST": "operate"},
    "/api/v1/workflows/<pk>/retry": {"POST": "operate"},
    "/api/v1/workflows/<pk>/steps": VIEW,
    "/api/v1/workflows/<pk>/logs": VIEW,
    "/api/v1/workflows/<pk>/signals": {"GET": "view", "POST": "operate"},
    "/api/v1/workflows/<name>/versions/<version>": VIEW,
    "/api/v1/workflows/definitions": VIEW,
    "/api/v1/workflows/definitions/<definition_id>": VIEW,
    "/api/v1/workflows/by-hash": VIEW,
    "/api/v1/workflows/by-hash/<hash>": VIEW,
    "/api/v1/workflows/schedules": VIEW,
    "/api/v1/workflows/schedules/<name>/cancel": {"POST": "operate"},
    "/api/v1/approvals": VIEW,
    "/api/v1/approvals/<key>": VIEW,
    "/api/v1/approvals/<key>/approve": {"POST": "approve"},
    "/api/v1/approvals/<key>/reject": {"POST": "approve"},
    "/api/v1/artifacts": {"GET": "view", "POST": "run"},
    "/api/v1/artifacts/<artifact_id>": {"GET": "view", "DELETE": "edit"},
    "/api/v1/artifacts/<artifact_id>/exists": VIEW,
    "/api/v1/workers": VIEW,
    "/api/v1/workers/<worker_id>": VIEW,
    "/api/v1/users": VIEW,
    "/api/v1/users/<email>": VIEW,
    "/api/v1/users/<email>/last_login": VIEW,
    "/api/v1/variables": LIST,
    "/api/v1/variables/<name>": ONE,
    "/api/v1/memberships": {"GET": "view", "POST": "admin"},
    "/api/v1/memberships/<pk>": {"GET": "view", "PUT": "admin", "PATCH": "admin", "DELETE": "admin"},
    "/api/v1/admin/api-keys": {"GET": "admin", "POST": "admin"},
    "/api/v1/admin/api-keys/<pk>": {"GET": "admin", "DELETE": "admin"},
    "/api/v1/admin/api-keys/<pk>/rotate": {"POST": "admin"},
    "/api/v1/admin/invitations": {"POST": "admin"},
    "/api/v1/admin/stop": {"GET": "view", "POST": "edit"},
    "/api/v1/admin/resume": {"POST": "edit"},
}
"""What may be asked of the API, and by whom. An endpoint that is missing here fails the tests."""

CELLS = [(method, path, verb) for path, methods in VERB.items() for method, verb in methods.items()]


def served() -> dict[str, set[str]]:
    """path → methods, of everything beside the admin's pages and what only redirects."""
    found: dict[str, set[str]] = {}
    for pattern, view in walk(get_resolver().url_patterns):
        kind = getattr(view, "cls", None)
        if kind is None:
            continue
        actions = getattr(view, "actions", None)
        methods = actions or [name for name in kind.http_method_names if hasattr(kind, name) and name != "options"]
        path = simplify_regex(pattern)
        path = path if path == "/api/v1/" else path.rstrip("/")
        found.setdefault(path, set()).update(method.upper() for method in methods if method != "head")
    return found


def walk(patterns: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        path = before + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from walk(pattern.url_patterns, path)
        else:
            yield path, pattern.callback


def at(path: str, **values: str) -> str:
    """The path with its parameters filled in; an id that nobody uses where none is given."""
    unused = {"number": "999", "version": "999", "hash": "0" * 64, "artifact_id": "0" * 64}
    unused |= {"name": "nobodys", "email": "nobody@example.com"}
    nobodys = "01a207c3-07c2-7010-b68a-0295ec1641dd"
    return re.sub(r"<(\w+)>", lambda hit: values.get(hit[1]) or unused.get(hit[1], nobodys), path)
