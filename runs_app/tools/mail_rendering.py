"""Filling a tenant's mail text, and a mail's HTML. The admin's preview uses the same."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from highway_automation.base.safe_json import JSON
from runs_app.expressions import Lookup, MissingName, Names, Reference, parse_template, resolve, text_of

SAMPLES = {"first_name": "Ada", "last_name": "Lovelace", "name": "Ada Lovelace", "email": "ada@example.com"}


@dataclass(frozen=True)
class Mail:
    subject: str
    body: str
    html: str


def fill(text: Mail, values: Mapping[str, JSON]) -> Mail:
    """The text with its references replaced; `name` and `input.name` both read `values`.

    An empty value counts as missing where the reference has a default. What goes into `html` is escaped, so no value
    becomes markup, unless the text says `| raw`.

    Raises:
        ExpressionError: a name is missing, or a reference cannot be read.
    """
    names = Names(inputs=values)
    return Mail(
        subject=_filled(text.subject, names, str),
        body=_filled(text.body, names, str),
        html=_filled(text.html, names, html.escape),
    )


def sample_inputs(text: Mail) -> dict[str, JSON]:
    """Inputs that fill the text, each saying its own name: what a preview begins with."""
    inputs: dict[str, JSON] = {}
    for part in (text.subject, text.body, text.html):
        for reference in parse_template(part).references:
            names = [str(name) for name in reference.path]
            if names[0] in ("input", "inputs") and len(names) > 1:
                names = names[1:]
            place = inputs
            for name in names[:-1]:
                inner = place.setdefault(name, {})
                place = inner if isinstance(inner, dict) else {}
            place.setdefault(names[-1], SAMPLES.get(names[-1], names[-1].replace("_", " ")))
    return inputs


def bind_html(value: JSON, lookup: Lookup) -> JSON:
    """The `html` argument resolved: values inside markup are escaped, a text that is one reference is markup itself."""
    if not isinstance(value, str) or parse_template(value).sole:
        return resolve(value, lookup)
    return _filled(value, lookup, html.escape)


def _filled(text: str, lookup: Lookup, escape: Callable[[str], str]) -> str:
    filled = []
    for piece in parse_template(text).pieces:
        if isinstance(piece, str):
            filled.append(piece)
        else:
            value = text_of(_value(piece, lookup))
            filled.append(value if piece.raw else escape(value))
    return "".join(filled)


def _value(reference: Reference, lookup: Lookup) -> JSON:
    try:
        value = lookup(reference.path)
    except MissingName:
        if not reference.has_default:
            raise
        value = None
    return reference.default if value in ("", None) and reference.has_default else value
