"""Is the product well? For load balancers, Highway's own clients and people; open to all, so it names no tenant."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal

from celery import current_app
from django.conf import settings
from django.db import DatabaseError, connection
from django.urls import re_path
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from highway_automation import __version__
from highway_automation.base.clock import lease_now
from runs_app.models import Worker

State = Literal["healthy", "degraded", "unhealthy"]
Check = dict[str, Any]
BROKER_SECONDS = 1


class AlwaysJSON(BaseContentNegotiation):
    """Whoever asks whether we are well gets an answer, whatever it says it accepts."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class Open(APIView):
    """Asked by load balancers and strangers: no key, no limit, no database needed."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    renderer_classes = [JSONRenderer]
    content_negotiation_class = AlwaysJSON


def enveloped(name: str, data: serializers.Field[Any, Any, Any, Any]) -> Any:
    return inline_serializer(name, {"status": serializers.CharField(help_text="success"), "data": data})


class Ping(Open):
    @extend_schema(summary="Does the web process answer", responses=enveloped("Pong", serializers.CharField()))
    def get(self, request: Request) -> Response:
        """The web process answers; nothing else is asked."""
        return Response({"status": "success", "data": "pong"})


VERSION_DATA = inline_serializer("ProductVersionData", {"version": serializers.CharField()})
VERSION = enveloped("ProductVersion", VERSION_DATA)


class Version(Open):
    @extend_schema(
        responses=enveloped(
            "ProductVersion", inline_serializer("ProductVersionData", {"version": serializers.CharField()})
        )
    )
    def get(self, request: Request) -> Response:
        """Which version of the product answers."""
        return Response({"status": "success", "data": {"version": __version__}})


HEALTH_DATA = inline_serializer(
    "HealthData",
    {
        "status": serializers.ChoiceField(["healthy", "degraded", "unhealthy"]),
        "version": serializers.CharField(),
        "checks": serializers.DictField(child=serializers.DictField()),
    },
)


HEALTH = enveloped("Health", HEALTH_DATA)


class Health(Open):
    @extend_schema(summary="Is the product well", responses={200: HEALTH, 503: HEALTH})
    def get(self, request: Request) -> Response:
        """200 while work is accepted: `healthy`, or `degraded` when something that does the work lacks; else 503."""
        checks = all_checks()
        state = overall(checks)
        data = {"status": state, "version": __version__, "checks": checks}
        return Response({"status": "success", "data": data}, status=503 if state == "unhealthy" else 200)


def all_checks() -> dict[str, Check]:
    checks = {"database": guarded("unhealthy", database)}
    if checks["database"]["status"] == "healthy":
        checks["scheduler"] = guarded("degraded", lambda: alive("scheduler"))
        checks["workers"] = guarded("degraded", lambda: alive("worker"))
    checks["broker"] = guarded("degraded", broker)
    return checks


def overall(checks: dict[str, Check]) -> State:
    """As bad as the worst check."""
    order: tuple[State, ...] = ("unhealthy", "degraded", "healthy")
    return next(state for state in order if state == "healthy" or any(c["status"] == state for c in checks.values()))


def guarded(worst: State, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except Exception as error:  # whatever a driver raises, the answer is that this part does not work
        return {"status": worst, "message": type(error).__name__}


def database() -> Check:
    connection.ensure_connection()
    if not connection.is_usable():
        connection.close()
        raise DatabaseError
    return {"status": "healthy"}


def broker() -> Check:
    """Without a broker work goes on, found by the schedulers' sweep; only later."""
    with current_app.connection_for_write(connect_timeout=BROKER_SECONDS) as link:
        link.ensure_connection(max_retries=1, timeout=BROKER_SECONDS)
    return {"status": "healthy", "transport": str(link.transport_cls)}


def alive(kind: str) -> Check:
    """How many processes of this kind sent a heartbeat within a lease."""
    since = lease_now() - timedelta(seconds=settings.HIGHWAY_LEASE_SECONDS)
    count = Worker.objects.filter(kind=kind, heartbeat_at__gte=since).count()
    return {"status": "healthy" if count else "degraded", "alive": count}


urlpatterns = [
    re_path(r"^api/v1/health/?$", Health.as_view(), name="health"),
    re_path(r"^api/v1/version/?$", Version.as_view(), name="version"),
    re_path(r"^ping/?$", Ping.as_view(), name="ping"),
    re_path(r"^health/?$", Health.as_view()),
    re_path(r"^version/?$", Version.as_view()),
]
