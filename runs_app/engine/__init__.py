"""Durable execution: claim a branch, drive it step by step, commit each result with the next start."""

from __future__ import annotations
