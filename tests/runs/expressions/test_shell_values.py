"""The real shells print hostile values back, byte for byte, wherever a reference may stand."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .hostile import SHELLS, VALUES, run

# The command, and what it prints where @ stands for the value.
PLACES = {
    "unquoted": ("printf '%s|' {{x}}", "@|"),
    "double quotes": ("printf '%s|' \"{{x}}\"", "@|"),
    "single quotes": ("printf '%s|' '{{x}}'", "@|"),
    "inside an unquoted word": ("printf '%s|' a${x}b", "a@b|"),
    "inside double quotes": ("printf '%s|' \"a ${x}b\"", "a @b|"),
    "inside single quotes": ("printf '%s|' 'a ${x}b'c", "a @bc|"),
    "twice": ("printf '%s|' {{x}}'{{x}}'\"{{x}}\"", "@@@|"),
    "a here-document": ("cat <<EOF\n<{{x}}>\nEOF\n", "<@>\n"),
    "a here-document with tabs": ("cat <<-EOF\n\t<{{x}}>\n\tEOF\necho done", "<@>\ndone\n"),
    "the first of two here-documents": ("cat <<A; cat <<B\n{{x}}|\nA\nb\nB\n", "@|\nb\n"),
    "after a here-document": ("cat <<'EOF'\nit's $( \nEOF\nprintf '%s|' {{x}}", "it's $( \n@|"),
    "a substitution": ("printf %s \"$(printf '%s|' {{x}})\"", "@|"),
    "a quoted substitution": ("printf %s \"$(printf '%s|' \"a $(printf '%s|' '{{x}}')\")\"", "a @||"),
    "an assignment": ("V={{x}}; printf '%s|' \"$V\"", "@|"),
    "an exported assignment": ("export V={{x}}; printf '%s|' \"$V\"", "@|"),
    "a loop": ("for i in {{x}} 2; do printf '%s|' \"$i\"; done", "@|2|"),
    "a case": ("case {{x}} in ''|*) printf '%s|' {{x}};; esac", "@|"),
    "a case's pattern": ("case {{x}} in {{x}}) printf '%s|' '{{x}}' ;; esac", "@|"),
    "a function's argument": ("f() { printf '%s|' \"$1\"; }; f {{x}}", "@|"),
    "near comments": ("# {{x}} don't $(\nprintf '%s|' {{x}} # it's `", "@|"),
    "near escaped quotes": ('printf \'%s|\' \\\'{{x}}\\" "\\"{{x}}"', '\'@"|"@|'),
    "over joined lines": ("printf '%s|' \\\n  {{x}}", "@|"),
    "a test": ("[ {{x}} = {{x}} ] && printf '%s|' {{x}}", "@|"),
    "after the shell's own expansions": ("printf '%s|' ${#HOME}${Z:-y}$((1+2)) {{x}}", "0y3|@|"),
}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("place", PLACES)
def test_hostile_values_come_back(shell: str, place: str, tmp_path: Path) -> None:
    command, printed = PLACES[place]
    assert run(shell, command, VALUES, tmp_path) == [printed.replace("@", value) for value in VALUES]


texts = st.text(
    st.one_of(st.sampled_from("'\"`$(){};&|<>\\\n\t #*~=!EOF"), st.characters(exclude_characters="\0", codec="utf-8")),
    max_size=30,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    values=st.lists(texts, min_size=1, max_size=10),
    place=st.sampled_from(["unquoted", "double quotes", "single quotes", "a here-document"]),
)
def test_any_text_comes_back(values: list[str], place: str, tmp_path: Path) -> None:
    command, printed = PLACES[place]
    for shell in SHELLS:
        assert run(shell, command, values, tmp_path) == [printed.replace("@", value) for value in values]


@pytest.mark.parametrize(
    ("value", "printed"), [(5, "5"), (True, "true"), (None, ""), ({"a": ["it's"]}, '{"a": ["it\'s"]}'), (1.5, "1.5")]
)
def test_other_values_are_their_text(value: object, printed: str, tmp_path: Path) -> None:
    assert run(SHELLS[0], "printf '%s' {{x}}", [value], tmp_path) == [printed]


def test_the_largest_value_arrives(tmp_path: Path) -> None:
    value = "é" * (50 * 1024)
    assert run(SHELLS[0], "printf '%s' {{x}}", [value], tmp_path) == [value]
