#!/usr/bin/env python
"""Django's entry, and the command line of the product."""

from __future__ import annotations

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "highway_automation.settings")
    if sys.argv[1:2] == ["up"]:
        from highway_automation import installation

        installation.prepare()
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # a setting that cannot be: its text names the variable and the cure
        sys.exit(str(error))


if __name__ == "__main__":
    main()
