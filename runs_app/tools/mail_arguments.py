"""Addresses, header texts and attachments of tools.email.send. No value can start another header."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from email.errors import InvalidHeaderDefect
from email.headerregistry import Address, AddressHeader, HeaderRegistry
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from highway_automation.base import safe_json
from runs_app.tools.arguments import Given

CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
CONTENT_TYPE = re.compile(r"(?!multipart/|message/)[a-z0-9.+-]+/[a-z0-9.+-]+", re.IGNORECASE)
ATTACHMENT_KEYS = {"filename", "content", "content_base64", "content_type"}
ATTACHED = 10 * 1024 * 1024
"""Bytes of all attachments of one mail together."""


@dataclass(frozen=True)
class Attachment:
    filename: str
    content: bytes
    content_type: str


def line(given: Given, name: str, text: str) -> str:
    """A header's text: one line."""
    if CONTROL.search(text):
        raise given.refusal(name, "may not hold line breaks or control characters")
    return text.strip()


def addresses(given: Given, name: str) -> list[Address]:
    """The addresses of one argument: a text ("a@x.org, Bo <b@x.org>") or a list of such texts; empty where absent."""
    value = given.value(name, [])
    texts = value if isinstance(value, list) else [value]
    return [found for text in texts for found in _parsed(given, name, given.as_text(name, text))]


def _parsed(given: Given, name: str, text: str) -> list[Address]:
    header = HeaderRegistry()("to", line(given, name, text))
    found = list(cast(AddressHeader, header).addresses)
    if not found or any(isinstance(defect, InvalidHeaderDefect) for defect in header.defects):
        raise given.refusal(name, f'is no mail address: {text!r}; write "a@example.org" or "Ann <a@example.org>"')
    for address in found:
        try:
            validate_email(address.addr_spec)
        except ValidationError:
            raise given.refusal(name, f"is no mail address: {address.addr_spec!r}") from None
    return found


def attachments(given: Given) -> list[Attachment]:
    value = given.value("attachments", [])
    if not isinstance(value, list):
        raise given.refusal("attachments", "must be a list of {filename, content or content_base64, content_type}")
    found = [_attachment(given, f"attachments[{number}]", item) for number, item in enumerate(value)]
    if sum(len(item.content) for item in found) > ATTACHED:
        raise given.refusal("attachments", "are more than 10 MiB together; send a link instead")
    return found


def _attachment(given: Given, name: str, item: Any) -> Attachment:
    if not isinstance(item, dict) or not item.keys() <= ATTACHMENT_KEYS or not item.get("filename"):
        raise given.refusal(name, "must be an object with filename, content or content_base64, and content_type")
    filename = line(given, f"{name}.filename", given.as_text(f"{name}.filename", item["filename"]))
    kind = given.as_text(f"{name}.content_type", item.get("content_type") or "application/octet-stream")
    if not CONTENT_TYPE.fullmatch(kind):
        raise given.refusal(f"{name}.content_type", f"must be one such as text/csv, not {kind!r}")
    return Attachment(re.split(r"[\\/]", filename)[-1], _content(given, name, item), kind.lower())


def _content(given: Given, name: str, item: dict[str, Any]) -> bytes:
    if ("content" in item) == ("content_base64" in item):
        raise given.refusal(name, "needs content or content_base64, and only one of them")
    if "content" in item:
        content = item["content"]
        text = (
            safe_json.dumps(content) if isinstance(content, dict | list) else given.as_text(f"{name}.content", content)
        )
        return text.encode()
    try:
        return base64.b64decode(given.as_text(f"{name}.content_base64", item["content_base64"]), validate=True)
    except (binascii.Error, ValueError):
        raise given.refusal(f"{name}.content_base64", "is not base64") from None
