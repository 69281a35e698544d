"""WHAT: parameterised workflow templates and their immutable versions."""

from __future__ import annotations
