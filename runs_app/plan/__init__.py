"""What may run next: an incremental planner over the tasks of one scope. Pure: no database, no clock.

A step starts when whatever it waits for has settled as its rule wants; a router's targets, on_success targets and
failure handlers start only when they are called. Each settled step is told to the planner once; it answers what is
ready and what is skipped, in time proportional to the successors concerned. The order in which branches end never
changes the result.
"""

from __future__ import annotations

from runs_app.plan.shape import PlanError
from runs_app.plan.state import Plan, State
from runs_app.plan.wave import Newly, Settled

__all__ = ["Newly", "Plan", "PlanError", "Settled", "State"]
