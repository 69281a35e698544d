"""Which hosts a tenant's calls may reach: the public internet, and what an admin allowed by exact host:port."""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
from collections.abc import Collection
from typing import Any, TypeAlias

from runs_app.tools.base import ToolContext, ToolError
from runs_app.tools.deadline import Deadline, TimedOut

Found: TypeAlias = tuple[Any, ...]  # an entry of socket.getaddrinfo: family, type, protocol, name, address

GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
NOT_PUBLIC = [
    ipaddress.ip_network(text)
    for text in (
        "192.0.0.0/24",  # protocol assignments; a cloud's metadata service lives here
        "192.88.99.0/24",  # 6to4 relays
        "168.63.129.16/32",  # a cloud's platform service on a public-looking address
        "2001::/23",  # protocol assignments, with Teredo and ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",  # documentation
    )
]
ISATAP = (0x00005EFE, 0x02005EFE)


def is_public(text: str) -> bool:
    """Whether an IP address belongs to the public internet.

    IPv6 outside 2000::/3 is not public, so mapped, compatible and NAT64 forms of IPv4 addresses are out as well.
    """
    address = ipaddress.ip_address(text.partition("%")[0])
    if any(address in network for network in NOT_PUBLIC):
        return False
    if isinstance(address, ipaddress.IPv6Address):
        return address in GLOBAL_V6 and (int(address) >> 32) & 0xFFFFFFFF not in ISATAP
    return address.is_global and not address.is_multicast


def spelled(host: str, port: int) -> str:
    """host:port as allow lists write it: lower case, an IPv6 address in brackets."""
    return f"[{host}]:{port}".lower() if ":" in host else f"{host}:{port}".lower()


def addresses(host: str, port: int, allow: Collection[str], deadline: Deadline, context: ToolContext) -> list[Found]:
    """Where to connect: the host's addresses that may be reached. Whoever connects must use these, not the name again.

    Raises:
        ToolError: it resolves only to addresses that are not public, and is not allowed; permanent.
        OSError: it does not resolve.
        TimedOut: the name server took too long, or the step was cancelled.
    """
    found = _resolve(host, port, deadline, context)
    if spelled(host, port) in {entry.strip().lower() for entry in allow}:
        return found
    public = [entry for entry in found if is_public(entry[4][0])]
    if not public:
        raise ToolError(
            f"{spelled(host, port)} is not on the public internet, so calls to it are refused. "
            f'A superuser can add exactly "{spelled(host, port)}" to the tenant\'s http_allow, under Tenants.',
            permanent=True,
        )
    return public


def _resolve(host: str, port: int, deadline: Deadline, context: ToolContext) -> list[Found]:
    """getaddrinfo cannot be interrupted, so another thread waits for it."""
    answers: queue.SimpleQueue[list[Found] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except (OSError, UnicodeError) as error:
            answers.put(OSError(f"{host} cannot be resolved: {error}"))

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    forget = context.on_cancel(lambda: answers.put(TimedOut("cancelled")))
    try:
        answer = answers.get(timeout=deadline.left())
    except queue.Empty:
        raise TimedOut(f"{host} was not resolved in time") from None
    finally:
        forget()
    if isinstance(answer, Exception):
        raise answer
    return answer
