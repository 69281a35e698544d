"""A function whose module imports Django, as those of a project do."""

from __future__ import annotations

import os

from django.apps import apps


def tenants() -> list[str]:
    """Uses Django without having set it up."""
    return [apps.get_app_config("tenants_app").label, os.environ["DJANGO_SETTINGS_MODULE"]]
