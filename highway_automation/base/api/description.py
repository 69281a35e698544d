"""How the API describes itself (OpenAPI): what every operation has in common is added here, once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent

from highway_automation.base.api.filters import LIST_WORDS
from highway_automation.base.api.serializers import Strict

PREFIX = "/api/v1/"
TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
PROBLEM = {
    "type": "object",
    "description": "Problem details (RFC 9457), with Highway's `code` and `message`.",
    "properties": {
        "type": TEXT,
        "title": TEXT,
        "status": NUMBER,
        "detail": TEXT,
        "code": {**TEXT, "description": "Such as NOT_FOUND or VALIDATION_ERROR."},
        "message": {**TEXT, "description": "The same as `detail`."},
        "errors": {
            "type": "array",
            "description": "Which fields are wrong, and why.",
            "items": {
                "type": "object",
                "properties": {"field": TEXT, "message": TEXT},
                "required": ["field", "message"],
            },
        },
    },
    "required": ["type", "title", "status", "detail", "code", "message"],
}
MEANINGS = {
    304: "Unchanged: it is as `If-None-Match` says.",
    400: "The request cannot be read, or a session has several tenants and names none (`tenants` lists them).",
    401: "Who are you? The key or session is missing, unknown, expired or revoked.",
    403: "Your role may not do this, or you are no member of that tenant.",
    404: "There is no such object, or it is another tenant's.",
    406: "None of the types that `Accept` names can be answered.",
    409: "In conflict with what is there.",
    412: "It has changed since you read it (`If-Match`).",
    413: "The body is too large.",
    415: "The body is of a type that is not read here.",
    422: "Something is not valid; `errors` names each field.",
    429: "Too many requests; `Retry-After` says how many seconds to wait.",
}
RATE = {
    "X-RateLimit-Limit": "Requests per minute.",
    "X-RateLimit-Remaining": "How many of them are left.",
    "X-RateLimit-Reset": "When it begins anew (Unix time).",
}


class Operation(AutoSchema):
    """Adds to drf-spectacular's reading of a view: refusals, headers, one tag per resource, strict bodies, and the
    list's own plural.
    """

    def get_tags(self) -> list[str]:
        return [self.path.removeprefix(PREFIX).removeprefix("admin/").split("/")[0] or "api"]

    def get_summary(self) -> str | None:
        told = super().get_summary() or self.first_line()
        return told.rstrip(".") if told else None

    def first_line(self) -> str:
        """The first sentence of the action's own words, else what the method and the path say."""
        action = getattr(self.view, getattr(self.view, "action", None) or "", None)
        words = (getattr(action, "__doc__", None) or "").strip()
        if words:
            return " ".join(words.split("\n\n")[0].split()).split(". ")[0].split(": ")[0]
        verbs = {"retrieve": "Read", "create": "Create", "update": "Change", "partial_update": "Change"}
        verbs |= {"destroy": "Delete"}
        name = str(getattr(self.view, "action", None) or self.method.lower())
        model = getattr(self.view, "model", None)
        if model is not None and name == "list":
            return f"List the {model._meta.verbose_name_plural}"
        if model is not None and name in verbs:
            noun = str(model._meta.verbose_name)
            return f"{verbs[name]} {'an' if noun[0] in 'aeioA' else 'a'} {noun}"
        return f"{name.replace('_', ' ').capitalize()}"

    def open_to_all(self) -> bool:
        return not self.view.authentication_classes

    def is_detail(self) -> bool:
        return "{" in self.path

    def _get_parameters(self) -> list[dict[str, Any]]:
        known = super()._get_parameters()
        names = {(parameter["name"].lower(), parameter["in"]) for parameter in known}
        added = [header(*told) for told in self.headers() if (told[0].lower(), "header") not in names]
        return [*map(bounded, known), *added]

    def headers(self) -> Iterator[tuple[str, str]]:
        if self.open_to_all():
            return
        yield "X-Tenant", "With a session: the tenant that is meant, where you belong to several."
        action = getattr(self.view, "action", None)
        if action in getattr(self.view, "idempotent", ()):
            yield "Idempotency-Key", "The same key and body again answer the first run instead of starting another."
            yield "X-Idempotency-Key", "Highway's word for Idempotency-Key."
        if action == "retrieve" and hasattr(self.view, "answer"):
            yield "If-None-Match", "An ETag: 304 where the object still has it."
        if self.is_detail() and self.method in {"PUT", "PATCH", "DELETE"}:
            yield "If-Match", "An ETag: 412 where the object has another one by now."

    def _get_request_body(self, direction: Any = "request") -> Any:
        """PUT changes what its body names, as PATCH does: nothing in it is required."""
        method, self.method = self.method, "PATCH" if self.method == "PUT" else self.method
        try:
            return super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        finally:
            self.method = method

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        answers: dict[str, Any] = super()._get_response_bodies(direction)
        for answer in answers.values() if not self.open_to_all() else ():
            answer["headers"] = {**answer.get("headers", {}), **rate_headers()}
        for status in sorted(self.refusals()):
            answers.setdefault(str(status), self.refusal(status))
        return dict(sorted(answers.items()))

    def refusals(self) -> set[int]:
        """Every status beside success that this operation can answer."""
        if self.open_to_all():
            return set()
        found = {400, 401, 403, 406, 429}
        if self.method != "GET":
            found |= {409, 422}
        if self.method in {"POST", "PUT", "PATCH"}:
            found |= {413, 415}
        if self.is_detail():
            found |= {404}
        if self.asks_by_query():
            found |= {422}
        if self._is_list_view():  # a page that is not there
            found |= {404}
        names = {name for name, _ in self.headers()}
        return found | ({412} if "If-Match" in names else set()) | ({304} if "If-None-Match" in names else set())

    def asks_by_query(self) -> bool:
        return any(p["in"] == "query" for p in self._get_parameters())

    def refusal(self, status: int) -> dict[str, Any]:
        title = HTTPStatus(status).phrase
        if status == 304:
            return {"description": MEANINGS[status]}
        problem = ResolvedComponent("Problem", ResolvedComponent.SCHEMA, PROBLEM, "Problem")  # type: ignore[no-untyped-call]
        self.registry.register_on_missing(problem)
        return {
            "description": MEANINGS.get(status, title),
            "content": {"application/problem+json": {"schema": problem.ref}},
        }

    def map_renderers(self, attribute: str) -> list[Any]:
        """Browsable pages are for people; the description speaks of JSON."""
        return [found for found in super().map_renderers(attribute) if found not in {"text/html", "api"}]

    def _get_paginator(self) -> Any:
        paginator = super()._get_paginator()  # type: ignore[no-untyped-call]
        if paginator is not None:
            paginator.plural = getattr(self.view, "plural", paginator.plural)
        return paginator

    def get_paginated_name(self, serializer_name: str) -> str:
        return f"{serializer_name}List"

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> dict[str, Any]:
        mapped = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        schema: dict[str, Any] = mapped
        if direction == "response":
            for name in nulls(serializer):
                schema["properties"][name] = nullable(schema["properties"].get(name, {}))
        if isinstance(serializer, Strict):
            properties = schema.setdefault("properties", {})
            for name in sorted(serializer.highway_keys):
                properties.setdefault(name, other_word(serializer, name))
            if direction == "request":
                schema["additionalProperties"] = False
        return schema


def nulls(serializer: Any) -> list[str]:
    """The fields that are answered as null where there is nothing to tell."""
    unset = [field.field_name for field in serializer.fields.values() if not field.write_only and field.default is None]
    return [*unset, *getattr(serializer, "null_when_read", ())]


def nullable(schema: dict[str, Any]) -> dict[str, Any]:
    return {"allOf": [schema], "nullable": True} if "$ref" in schema else {**schema, "nullable": True}


def header(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "schema": TEXT, "description": description}


def rate_headers() -> dict[str, Any]:
    return {name: {"schema": NUMBER, "description": told} for name, told in RATE.items()}


def other_word(serializer: Any, name: str) -> dict[str, Any]:
    """A field that Highway's own clients send, or that is answered beside the serializer's own."""
    aliases: Mapping[str, str] = getattr(serializer, "aliases", {})
    if name == "warnings":
        return {"type": "array", "items": {}, "description": "What the checks have to say; ignored when sent."}
    return {"description": f"Highway's word for `{aliases[name]}`." if name in aliases else "Highway's own field."}


def bounded(parameter: dict[str, Any]) -> dict[str, Any]:
    """drf-spectacular says of paging only that it is a number."""
    if parameter["in"] == "query" and parameter["name"] in {"page", "page_size"}:
        parameter["schema"] = {**NUMBER, "minimum": 1, **({"maximum": 10_000} if parameter["name"] == "page" else {})}
    if parameter["in"] == "query" and parameter["name"] in LIST_WORDS:
        parameter["schema"] = {**parameter["schema"], "maxLength": 1000}
    return parameter


def documented(endpoints: list[Any], **_: Any) -> list[Any]:
    """The paths as they are documented: the slash at their end is optional, and left out; doubles are left out too."""
    paths = [(path.rstrip("/") or path, *rest) for path, *rest in endpoints]
    return [endpoint for endpoint in paths if endpoint[0].startswith(PREFIX) or endpoint[0] == "/ping"]
