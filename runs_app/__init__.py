"""DO: definitions and their names, runs, branches and steps; the language, the engine, the operators and the tools."""

from __future__ import annotations
