"""References in shell commands: each value arrives as one literal word, byte for byte, and never as shell syntax."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from highway_automation.base.safe_json import JSON

from .errors import BindError, Issue, MissingName, TemplateError
from .names import Lookup
from .resolve import check_reference, fetch
from .shell_place import MARK, Problem
from .shell_rules import SHELLS, Command, Word, findings
from .shell_scan import Scanner
from .template import Reference, parse_template
from .values import text_of

LARGEST_VALUE = 100 * 1024
LARGEST_ENVIRONMENT = 512 * 1024
CURE = 'Pass it through `env:` and read "$NAME" inside.'

_BARE_VARIABLE = re.compile(r"\$\{[A-Z_][A-Z0-9_]*\}")


@dataclass(frozen=True)
class BoundShell:
    """A command and the environment variables that hold its values; the environment is added to the command's own."""

    command: str
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BoundArguments:
    """An argument vector and the environment variables that hold the values of a script in it."""

    argv: list[str]
    env: dict[str, str] = field(default_factory=dict)


def bind_shell(command: str, lookup: Lookup) -> BoundShell:
    """The command with each reference replaced by a variable that the shell expands to exactly the value.

    A bare `${NAME}` in capitals that names nothing is left to the shell. Raises BindError where a value would not
    stay one literal word, holds NUL, or is larger than 100 KiB; MissingName for a missing name.
    """
    if MARK in command:
        raise BindError("A command may not hold NUL characters.")
    kept: list[str | tuple[Reference, str]] = list(_with_values(command, lookup))
    bound = [piece for piece in kept if not isinstance(piece, str)]
    variables = _variables([value for _, value in bound], _unused_prefix(command))
    text = "".join(piece if isinstance(piece, str) else MARK for piece in kept)
    names = [variables[value] for _, value in bound]
    if not names:
        return BoundShell(text)
    scanner = Scanner(text, names)
    placed = scanner.run()
    if scanner.problems:
        problem = scanner.problems[0]
        raise BindError(f"`{bound[problem.reference][0].source}` {problem.message}", CURE)
    return BoundShell(placed, {name: value for value, name in variables.items()})


def bind_argv(argv: list[JSON], lookup: Lookup) -> BoundArguments:
    """An argument vector, resolved. A shell's `-c` script is bound as a command; other code may hold no reference.

    Numbers and such become their text. Raises BindError as `bind_shell` does, and for a list or object as argument.
    """
    script = _script_index(argv)
    refused = [issue for issue in check_argv(argv) if not issue.warning]
    if refused:
        raise BindError(refused[0].message, refused[0].cure)
    env: dict[str, str] = {}
    words = []
    for index, argument in enumerate(map(_argument, argv)):
        if index == script:
            bound = bind_shell(argument, lookup)
            env = bound.env
            words.append(bound.command)
        else:
            pieces = parse_template(argument).pieces
            words.append("".join(p if isinstance(p, str) else _checked(p, fetch(p, lookup)) for p in pieces))
    return BoundArguments(words, env)


def check_shell(text: str, *, known: Collection[str] | None = None) -> list[Issue]:
    """What is wrong with a command's references. `known`: top-level names that exist, None where that is not known."""
    try:
        pieces = parse_template(text).pieces
    except TemplateError as error:
        return [Issue(str(error))]
    issues: list[Issue] = []
    kept: list[str | Reference] = []
    for piece in pieces:
        if isinstance(piece, str):
            kept.append(piece)
            continue
        issues += check_reference(piece)
        if _is_left_to_shell(piece, known):
            issues.append(_left_to_shell(piece))
            kept.append(piece.source)
        elif not piece.raw:
            kept.append(piece)
    return issues + _scan_issues(kept)


def check_argv(argv: list[JSON]) -> list[Issue]:
    """The same for an argument vector that is started without a shell."""
    try:
        argv = [_argument(argument) for argument in argv]
    except BindError as error:
        return [Issue(str(error))]
    script = _script_index(argv)
    issues: list[Issue] = []
    words: list[Word] = []
    for index, argument in enumerate(argv):
        try:
            found = parse_template(argument).references
        except TemplateError as error:
            return [*issues, Issue(str(error))]
        if index == script:
            issues += check_shell(argument)
            found = ()
        issues += [issue for reference in found for issue in check_reference(reference)]
        prefix = argument[: found[0].span[0]] if found else None
        words.append(Word([argument if prefix is None else prefix], prefix, [index] if found else []))
    for word, name in findings(Command(words)):
        source = parse_template(argv[word.references[0]]).references[0].source
        issues.append(Issue(f"`{source}` would become part of what {name} evaluates.", CURE))
    return issues


def _argument(value: JSON) -> str:
    if isinstance(value, dict | list):
        raise BindError("An argument of a command is a text, not a list or object.")
    return text_of(value)


def _with_values(command: str, lookup: Lookup) -> Iterator[str | tuple[Reference, str]]:
    for piece in parse_template(command).pieces:
        if isinstance(piece, str):
            yield piece
            continue
        try:
            value = _checked(piece, fetch(piece, lookup))
        except MissingName:
            if not _BARE_VARIABLE.fullmatch(piece.source):
                raise
            yield piece.source
            continue
        yield value if piece.raw else (piece, value)


def _checked(reference: Reference, value: JSON) -> str:
    text = text_of(value)
    if MARK in text:
        raise BindError(f"`{reference.name}` holds a NUL character, which no command can take.")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise BindError(f"`{reference.name}` holds half a character (a lone surrogate).") from None
    if size > LARGEST_VALUE:
        raise BindError(f"`{reference.name}` is larger than {LARGEST_VALUE // 1024} KiB.", _STDIN)
    return text


_STDIN = "Pass it through the argument `stdin` and read it from standard input."


def _variables(values: list[str], prefix: str) -> dict[str, str]:
    variables: dict[str, str] = {}
    for value in values:
        variables.setdefault(value, f"{prefix}{len(variables) + 1}")
    if sum(len(value.encode()) for value in variables) > LARGEST_ENVIRONMENT:
        raise BindError(f"The command's values are larger than {LARGEST_ENVIRONMENT // 1024} KiB together.", _STDIN)
    return variables


def _unused_prefix(command: str) -> str:
    prefix = "HW_"
    while prefix in command:
        prefix = f"HW{prefix[1:]}"
    return prefix


def _is_left_to_shell(reference: Reference, known: Collection[str] | None) -> bool:
    return bool(_BARE_VARIABLE.fullmatch(reference.source)) and reference.root not in (known or ())


def _left_to_shell(reference: Reference) -> Issue:
    message = f"`{reference.source}` is left to the shell as its own variable where no such name exists."
    return Issue(message, f"Write `$${{{reference.root}}}` to say that it is the shell's.", warning=True)


def _scan_issues(pieces: list[str | Reference]) -> list[Issue]:
    bound = [piece for piece in pieces if isinstance(piece, Reference)]
    text = "".join(piece if isinstance(piece, str) else MARK for piece in pieces)
    if text.count(MARK) != len(bound):
        return [Issue("A command may not hold NUL characters.")]
    if not bound:
        return []
    scanner = Scanner(text, ["HW_1"] * len(bound))
    scanner.run()
    doubts = [Issue(doubt, warning=True) for doubt in scanner.doubts]
    return [_issue(problem, bound) for problem in _first_of_each(scanner.problems)] + doubts


def _first_of_each(problems: list[Problem]) -> list[Problem]:
    first: dict[int, Problem] = {}
    for problem in problems:
        first.setdefault(problem.reference, problem)
    return [first[number] for number in sorted(first)]


def _issue(problem: Problem, bound: list[Reference]) -> Issue:
    return Issue(f"`{bound[problem.reference].source}` {problem.message}", CURE)


def _script_index(argv: list[JSON]) -> int | None:
    """Where in the vector a shell's `-c` script stands: the first operand after its options."""
    if not argv or Word([text_of(argv[0])]).name not in SHELLS - {"fish", "expect", "pwsh"}:
        return None
    takes_script = False
    for index, argument in enumerate(map(text_of, argv[1:]), start=1):
        if re.match(r"-\w*c\w*$", argument):
            takes_script = True
        elif not argument.startswith(("-", "+")):
            return index if takes_script else None
    return None
