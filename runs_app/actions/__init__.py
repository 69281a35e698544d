"""The verbs of this room: everything that writes a definition, a run or what belongs to one."""

from __future__ import annotations

from runs_app.actions.artifacts import delete_artifact, purge_artifacts, store_artifact
from runs_app.actions.cancel import cancel_run
from runs_app.actions.definitions import publish_name, store_definition, unpublish_name
from runs_app.actions.mail import (
    delete_mail_text,
    filled_text,
    mail_sample,
    restore_mail_text,
    save_mail_text,
    seed_mail_texts,
)
from runs_app.actions.retry import retry_run, run_again
from runs_app.actions.stopped import cancel_stopped
from runs_app.actions.submit import find_run, submit_run, wait_for_run
from runs_app.actions.sweep import sweep
from runs_app.actions.workers import heartbeat

__all__ = [
    "cancel_run",
    "cancel_stopped",
    "delete_artifact",
    "find_run",
    "heartbeat",
    "delete_mail_text",
    "filled_text",
    "mail_sample",
    "restore_mail_text",
    "publish_name",
    "retry_run",
    "run_again",
    "purge_artifacts",
    "save_mail_text",
    "seed_mail_texts",
    "store_artifact",
    "store_definition",
    "submit_run",
    "sweep",
    "unpublish_name",
    "wait_for_run",
]
