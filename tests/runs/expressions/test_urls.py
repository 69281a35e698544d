from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs_app.expressions import BindError, Names, bind_headers, bind_url, check_url, header

NAMES = Names(inputs={"base": "http://h:80/api?k=v#f", "x": "a@b.c/../?q=1&r#f %\n", "dots": "..", "dot": ".", "e": ""})


@pytest.mark.parametrize(
    ("url", "bound"),
    [
        ("${base}", "http://h:80/api?k=v#f"),
        ("${base}/x", "http://h:80/api?k=v#f/x"),
        ("http://h/${x}", "http://h/a%40b.c%2F..%2F%3Fq%3D1%26r%23f%20%25%0A"),
        ("http://h/?q=${dots}&r=${dot}", "http://h/?q=..&r=."),
        ("http://h/a${dots}b", "http://h/a..b"),
        ("http://h/${e}", "http://h/"),
        ("http://h/${base | raw}", "http://h/http://h:80/api?k=v#f"),
        (" ${x}", " a%40b.c%2F..%2F%3Fq%3D1%26r%23f%20%25%0A"),
        ("http://h/../plain", "http://h/../plain"),
        ("http://h/$${x}", "http://h/${x}"),
    ],
)
def test_values_are_encoded_unless_the_url_starts_with_them(url: str, bound: str) -> None:
    assert bind_url(url, NAMES) == bound


def test_the_tickets_url() -> None:
    names = Names(inputs={"email": "a+b/c@d.e"}, env={"API_URL": "http://127.0.0.1:8000"}.__getitem__)
    url = "${env.API_URL}/api/v1/users/${input.email}/last_login"
    assert bind_url(url, names) == "http://127.0.0.1:8000/api/v1/users/a%2Bb%2Fc%40d.e/last_login"


@pytest.mark.parametrize(
    "url",
    ["http://h/${dots}/x", "http://h/${dots}", "http://h/a/.${dot}?q", "http://h/%2e${dot}", "http://h/${dot}${dot}#f"],
)
def test_a_value_never_leads_out_of_its_folder(url: str) -> None:
    with pytest.raises(BindError, match="path segment"):
        bind_url(url, NAMES)


def test_control_characters_and_half_characters_are_refused() -> None:
    with pytest.raises(BindError, match="control characters"):
        bind_url("${x}/y", NAMES)
    with pytest.raises(BindError, match="half a character"):
        bind_url("http://h/${s}", Names(inputs={"s": "\ud800"}))


@given(st.text(min_size=1).filter(lambda text: text not in (".", "..")))
def test_any_text_stays_in_its_place(value: str) -> None:
    parts = urlsplit(bind_url("https://host/a/${x}/b?q=${x}&end=1#f", Names(inputs={"x": value})))
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "host", "f")
    assert [unquote(segment) for segment in parts.path.split("/")] == ["", "a", value, "b"]
    assert parse_qs(parts.query, keep_blank_values=True) == {"q": [value], "end": ["1"]}


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\rb", "a\0b", {"a": "b\\n"}, ["ok"], 5, None, "ok é"])
def test_headers_have_no_line_breaks(value: object) -> None:
    if isinstance(value, str) and set(value) & set("\r\n\0"):
        with pytest.raises(BindError, match="line breaks or NUL"):
            header(value)
    else:
        assert not set(header(value)) & set("\r\n\0")


def test_an_object_of_headers_is_bound() -> None:
    names = Names(inputs={"t": "abc", "bad": "a\r\nX: y", "h": {"A b": "c"}}, secrets={"k": "s3"}.__getitem__)
    assert bind_headers({"Authorization": "Bearer ${secrets.k}", "X-T": "${t}", "N": 5}, names) == {
        "Authorization": "Bearer s3", "X-T": "abc", "N": "5",
    }  # fmt: skip
    assert bind_headers(None, names) == {}
    for headers in ({"X": "${bad}"}, {"X\nY": "a"}, "${h}", ["a"], "${t}"):
        with pytest.raises(BindError):
            bind_headers(headers, names)


def test_what_is_wrong_with_a_url_is_said_at_save() -> None:
    assert check_url("${env.API_URL}/${input.x}") == []
    assert check_url("http://h/${x | raw}")[0].warning
    assert not check_url("http://h/${x | nope}")[0].warning
