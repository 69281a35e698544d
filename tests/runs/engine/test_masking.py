from __future__ import annotations

import pytest

from runs_app.engine.masking import Mask


@pytest.mark.parametrize(
    ("secret", "text", "masked"),
    [
        ("s3cr3t-VALUE", "it is s3cr3t-VALUE.", "it is ******."),
        ("s3cr3t-VALUE", "http://s3cr3t-value.example/", "http://******.example/"),
        ("s3cr3t-VALUE", "not 'S3CR3T-VALUE'", "not '******'"),
        ("a b&c", "/?q=a%20b%26c&r=a+b%26c", "/?q=******&r=******"),
        ('say "x"', '{"a": "say \\"x\\""}', '{"a": "******"}'),
        ("pä'ss\\\"wörd", "'p\\xe4\\'ss\\\\\"w\\xf6rd'", "'******'"),
        ("7-pä'ss", "x = '\\x37-p\\xe4\\'ss'", "x = '******'"),
        ("pässwörd", '{"a": "p\\u00e4ssw\\u00f6rd"}', '{"a": "******"}'),
        (
            "line-one-of-it\nline-two-of-it\n--\n",
            "> line-one-of-it\n> line-two-of-it\n> --",
            "> ******\n> ******\n> --",
        ),
        ("   ", "a b", "a b"),
        (" x ", "x and y", "x and y"),
        ("ab", "about", "about"),
    ],
)
def test_a_secret_is_masked_however_it_is_written(secret: str, text: str, masked: str) -> None:
    assert Mask([secret]).text(text) == masked
    assert Mask([secret]).value({text: [text, 1, None]}) == {masked: [masked, 1, None]}
