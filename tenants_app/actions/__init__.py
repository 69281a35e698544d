"""Everything that writes this room's rows."""

from __future__ import annotations

from tenants_app.actions.delivery import send_queued_mail, sweep_mail
from tenants_app.actions.housekeeping import forget_counts, forget_traces, purge_api_keys
from tenants_app.actions.keys import create_api_key, mark_used, revoke_api_key, rotate_api_key
from tenants_app.actions.outbox import (
    forget_account_mail,
    mail_is_filed,
    purge_mails,
    queue_mail,
    record_mail,
    retry_mail,
)
from tenants_app.actions.passwords import (
    choose_password,
    mail_password_link,
    password_link,
    resend_invitation,
)
from tenants_app.actions.people import (
    add_member,
    adopt_user,
    adopt_users_without_tenant,
    change_role,
    create_user,
    delete_user,
    invite,
    remove_member,
    update_user,
)
from tenants_app.actions.stopping import (
    all_cancelled,
    installation,
    resume_all,
    resume_tenant,
    stop_all,
    stop_tenant,
)
from tenants_app.actions.tenants import create_tenant, seed_api_url, update_tenant
from tenants_app.actions.variables import (
    change_variable,
    create_variable,
    delete_variable,
    rotate_secrets,
    set_variable,
)

__all__ = [
    "add_member",
    "adopt_user",
    "adopt_users_without_tenant",
    "all_cancelled",
    "change_role",
    "change_variable",
    "choose_password",
    "create_api_key",
    "create_tenant",
    "create_user",
    "create_variable",
    "delete_user",
    "delete_variable",
    "forget_account_mail",
    "forget_counts",
    "forget_traces",
    "installation",
    "invite",
    "mail_is_filed",
    "mail_password_link",
    "mark_used",
    "password_link",
    "purge_api_keys",
    "purge_mails",
    "queue_mail",
    "record_mail",
    "remove_member",
    "resend_invitation",
    "resume_all",
    "resume_tenant",
    "retry_mail",
    "revoke_api_key",
    "rotate_api_key",
    "rotate_secrets",
    "seed_api_url",
    "send_queued_mail",
    "set_variable",
    "stop_all",
    "stop_tenant",
    "sweep_mail",
    "update_tenant",
    "update_user",
]
