"""Programs that run beside the worker, most of them inside a sandbox. Standard library only; never imported by it."""

from __future__ import annotations
