"""Calls in Python source that read their argument as code again: there no value can be kept from becoming code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from posixpath import basename

EVALUATE = frozenset({"eval", "exec", "compile"})
SHELL = frozenset({"system", "popen", "getoutput", "getstatusoutput", "create_subprocess_shell"})
INTERPRETERS = frozenset(
    {"sh", "bash", "dash", "zsh", "ksh", "ash", "busybox", "python", "python3", "perl", "ruby", "node"}
)
PROGRAM_OPTIONS = frozenset({"-c", "-e", "-lc", "-ec"})
HARMLESS = frozenset({"quote", "int", "float", "bool", "len"})
"""What these give is one word of the shell, or no text."""
CURE = (
    "Use the value itself, hand it over as one of a list of arguments, or put shlex.quote() around it, not in quotes."
)


def read_as_code(tree: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """(who reads it, a name or constant) for everything that stands in such an argument."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if reader := _reader(node):
                for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                    yield from ((reader, leaf) for leaf in _leaves(argument))
        elif isinstance(node, ast.List | ast.Tuple):
            yield from _program_texts(node)


def _reader(call: ast.Call) -> str:
    """The name of a function that reads its arguments as code; empty for any other."""
    function = call.func
    if isinstance(function, ast.Name) and function.id in EVALUATE | SHELL:
        return f"{function.id}()"
    if isinstance(function, ast.Attribute) and function.attr in SHELL:
        return f"{function.attr}()"
    shell = next((keyword.value for keyword in call.keywords if keyword.arg == "shell"), None)
    if shell is not None and not (isinstance(shell, ast.Constant) and not shell.value):
        return "a call with shell=True"
    return ""


def _program_texts(words: ast.List | ast.Tuple) -> Iterator[tuple[str, ast.AST]]:
    """What follows `-c` in ["sh", "-c", …]; later words are arguments."""
    texts = [word.value if isinstance(word, ast.Constant) else None for word in words.elts]
    if not texts or not isinstance(texts[0], str) or basename(texts[0]) not in INTERPRETERS:
        return
    for option, program in zip(texts, words.elts[1:], strict=False):
        if option in PROGRAM_OPTIONS:
            yield from ((f"{texts[0]} {option}", leaf) for leaf in _leaves(program))
            return


def _leaves(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in HARMLESS:
            return
    if isinstance(node, ast.Name | ast.Constant):
        yield node
    for child in ast.iter_child_nodes(node):
        yield from _leaves(child)
