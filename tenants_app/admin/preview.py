"""Showing a mail on a page of the admin without letting it do anything there."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString

# No scripts, forms, links out of the frame, and nothing fetched: whoever wrote the mail need not be trusted.
GUARD = (
    '<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "style-src 'unsafe-inline'; img-src data:; form-action 'none'\">"
)


def html_frame(html: str) -> SafeString:
    return format_html(
        '<iframe class="hw-mail" sandbox="" title="The mail as HTML" srcdoc="{}"></iframe>', GUARD + html
    )


def text_frame(text: str) -> SafeString:
    return format_html('<pre class="hw-mail-text">{}</pre>', text)
