from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.contrib.auth.models import UserManager
from django.db.models import ProtectedError

from highway_automation.base.db import atomic, lock_rows
from highway_automation.base.errors import Conflict, FieldError, Invalid
from tenants_app.actions.checks import conflict, locked, refuse_weak, validated
from tenants_app.actions.passwords import mail_invitation
from tenants_app.models import Membership, Tenant, User
from tenants_app.roles import Role
from tenants_app.signals import membership_created


def create_user(
    *,
    email: str,
    tenant: Tenant | None = None,
    role: str = Role.VIEWER,
    username: str = "",
    password: str | None = None,
    check_password: bool = True,
    **names: Any,
) -> User:
    """A user who may sign in to the admin, with their first membership, in one transaction.

    The user name defaults to the e-mail. Without a password they cannot sign in until one is set. `names` are further
    columns (first_name, last_name, is_superuser…). Raises Invalid naming the fields that are wrong or taken.
    """
    user = User(
        username=username or user_name_from(email),
        email=UserManager.normalize_email(email),
        **{"is_staff": True, **names},
    )
    if password and check_password:
        refuse_weak(password, user)
    user.set_password(password or None)
    with atomic():
        validated(user)
        with conflict("This user was made by somebody else just now."):
            user.save()
        if tenant is not None:
            add_member(user, tenant, role)
    return user


def user_name_from(email: str) -> str:
    return re.sub(r"[^\w.@+-]", "_", email)[:150]


def invite(
    *,
    email: str,
    tenant: Tenant,
    role: str = Role.VIEWER,
    password: str | None = None,
    first_name: str = "",
    last_name: str = "",
    actor: User | None = None,
) -> Membership:
    """A place in the tenant for the person with this e-mail, who may be known already from another tenant. A mail tells
    them, with a link to choose a password by where they have none; unless the caller gives a password to tell them.

    Nothing of an existing account changes, and the caller can't tell whether there was one. Raises Conflict when they
    are a member already, Invalid when the e-mail is none.
    """
    with atomic():
        user = User.objects.filter(email__iexact=email).first()
        if user is None:
            user = create_user(email=email, password=password, first_name=first_name, last_name=last_name)
        membership = add_member(user, tenant, role)
        if not password:
            mail_invitation(membership, actor)
        return membership


def update_user(user: User, *, password: str | None = None) -> User:
    """Save what was changed on the object, and a new password where one is given. Raises Invalid."""
    if password:
        refuse_weak(password, user)
        user.set_password(password)
    validated(user)
    with conflict("Another user has this name or e-mail."):
        user.save()
    return user


def delete_user(user: User) -> None:
    """The account and its memberships. Raises Conflict where it is a tenant's last admin or rows still need it."""
    try:
        with atomic():
            for membership in Membership.objects.all_tenants().filter(user=user):
                remove_member(membership)
            user.delete()
    except ProtectedError:
        raise Conflict(f"{user.email} is still referred to; make the account inactive instead.") from None


def add_member(user: User, tenant: Tenant, role: str = Role.VIEWER) -> Membership:
    """Let the user into the tenant; says so by `membership_created`. Raises Conflict when they are in already."""
    membership = Membership(user=user, tenant=tenant, role=known_role(role))
    with atomic():
        with conflict(f"{user.email} is already a member of {tenant.pk}."):
            membership.save()
        membership_created.send(Membership, membership=membership)
    return membership


def known_role(role: str) -> str:
    if role not in Role.values:
        message = f"{role!r} is not a role; use {', '.join(Role.values)}."
        raise Invalid(message, errors=[FieldError("role", message)])
    return role


def change_role(membership: Membership, role: str) -> Membership:
    """Raises Invalid for an unknown role, Conflict when it would leave the tenant without an admin, NotFound when the
    member was removed meanwhile.
    """
    with atomic():
        if membership.role == Role.ADMIN and known_role(role) != Role.ADMIN:
            refuse_last_admin(membership)
        rows = Membership.objects.for_tenant(membership.tenant_id).filter(pk=membership.pk)
        locked(rows, "This member was removed meanwhile.")
        membership.role = known_role(role)
        membership.save(update_fields=["role"])
    return membership


def remove_member(membership: Membership) -> None:
    """Raises Conflict for the tenant's last admin."""
    with atomic():
        if membership.role == Role.ADMIN:
            refuse_last_admin(membership)
        membership.delete()


def refuse_last_admin(membership: Membership) -> None:
    admins = Membership.objects.for_tenant(membership.tenant_id).filter(role=Role.ADMIN)
    others = [row for row in lock_rows(admins) if row.pk != membership.pk]
    if not others:
        raise Conflict(f"{membership.tenant_id} would be left without an admin; make another member admin first.")


def adopt_user(user_id: int) -> Membership | None:
    """A viewer's place in `HIGHWAY_DEFAULT_TENANT` for a user who has none anywhere; None when there is nothing to do
    (they have one, or there is no such tenant).
    """
    with atomic():
        user = lock_rows(User.objects.filter(pk=user_id)).first()
        tenant = Tenant.objects.filter(pk=settings.HIGHWAY_DEFAULT_TENANT).first()
        if user is None or tenant is None or Membership.objects.all_tenants().filter(user=user).exists():
            return None
        return add_member(user, tenant, Role.VIEWER)


def adopt_users_without_tenant() -> int:
    """Housekeeping: users that no verb and no signal brought into a tenant (bulk inserts, a crash after commit)."""
    if not settings.HIGHWAY_DEFAULT_TENANT:
        return 0
    homeless = User.objects.filter(memberships__isnull=True).values_list("pk", flat=True)
    return sum(adopt_user(pk) is not None for pk in list(homeless[:1000]))
