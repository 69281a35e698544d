"""References, conditions, and the binding of values into commands, code, URLs and headers. Pure."""

from __future__ import annotations

from .code import bind_code, check_code
from .conditions import check_condition, evaluate
from .errors import BindError, ConditionError, ExpressionError, Issue, MissingName, NotAllowed, TemplateError
from .names import NAMESPACES, SINGLE_NAMES, STEP_FIELDS, Lookup, Names
from .resolve import check_text, references, resolve, uses_raw
from .shell import BoundArguments, BoundShell, bind_argv, bind_shell, check_argv, check_shell
from .template import Path, Reference, Template, dotted, parse_template
from .urls import bind_headers, bind_url, check_url, header
from .values import text_of, to_list, walk

__all__ = [
    "NAMESPACES", "SINGLE_NAMES", "STEP_FIELDS", "BindError", "BoundArguments", "BoundShell", "ConditionError",
    "ExpressionError", "Issue", "Lookup", "MissingName", "Names", "NotAllowed", "Path", "Reference", "Template",
    "TemplateError", "bind_argv", "bind_code", "bind_headers", "bind_shell", "bind_url", "check_argv",
    "check_code", "check_condition", "check_shell", "check_text", "check_url", "dotted", "evaluate", "header",
    "parse_template", "references", "resolve", "text_of", "to_list", "uses_raw", "walk",
]  # fmt: skip
