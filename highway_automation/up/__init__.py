"""`make up`: the whole product in one process, for one machine. The same parts run apart in a deployment."""

from __future__ import annotations
