"""What the product talks to: database, broker, mail server, and itself."""

from __future__ import annotations

import time

import httpx
from celery import current_app
from django.conf import settings
from django.core import mail
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from highway_automation.base import clock, db
from highway_automation.doctor.examination import Check, Saw, failed, ok, warning

ANSWER_SECONDS = 5
MOST_SKEW_SECONDS = 2.0


def database() -> Saw:
    began = time.monotonic()
    try:
        connection.ensure_connection()
        clock.lease_now()
    except DatabaseError as error:
        cure = "Start the database, or mend DATABASE_URL; for SQLite, run `make up` once."
        return failed(f"{db.name()} does not answer: {' '.join(str(error).split())}", cure)
    return ok(f"{db.name()} answers in {(time.monotonic() - began) * 1000:.0f} ms")


def migrations() -> Saw:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        return failed(f"{len(missing)} migrations are not applied", "manage.py migrate")
    return ok("all applied")


def clocks() -> Saw:
    """Times come from the database; a host that differs much signs tokens and logs with another time."""
    skew = abs(clock.host_skew())
    if skew > MOST_SKEW_SECONDS:
        return warning(f"This machine's clock and the database's differ by {skew:.0f} s", "Run an NTP service on both.")
    return ok("this machine and the database agree")


def broker() -> Saw:
    with current_app.connection_for_write(connect_timeout=ANSWER_SECONDS) as link:
        try:
            link.ensure_connection(max_retries=1, timeout=ANSWER_SECONDS)
        except Exception as error:  # drivers raise what they like
            return failed(
                f"The broker does not answer: {error}", "Start it, or mend BROKER_URL. No work is lost meanwhile."
            )
        return ok(f"{link.transport_cls} answers")


def cache_answers() -> Saw:
    cache.set("doctor", "well", 10)
    if cache.get("doctor") != "well":
        return failed("The cache forgets at once", "Mend HIGHWAY_CACHE_URL.")
    return ok("keeps what it is given")


def mail_server() -> Saw:
    """Signs in and out; sends nothing."""
    if not settings.EMAIL_URL:
        return warning(
            f"No mail server: messages are files in {settings.EMAIL_FILE_PATH}",
            "Set HIGHWAY_EMAIL_URL=smtp+tls://user:password@host:587",
        )
    try:
        link = mail.get_connection(timeout=ANSWER_SECONDS)
        link.open()
        link.close()
    except OSError as error:
        return failed(f"The mail server refused: {error}", "Mend HIGHWAY_EMAIL_URL.")
    return ok("the mail server lets us in")


def own_address() -> Saw:
    url = settings.HIGHWAY_BASE_URL
    try:
        answer = httpx.get(f"{url}/ping", timeout=ANSWER_SECONDS)
    except httpx.HTTPError as error:
        return failed(f"{url} does not answer: {error}", "Start the web process, or mend HIGHWAY_BASE_URL.")
    if answer.status_code != 200 or "pong" not in answer.text:
        return failed(
            f"{url}/ping answers {answer.status_code}", "Something else listens there: mend HIGHWAY_BASE_URL."
        )
    return ok(f"{url} answers")


CHECKS: dict[str, Check] = {
    "clock": clocks,
    "broker": broker,
    "cache answers": cache_answers,
    "mail": mail_server,
    "web": own_address,
}
