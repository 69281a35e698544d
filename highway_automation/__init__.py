"""The roof: settings, URLs, Celery, the scheduler, the dashboard, health and the `up` command."""

from __future__ import annotations

from highway_automation.celery import app as celery_app

__all__ = ["celery_app"]
__version__ = "0.1.0"
