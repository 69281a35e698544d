from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from rest_framework.request import Request
from rest_framework.views import APIView

from highway_automation.base.errors import NotFound


class UnknownEndpoint(APIView):
    """Where nothing stands, told like every other error of the API rather than by an HTML page."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound("There is no such endpoint.")


@csrf_exempt
def unknown_endpoint(request: HttpRequest) -> HttpResponseBase:
    """A plain function: the browsable pages would name a class of views in the path that they show."""
    return VIEW(request)


VIEW = UnknownEndpoint.as_view()
