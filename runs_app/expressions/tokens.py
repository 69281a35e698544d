"""A condition cut into tokens; a reference is one of them, and so is a quoted text with references in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import ConditionError, TemplateError
from .template import Reference, match_reference, parse_template
from .tree import Const, Node, Quoted
from .values import number_of

_TOKEN = re.compile(
    r"""\s+|(?P<op>==|!=|<=|>=|&&|\|\||//|[<>()\[\],+*/%!-])
    |(?P<number>(?:(?:0|[1-9]\d{0,299})(?:\.\d{0,300})?|\.\d{1,300})(?:[eE][-+]?\d{1,3})?(?![\w.]))
    |(?P<word>[^\W\d]\w*(?:[.:@/-]\w+)*)
    |(?P<double>"(?:[^"\\]|\\.)*")|(?P<single>'(?:[^'\\]|\\.)*')""",
    re.VERBOSE | re.DOTALL,
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_ALIASES = {"&&": "and", "||": "or", "!": "not"}
_CURES = {"=": "Compare with `==`.", "$": "A reference is written `${name.field}`.", "{": "A reference is `{{name}}`."}


@dataclass(frozen=True)
class Token:
    kind: str  # "op", "word", "const", "value", "end"
    text: str
    node: Node | None = None


def tokens_of(text: str) -> list[Token]:
    """The tokens, with one of kind "end" at the end. Raises ConditionError for a character that begins none."""
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        if text[at] in "${" and (reference := _reference(text, at)):
            tokens.append(Token("value", reference.source, reference))
            at = reference.span[1]
            continue
        found = _TOKEN.match(text, at)
        if found is None or _DATE.match(text, at):
            raise ConditionError(_unreadable(text, at))
        if found.lastgroup:
            tokens.append(_token(found))
        at = found.end()
    return [*tokens, Token("end", "")]


def _unreadable(text: str, at: int) -> str:
    cure = "Quote a date." if _DATE.match(text, at) else _CURES.get(text[at], "")
    return f"Cannot read the condition at `{text[at : at + 20]}`. {cure}".strip()


def _reference(text: str, at: int) -> Reference | None:
    try:
        return match_reference(text, at)
    except TemplateError as error:
        raise ConditionError(str(error)) from None


def _token(found: re.Match[str]) -> Token:
    text = found.group()
    if found.lastgroup == "op":
        return Token("op", _ALIASES.get(text, text))
    if found.lastgroup == "number":
        return Token("const", text, Const(number_of(text)))
    if found.lastgroup == "word":
        return Token("word", text)
    return Token("const", text, _quoted(re.sub(r"\\(['\"\\])", r"\1", text[1:-1])))


def _quoted(text: str) -> Node:
    try:
        template = parse_template(text)
    except TemplateError as error:
        raise ConditionError(str(error)) from None
    if template.references:
        return Quoted(template)
    return Const("".join(str(piece) for piece in template.pieces))
