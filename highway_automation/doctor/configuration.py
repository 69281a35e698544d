"""Settings that start, but are wrong for what this installation is."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings

from highway_automation.base import db
from highway_automation.doctor.examination import Check, Saw, failed, ok, warning

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def is_local() -> bool:
    return urlsplit(settings.HIGHWAY_BASE_URL).hostname in LOOPBACK


def debugging() -> Saw:
    if not settings.DEBUG:
        return ok("HIGHWAY_DEBUG is off")
    cure = "Unset HIGHWAY_DEBUG: it shows settings and source to whoever causes an error."
    return warning("HIGHWAY_DEBUG is on", cure) if is_local() else failed("HIGHWAY_DEBUG is on", cure)


def secret_key() -> Saw:
    key = settings.SECRET_KEY
    if len(key) < 32 or len(set(key)) < 10:
        return failed(
            "HIGHWAY_SECRET_KEY can be guessed",
            'python -c "import secrets; print(secrets.token_urlsafe(50))" prints a good one.',
        )
    return ok("HIGHWAY_SECRET_KEY is long enough")


def address() -> Saw:
    """Links in mail and workflows' calls go to the base URL: the web process has to answer to that name."""
    host = urlsplit(settings.HIGHWAY_BASE_URL).hostname or ""
    allowed = [name.strip("[]") for name in settings.ALLOWED_HOSTS]
    if "*" in allowed:
        return warning("HIGHWAY_ALLOWED_HOSTS is *", f"Name the hosts: HIGHWAY_ALLOWED_HOSTS={host}")
    if not any(name == host or (name.startswith(".") and host.endswith(name)) for name in allowed):
        return failed(
            f"HIGHWAY_BASE_URL is on {host}, which HIGHWAY_ALLOWED_HOSTS does not name",
            f"HIGHWAY_ALLOWED_HOSTS={','.join([*settings.ALLOWED_HOSTS, host])}",
        )
    return ok(settings.HIGHWAY_BASE_URL)


def encryption() -> Saw:
    if is_local() or settings.HTTPS:
        return ok("HTTPS" if settings.HTTPS else "loopback only")
    return failed(
        "Passwords and keys travel unencrypted: HIGHWAY_BASE_URL is http",
        "Put a proxy with TLS in front (deploy/nginx/highway.conf), set HIGHWAY_BASE_URL=https://… and "
        "HIGHWAY_BEHIND_PROXY=1.",
    )


def shared_cache() -> Saw:
    """Throttles count per cache: with one per process they multiply."""
    backend = settings.CACHES["default"]["BACKEND"]
    if settings.HIGHWAY_COUNT_IN_DATABASE:
        return ok("requests are counted in the database")
    if "locmem" in backend and not settings.CELERY_BROKER_URL.startswith("memory"):
        return warning("Each web process counts requests for itself", "Set HIGHWAY_CACHE_URL.")
    return ok(backend.rsplit(".", 1)[-1])


def parts_fit() -> Saw:
    """The in-process broker and SQLite belong to `up`; separate processes need servers."""
    in_process = settings.CELERY_BROKER_URL.startswith("memory")
    if in_process and not db.is_one_file():
        return warning(f"{db.name()} with the in-process broker", "Set BROKER_URL where processes run apart.")
    if db.is_one_file() and not in_process:
        cure = "Set DATABASE_URL to a PostgreSQL server."
        return warning(f"{db.name()} with a real broker: one machine, one writer at a time", cure)
    return ok("one process" if in_process else "separate processes")


CHECKS: dict[str, Check] = {
    "debug": debugging,
    "secret key": secret_key,
    "address": address,
    "encryption": encryption,
    "cache": shared_cache,
    "parts": parts_fit,
}
