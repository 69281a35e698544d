"""Request limits, counted in fixed windows where every web process counts: in the shared cache, else in the database.
One increment per request, however high the limit.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.cache import BaseCache, caches
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import SimpleRateThrottle

from highway_automation.base.db.counters import raise_counter
from highway_automation.base.middleware import address_of

if TYPE_CHECKING:
    from rest_framework.views import APIView

SILENCE_SECONDS = 5.0
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Count:
    """How much of a limit is used up, and when (Unix time) it begins anew."""

    limit: int
    used: int
    reset: int
    wait: float

    @property
    def headers(self) -> dict[str, str]:
        remaining = max(0, self.limit - self.used)
        limits = {"Limit": self.limit, "Remaining": remaining, "Reset": self.reset}
        return {f"X-RateLimit-{name}": str(number) for name, number in limits.items()}


class Window(SimpleRateThrottle):
    """A limit of `scope` in `DEFAULT_THROTTLE_RATES`, counted in fixed windows."""

    scope: str
    num_requests: int | None
    duration: int | None

    def get_rate(self) -> Any:
        return api_settings.DEFAULT_THROTTLE_RATES.get(self.scope)

    def count(self, ident: str) -> Count | None:
        """Count one more; None when this scope has no limit."""
        if self.num_requests is None or self.duration is None:
            return None
        now = self.timer()
        window = int(now // self.duration)
        reset = (window + 1) * self.duration
        key = f"throttle:{self.scope}:{ident}:{window}"
        return Count(self.num_requests, increment(key, self.duration + 1, reset), reset, reset - now)


def increment(key: str, seconds: int, ends_at: int) -> int:
    """The new value of a counter that is forgotten after `seconds`, at `ends_at`."""
    if settings.HIGHWAY_COUNT_IN_DATABASE:
        return raise_counter(key[:255], ends_at)
    if time.monotonic() >= shared.silent_until:
        try:
            return in_cache(caches["default"], key, seconds)
        except Exception as error:  # whatever a cache's client raises: a lost cache must not refuse everybody
            shared.silent_until = time.monotonic() + SILENCE_SECONDS
            log.warning("The cache does not answer (%s); this process counts its requests alone.", error)
    return in_cache(caches["local"], key, seconds)


def in_cache(cache: BaseCache, key: str, seconds: int) -> int:
    if cache.add(key, 1, seconds):
        return 1
    try:
        return int(cache.incr(key))
    except ValueError:  # it ended between the two
        cache.set(key, 1, seconds)
        return 1


class Shared:
    """The shared cache as this process knows it: after a failure it is left alone for a while."""

    silent_until = 0.0


shared = Shared()


class KeyThrottle(Window):
    """`HIGHWAY_THROTTLE` requests per API key, person or, for strangers, address."""

    scope = "key"

    def allow_request(self, request: Request, view: APIView) -> bool:
        self.counted = self.count(ident_of(request))
        if self.counted is None:
            return True
        request._request.rate_limit = self.counted  # type: ignore[attr-defined]
        return self.counted.used <= self.counted.limit

    def wait(self) -> float | None:
        return self.counted.wait if self.counted else None


def ident_of(request: Any) -> str:
    key = getattr(request, "api_key", None)
    if key is not None:
        return f"key:{key.pk}"
    pk = getattr(request.user, "pk", None)
    return f"user:{pk}" if pk else f"address:{address_of(request)}"


class PasswordMails(Window):
    """`HIGHWAY_PASSWORD_MAIL_THROTTLE` requests for a lost password per address, known mail addresses or not."""

    scope = "password-mail"

    def exceeded(self, request: Any) -> bool:
        counted = self.count(f"address:{address_of(request)}")
        return counted is not None and counted.used > counted.limit


class FailedLogins(Window):
    """`HIGHWAY_LOGIN_THROTTLE` wrong keys per address; beyond it wrong keys answer 429 instead of 401."""

    scope = "login"

    def note(self, request: Any) -> None:
        counted = self.count(f"address:{address_of(request)}")
        if counted is not None and counted.used > counted.limit:
            raise Throttled(wait=counted.wait, detail="Too many wrong keys from this address.")
