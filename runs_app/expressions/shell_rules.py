"""Commands that take some of their words, or what they read, as code: no value may stand there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

# Every argument is code, or is evaluated in a way that can run code.
EVALUATORS = frozenset({
    "eval", "ssh", "rsh", "awk", "gawk", "mawk", "nawk", "xargs", "parallel", "watch", "trap", "alias", "let",
    "declare", "typeset", "unset", "read", "getopts", "mapfile", "readarray", "compgen", "complete", "bind",
    "make", "gmake"
})  # fmt: skip
SHELLS = frozenset({
    "sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "fish", "rbash", "expect", "pwsh"
})  # fmt: skip
# They take a user, a file or a lock before the command.
USERS_OF_SHELLS = frozenset({"su", "runuser", "script", "flock"})
# Interpreters and the letters of the options that carry code.
CODE_OPTIONS = dict.fromkeys([*SHELLS, *USERS_OF_SHELLS, "python", "pypy", "vi", "vim", "nvim", "ex"], "c") | {
    "perl": "eE", "ruby": "e", "node": "ep", "nodejs": "ep", "bun": "ep", "deno": "ep", "php": "rBRE",
    "lua": "e", "luajit": "e", "R": "e", "Rscript": "e", "julia": "eE", "osascript": "e", "groovy": "e",
}  # fmt: skip
# Commands that run the command named by a later word.
WRAPPERS = USERS_OF_SHELLS | {
    "sudo", "doas", "env", "command", "exec", "builtin", "nohup", "nice", "ionice", "time", "timeout", "setsid",
    "stdbuf", "chroot", "unshare", "nsenter", "find", "busybox", "toybox", "docker", "podman", "kubectl",
    "strace", "ltrace", "coproc", "catchsegv", "taskset", "chrt", "numactl",
}  # fmt: skip
DECLARING = frozenset({"export", "readonly", "local"})
_LONG_CODE_OPTIONS = frozenset({"--eval", "--print", "--command", "--run", "--session-command"})
_READERS = frozenset({"ssh", "rsh", "parallel", "at", "batch", "crontab", "su", "runuser", "tclsh"})
_PRINTING = frozenset({"echo", "printf"})
_MOST_RUNNERS = 20
_TAKES_ARGUMENT = re.compile(r"[-+]\w*[oOWX]$")
_VERSION = re.compile(r"(?<=[A-Za-z])[-.]?\d[\d.]*$")
_ASSIGNS = re.compile(r"[A-Za-z_]\w*\+?=")
_EVALUATED_VARIABLE = re.compile(r"(?:PS4|BASH_ENV|PROMPT_COMMAND)\+?=")
_SUBSCRIPT = re.compile(r"\w*\[[^\]]*")
_SED_SCRIPT = re.compile(r"-[a-zA-Z]*[ef]$|--expression$|--file$")


@dataclass(eq=False)
class Word:
    """A word as far as its text is known: `prefix` is what stands before the first value or expansion in it."""

    parts: list[str] = field(default_factory=list)
    prefix: str | None = None
    references: list[int] = field(default_factory=list)
    is_dynamic: bool = False
    is_output: bool = False  # of a substitution that contains values
    is_quoted: bool = False

    @property
    def text(self) -> str:
        return "".join(self.parts)

    @property
    def literal(self) -> str | None:
        return None if self.is_dynamic or self.references else self.text

    @property
    def start(self) -> str:
        return self.text if self.prefix is None else self.prefix

    @cached_property
    def name(self) -> str:
        """The command this (finished) word names: its base name without a version; empty where that is not known."""
        return _VERSION.sub("", (self.literal or "").rsplit("/", 1)[-1])


@dataclass(eq=False)
class Command:
    """The words of a simple command, without assignments and redirections.

    `before` are the words of a command that some shells take to be the same one, `inputs` what `<<<` lets it read.
    """

    words: list[Word] = field(default_factory=list)
    before: list[Word] = field(default_factory=list)
    inputs: list[Word] = field(default_factory=list)


Finding = tuple[Word, str]
_SPECIAL = DECLARING | {"sed", "test", "[", "printf", "env"}
_RUNNERS = EVALUATORS | frozenset(CODE_OPTIONS) | _SPECIAL


def findings(command: Command) -> Iterator[Finding]:
    """The words that hold a value where `command` would take it for code, with the name of what runs it."""
    yield from _findings(command.words)
    if command.before:
        yield from _findings([*command.before, *command.words])


def word_findings(word: Word) -> Iterator[Finding]:
    """The same for a word by itself, assignments included."""
    if not word.references:
        return
    if _EVALUATED_VARIABLE.match(word.start):
        yield word, f"the variable {word.start.split('=')[0]}"
    if _SUBSCRIPT.fullmatch(word.start):
        yield word, "an array's subscript"


def reads_code(command: Command) -> str:
    """The name of the command if what it reads from its standard input is code, else an empty text."""
    possible = (i for i, word in enumerate(command.words) if word.name in _READERS or word.name in CODE_OPTIONS)
    for index in islice(possible, _MOST_RUNNERS):
        name = command.words[index].name
        if _is_run(command.words, index) and (name in _READERS or not _has_script(command.words[index + 1 :])):
            return name
    return ""


def printed(command: Command) -> list[int]:
    """The values that a command prints: all of `echo` and `printf`."""
    if not command.words or command.words[0].name not in _PRINTING:
        return []
    return [number for word in command.words for number in word.references]


def reader_of(pipeline: list[Command]) -> str:
    """The command of a pipeline that runs what is piped into it."""
    return next((name for command in pipeline[1:] if (name := reads_code(command))), "")


def doubts(command: Command) -> Iterator[str]:
    """What is safe but perhaps not meant."""
    if not command.words:
        return
    if command.words[0].references:
        yield "A value decides which program runs."
    name, rest = command.words[0].name, command.words[1:]
    if name == "printf" and rest and rest[0].references:
        yield "A value stands in the format of printf, which gives `%` and backslashes a meaning."


def _findings(words: list[Word]) -> Iterator[Finding]:
    if not any(word.references for word in words):
        return
    runners = 0
    for index, word in enumerate(words):
        is_run = _is_run(words, index)
        if word.is_output and is_run and all(_is_option(other) for other in words[1 : min(index, _MOST_RUNNERS)]):
            yield word, "the shell, which runs the output of the substitution it stands in"
        if word.name not in _RUNNERS and (word.name or not is_run):
            continue
        runners += 1
        if runners > _MOST_RUNNERS:
            yield from _with_references(words, "so many commands in one")
            return
        yield from _by_kind(word, words[index + 1 :], is_run)


def _by_kind(word: Word, rest: list[Word], is_run: bool) -> Iterator[Finding]:
    name = word.name
    if name in EVALUATORS and is_run:
        yield from _with_references(rest, name)
    elif name in CODE_OPTIONS:
        yield from _interpreter(name, rest, is_run)
    elif not name:
        yield from _unknown(word, rest)
    elif is_run:
        yield from _special(name, rest)


def _is_run(words: list[Word], index: int) -> bool:
    return index == 0 or words[0].name in WRAPPERS or words[0].literal is None


def _is_option(word: Word) -> bool:
    return bool(re.match(r"[-+]|\d|\w+=", word.start))


def _with_references(words: list[Word], name: str) -> Iterator[Finding]:
    return ((word, name) for word in words if word.references)


def _interpreter(name: str, rest: list[Word], is_run: bool) -> Iterator[Finding]:
    if rest and name not in USERS_OF_SHELLS and rest[0].literal and not rest[0].text.startswith(("-", "+")):
        return  # a script: what follows is the script's own
    if any(_carries_code(word, CODE_OPTIONS[name]) for word in rest):
        yield from _with_references(rest, name)
    elif is_run:
        yield from _possible_options(name, rest)


def _possible_options(name: str, rest: list[Word]) -> Iterator[Finding]:
    """Values that could be an option carrying code, with more words to follow."""
    for index, word in enumerate(rest):
        is_option = word.start.startswith(("-", "+"))
        if word.references and (is_option or word.is_dynamic or index + 1 < len(rest)):
            yield word, name
        if not is_option and not word.references:
            return


def _carries_code(word: Word, letters: str) -> bool:
    start = word.start
    if start.startswith("--"):
        return start.split("=")[0] in _LONG_CODE_OPTIONS
    return bool(re.match(rf"[-+]\w*[{letters}]", start))


def _unknown(first: Word, rest: list[Word]) -> Iterator[Finding]:
    """A command whose name is only known when it runs."""
    if any(re.match(r"-(?:\w{0,3}c|e)$", word.start) for word in rest):
        yield from _with_references(rest, first.text or "that command")


def _special(name: str, rest: list[Word]) -> Iterator[Finding]:
    if name in DECLARING:
        yield from ((word, name) for word in rest if word.references and not _ASSIGNS.match(word.start))
    elif name == "sed":
        yield from _sed(rest)
    elif name in ("test", "[", "printf"):
        variables = (word for option, word in zip(rest, rest[1:], strict=False) if option.literal == "-v")
        yield from _with_references(list(variables), f"{name} -v")
    elif name == "env" and any(word.start.startswith(("-S", "--split")) for word in rest):
        yield from _with_references(rest, "env -S")


def _sed(rest: list[Word]) -> Iterator[Finding]:
    has_option = any(_SED_SCRIPT.match(word.start) for word in rest)
    after_option = False
    for word in rest:
        is_option = word.start.startswith("-")
        is_script = after_option or (is_option and bool(word.references)) or not (is_option or has_option)
        if is_script:
            yield from _with_references([word], "sed")
        if is_script and not is_option and not has_option:
            return
        after_option = bool(_SED_SCRIPT.match(word.literal or ""))


def _has_script(words: list[Word]) -> bool:
    """Whether an interpreter's arguments name its code, so that it does not read it from its standard input."""
    skips = False
    for word in words:
        text = word.start
        if skips:
            skips = False
        elif text in ("-", "/dev/stdin") or re.match(r"-\w*s", text):
            return False
        elif re.match(r"-\w*[cem]", text) or not text.startswith(("-", "+")):
            return True
        else:
            skips = bool(_TAKES_ARGUMENT.match(text))
    return False
