from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer

from highway_automation.base.errors import BadRequest, TooLarge
from highway_automation.base.safe_json import JSON, UnsafeJSON, parse


class SafeJSONParser(BaseParser):
    """JSON bodies of at most `HIGHWAY_BODY_BYTES` that a database can store; anything else is a 4xx, never a 500."""

    media_type = "application/json"
    renderer_class = JSONRenderer  # the browsable pages fill their forms with it

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> JSON:
        limit = settings.HIGHWAY_BODY_BYTES
        data = stream.read(limit + 1)
        if len(data) > limit:
            raise TooLarge(f"The body is larger than {limit} bytes.")
        try:
            return parse(data)
        except UnsafeJSON as error:
            raise BadRequest(str(error)) from None
