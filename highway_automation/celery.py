"""The Celery application. Its messages are doorbells: what there is to do stands in the database."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "highway_automation.settings")

app = Celery("highway_automation")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
