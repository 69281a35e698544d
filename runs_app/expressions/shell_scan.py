"""Reading a /bin/sh script as far as its quoting goes, to put each value into it as one literal word.

Values never enter the text: each becomes an environment variable, expanded inside double quotes, where the shell
does not look at the result again. The scanner knows quotes, here-documents, substitutions and comments. Whatever it
does not know for certain, or shells read differently, raises Unsure: then no value is placed at all.
"""

from __future__ import annotations

import re

from .shell_place import MARK, HereDocument, Problem, Unsure
from .shell_quotes import Quoting
from .shell_rules import DECLARING, Command, Word, doubts, findings, printed, reader_of, reads_code, word_findings

_PLAIN = re.compile(r"[^\0\\'\"`$#<>&|;() \t\n]+")
_REDIRECTION = re.compile(r"<<<|<<-?|<>|<&|>>|>\||>&|[<>](?!\()")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*(?:\[[^\]]*\])?\+?=")
_HERE_MARK = re.compile(r"""[ \t]*((?:[^\0\\'"`$<>&|;() \t\n]|\\[^\0\n]|'[^'\\\0\n]*'|"[^"\\`$\0\n]*")+)""")
_ENDS_WORD = frozenset(["", *"<>&|;() \t\n"])
_RESERVED = frozenset({"if", "then", "else", "elif", "fi", "do", "done", "while", "until", "esac", "{", "}", "!"})
_TYPING = DECLARING | {"declare", "typeset"}
_INTEGER_OPTION = re.compile(r"[-+]\w*i")
_LONGEST_BEFORE = 1000


class Scanner(Quoting):
    """One pass over a script. `variables[n]` is the variable of the n-th value; afterwards see `out` and `problems`."""

    def run(self) -> str:
        """The script with its values placed; what could not be placed is in `problems`."""
        try:
            self.commands()
        except Unsure as unsure:
            everything = range(len(self.variables))
            self.problems += [Problem(number, f"cannot be placed safely: {unsure}.") for number in everything]
        self.out.append(self.text[self.copied :])
        return "".join(self.out)

    def commands(self) -> None:
        """Read commands up to the end, or in a substitution up to its closing parenthesis."""
        while self.at < self.end:
            if plain := _PLAIN.match(self.text, self.at, self.end):
                self.literal(plain.group())
                self.at = plain.end()
            elif self.character(self.text[self.at]):
                return
        self.end_command()
        self.end_pipeline()
        if self.frame.is_inner or self.frame.waiting:
            raise Unsure("a substitution or here-document has no end")

    def character(self, char: str) -> bool:
        """Read on from a character that means something; True where it ends the substitution."""
        if char == ")":
            return self.close_parenthesis()
        actions = {
            " ": self.blank, "\t": self.blank, "\n": self.newline, "\\": self.backslash, "'": self.single,
            '"': self.double, "`": self.backticks, "$": self.dollar, "#": self.hash, "<": self.redirection,
            ">": self.redirection, "&": self.ampersand, "|": self.bar, ";": self.semicolon,
            "(": self.open_parenthesis, MARK: self.value,
        }  # fmt: skip
        actions[char]()
        return False

    def blank(self) -> None:
        self.end_word()
        self.at += 1

    def end_word(self) -> None:
        frame, word = self.frame, self.frame.word
        if word is None:
            return
        frame.word = None
        self.report(word_findings(word))
        if frame.redirection:
            self.end_redirection(word)
            return
        if not frame.command.words:
            if word.literal in _RESERVED and not word.is_quoted:
                return
            if _ASSIGNMENT.match(word.start):
                return
        frame.command.words.append(word)
        self.watch(word)

    def watch(self, word: Word) -> None:
        """Words that change how the following text is read."""
        text = word.literal
        if text == "[[":
            self.frame.in_test = True
        elif text == "]]" and not word.is_quoted:
            self.frame.in_test = False
        elif text == "alias":
            raise Unsure("an alias can change what follows")
        elif text == "case" and self.frame.is_inner:
            raise Unsure("`case` inside a substitution")
        elif text == "{" and self.frame.command.words[0].literal == "function":
            self.frame.command = Command()
        elif self.frame.command.words[0].name in _TYPING and _INTEGER_OPTION.match(text or ""):
            raise Unsure("an integer variable evaluates what it is given")

    def end_redirection(self, word: Word) -> None:
        operator, self.frame.redirection = self.frame.redirection, ""
        if operator == "<<<":
            self.frame.command.inputs.append(word)
        elif operator in (">&", "<&"):
            self.report([(word, f"`{operator}`, which some shells expand twice,")])

    def end_command(self) -> None:
        self.end_word()
        frame = self.frame
        frame.redirection = ""
        self.report(findings(frame.command))
        if frame.command.inputs and (name := reads_code(frame.command)):
            self.report((word, name) for word in frame.command.inputs)
        self.printed += printed(frame.command)
        self.doubts += doubts(frame.command)
        frame.pipeline.append(frame.command)
        frame.command = Command()

    def end_pipeline(self) -> None:
        pipeline, self.frame.pipeline = self.frame.pipeline, []
        if reader := reader_of(pipeline):
            numbers = [number for command in pipeline for number in printed(command)]
            if not pipeline[0].words:  # a group of commands comes before the pipe
                numbers, self.printed = self.printed, []
            self.report([(Word(references=numbers), reader)])

    # Operators

    def newline(self) -> None:
        frame = self.frame
        self.end_word()
        if frame.command.words or not frame.pipeline:  # else a pipe goes on in the next line
            self.end_command()
            self.end_pipeline()
        if frame.waits_outside:
            raise Unsure("a line ends while a here-document waits outside")
        self.at += 1
        while frame.waiting:
            self.here_document(frame.waiting.pop(0))

    def semicolon(self) -> None:
        self.end_command()
        self.end_pipeline()
        self.at += 1

    def bar(self) -> None:
        self.end_command()
        if self.text.startswith("||", self.at):
            self.end_pipeline()
            self.at += 1
        elif self.text.startswith("|&", self.at):
            self.at += 1
        self.at += 1

    def ampersand(self) -> None:
        self.end_word()
        command = self.frame.command
        self.end_command()
        self.end_pipeline()
        self.at += 1
        if self.text.startswith("&", self.at):
            self.at += 1
        elif self.text.startswith(">", self.at):
            self.frame.command.before = [*command.before, *command.words]
            if len(self.frame.command.before) > _LONGEST_BEFORE:
                raise Unsure("the command is too long")

    def hash(self) -> None:
        if self.frame.word is not None:
            self.literal("#")
            self.at += 1
            return
        stop = self.text.find("\n", self.at, self.end)
        stop = self.end if stop < 0 else stop
        while (mark := self.text.find(MARK, self.at, stop)) >= 0:
            self.at = mark
            self.place("$", "")
        self.at = stop

    def open_parenthesis(self) -> None:
        if self.text.startswith("((", self.at) and self.frame.word is None:
            self.arithmetic(2)
            return
        self.end_command()
        self.end_pipeline()
        self.frame.parentheses += 1
        self.at += 1
        self.no_split()

    def close_parenthesis(self) -> bool:
        self.end_command()
        self.end_pipeline()
        self.at += 1
        if self.frame.is_inner and not self.frame.parentheses:
            if self.frame.waiting:
                raise Unsure("a here-document begins in a substitution and ends outside")
            return True
        self.frame.parentheses = max(0, self.frame.parentheses - 1)
        return False

    def redirection(self) -> None:
        word = self.frame.word
        if word is not None and not word.is_quoted and re.fullmatch(r"\d+|\{\w+\}", word.literal or ""):
            self.frame.word = None
        self.end_word()
        found = _REDIRECTION.match(self.text, self.at, self.end)
        if found is None:
            self.at += 1
            self.dynamic()
            with self.forbid("stands inside `<(…)`"):
                self.substitution()
            return
        self.at = found.end()
        self.no_split()
        if found.group() in ("<<", "<<-"):
            self.frame.waiting.append(self.here_operator(found.group() == "<<-"))
            return
        self.frame.redirection = found.group()

    # Here-documents

    def here_operator(self, strips_tabs: bool) -> HereDocument:
        found = _HERE_MARK.match(self.text, self.at, self.end)
        following = self.text[found.end() : found.end() + 1] if found else ""
        if found is None or following not in _ENDS_WORD:
            raise Unsure("the end mark of a here-document cannot be read")
        self.at = found.end()
        mark = re.sub(r"\\(.)|['\"]", r"\1", found.group(1))
        return HereDocument(mark, strips_tabs, mark != found.group(1), self.frame.command, self.frame.pipeline)

    def here_document(self, document: HereDocument) -> None:
        """The body, which begins here, up to and with the line of its end mark."""
        stop, following = self.find_end(document)
        first = self.seen
        if document.is_quoted:
            self.skip_refusing(stop, "stands inside a quoted here-document")
        else:
            self.here_body(stop)
        self.at = following
        body = Word(references=list(range(first, self.seen)))
        self.printed += body.references
        if reader := reads_code(document.command) or reader_of(document.pipeline):
            self.report([(body, reader)])

    def here_body(self, stop: int) -> None:
        word, end = self.frame.word, self.end
        self.frame.word, self.end = Word(), stop
        while self.at < stop:
            if self.text[self.at] in '"\n':
                self.at += 1
            else:
                self.quoted_part()
        if self.at > stop:
            raise Unsure("a here-document ends inside an expansion")
        self.frame.word, self.end = word, end

    def find_end(self, document: HereDocument) -> tuple[int, int]:
        """Where the body stops and where the text goes on after the line of the end mark."""
        line_start = self.at
        joined = None
        while line_start < self.end:
            line_end = self.text.find("\n", line_start, self.end)
            line_end = self.end if line_end < 0 else line_end
            line = self.text[line_start:line_end]
            line = line.lstrip("\t") if document.strips_tabs else line
            if joined is None and line == document.delimiter:
                return line_start, min(line_end + 1, self.end)
            joined = self.join(joined, line, document)
            line_start = line_end + 1
        raise Unsure(f"the here-document `{document.delimiter}` has no end")

    def join(self, joined: str | None, line: str, document: HereDocument) -> str | None:
        """The line that backslashes have joined so far, or None; if the end mark hides in it, shells disagree."""
        continues = not document.is_quoted and (len(line) - len(line.rstrip("\\"))) % 2 == 1
        if joined is None and not continues:
            return None
        whole = (joined or "") + (line[:-1] if continues else line)
        if document.delimiter in (line, whole, whole.lstrip("\t")):
            raise Unsure("a line continuation hides the end of a here-document")
        return whole[: 2 * len(document.delimiter) + 2] if continues else None
