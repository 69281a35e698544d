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
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
