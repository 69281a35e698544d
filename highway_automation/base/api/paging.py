from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response

from highway_automation.base.errors import FieldError, Invalid

if TYPE_CHECKING:
    from rest_framework.views import APIView


class Envelope(PageNumberPagination):
    """`{<plural>: […], total, page, page_size, next, previous}`; the view's `plural` names the list."""

    page_size = 50
    max_page_size = 500
    page_size_query_param = "page_size"
    sizes = (page_size_query_param, "per_page", "limit")
    words = ("page", *sizes)
    plural = "results"

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any] | None:
        self.plural = getattr(view, "plural", self.plural)
        return super().paginate_queryset(queryset, request, view)

    def get_page_number(self, request: Request, paginator: Any) -> int:
        return number(request, "page") or 1

    def get_page_size(self, request: Request) -> int | None:
        """`per_page` and `limit` are Highway's other words for it; more than the most is the most."""
        asked = [size for word in self.sizes if (size := number(request, word)) is not None]
        return min(asked[0], self.max_page_size) if asked else self.page_size

    def get_paginated_response(self, data: Any) -> Response:
        assert self.page is not None  # noqa: S101 - narrows the type: there is a page once it was asked for
        return Response(
            {
                self.plural: data,
                "total": self.page.paginator.count,
                "page": self.page.number,
                "page_size": self.page.paginator.per_page,
                "next": self.get_next_link(),
                "previous": self.get_previous_link(),
            }
        )

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "format": "uri", "nullable": True}
        count = {"type": "integer"}
        properties = {self.plural: schema, "total": count, "page": count, "page_size": count}
        properties |= {"next": link, "previous": link}
        return {"type": "object", "properties": properties, "required": list(properties)}


def number(request: Request, name: str) -> int | None:
    """A query parameter that counts from 1; None when it is not there. Raises Invalid naming it."""
    text = request.query_params.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text)):
        told = f"{name} is a number from 1 on."
        raise Invalid(told, errors=[FieldError(name, told)])
    return int(text)
