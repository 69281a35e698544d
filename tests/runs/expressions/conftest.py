"""Property tests here are bounded by the suite's time limit, not by a deadline per example: machines are busy."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("without a deadline", deadline=None)
settings.load_profile("without a deadline")
