from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response

if TYPE_CHECKING:
    from rest_framework.views import APIView


class Envelope(PageNumberPagination):
    """`{<plural>: […], total, page, page_size, next, previous}`; the view's `plural` names the list."""

    page_size = 50
    max_page_size = 500
    page_size_query_param = "page_size"
    other_words = ("per_page", "limit")
    words = ("page", page_size_query_param, *other_words)
    plural = "results"

    def paginate_queryset(self, queryset: Any, request: Request, view: APIView | None = None) -> list[Any] | None:
        self.plural = getattr(view, "plural", self.plural)
        return super().paginate_queryset(queryset, request, view)

    def get_page_size(self, request: Request) -> int | None:
        """`per_page` and `limit` are Highway's other words for it."""
        for word in self.other_words:
            text = request.query_params.get(word, "")
            if text.isdecimal() and int(text[:9]) > 0 and self.page_size_query_param not in request.query_params:
                return min(int(text[:9]), self.max_page_size)
        return super().get_page_size(request)

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
        number = {"type": "integer"}
        properties = {self.plural: schema, "total": number, "page": number, "page_size": number}
        return {"type": "object", "properties": {**properties, "next": link, "previous": link}}
