from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

Answer = HttpResponse | StreamingHttpResponse


class HeadWithoutBody:
    """A HEAD request gets what GET would answer, less the body: not every server drops it, and a client that keeps its
    connection would take it for the beginning of the next answer.
    """

    def __init__(self, get_response: Callable[[HttpRequest], Answer]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Answer:
        response = self.get_response(request)
        if request.method == "HEAD":
            if isinstance(response, StreamingHttpResponse):
                response.streaming_content = []
            else:
                response.content = b""
        return response


class ClientAddress:
    """Behind `HIGHWAY_PROXIES` proxies of ours, `REMOTE_ADDR` becomes the address that the outermost of them saw.

    Each proxy appends whom it talked to to `X-Forwarded-For`; what stands further left came from the client, who may
    write there whatever they like. Whoever asks for an address reads `REMOTE_ADDR` and needs to know none of this; so
    that nobody reads what a client claims, the headers are gone afterwards.
    """

    def __init__(self, get_response: Callable[[HttpRequest], Answer]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Answer:
        if settings.HIGHWAY_PROXIES:
            seen = request.headers.get("X-Forwarded-For", "").split(",")
            if len(seen) >= settings.HIGHWAY_PROXIES and (address := parsed(seen[-settings.HIGHWAY_PROXIES])):
                request.META["REMOTE_ADDR"] = address
        for claimed in ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PORT"):
            request.META.pop(claimed, None)
        return self.get_response(request)


def parsed(text: str) -> str:
    """The address without port and brackets, as some proxies write them; empty when it is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""


def address_of(request: Any) -> str:
    """For whom a limit is counted: an IPv6 user has a whole network of addresses and counts as that one."""
    text = parsed(request.META.get("REMOTE_ADDR", ""))
    if ":" not in text:
        return text
    address = ipaddress.IPv6Address(text)
    return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False).network_address)
