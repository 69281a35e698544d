"""What this room has to say, sent inside the transaction in which it became true."""

from __future__ import annotations

from django.dispatch import Signal

run_finished = Signal()
"""A run reached a final status. Arguments: run (WorkflowRun), sent once."""

approval_requested = Signal()
"""A step asks people for their approval. Arguments: approval (Approval, with its run at hand), sent once."""
