"""What is wrong with an installation, and the cure. Looks only; repairs nothing."""

from __future__ import annotations

from highway_automation.doctor.examination import Finding, State, examine

__all__ = ["Finding", "State", "examine"]
