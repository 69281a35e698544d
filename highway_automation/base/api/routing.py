from __future__ import annotations

from typing import Any

from rest_framework.routers import APIRootView, DefaultRouter


class Root(APIRootView):
    """Where everything is. The reference at /api/v1/docs says what each of them takes and answers."""

    def get_view_name(self) -> str:
        return "API"


class Router(DefaultRouter):
    """Every path answers with and without its trailing slash, without a redirect (which would lose a POST's body)."""

    include_format_suffixes = False
    APIRootView = Root

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.trailing_slash = "/?"


router = Router()
