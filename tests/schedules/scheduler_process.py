"""A scheduler in a process of its own, without Celery's command line around it: ticks until it is killed."""

from __future__ import annotations

import os
import time

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "highway_automation.settings")
    django.setup()
    from highway_automation.celery import app
    from highway_automation.scheduler import HighwayScheduler

    scheduler = HighwayScheduler(app=app)
    while True:
        time.sleep(scheduler.tick())


if __name__ == "__main__":
    main()
