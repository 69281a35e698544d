from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from highway_automation.base.api import Router


def register(router: Router) -> None:
    from tenants_app.api import schema  # noqa: F401 - registers itself
    from tenants_app.api.api_keys import APIKeyViewSet
    from tenants_app.api.memberships import InvitationViewSet, MembershipViewSet
    from tenants_app.api.stopping import ResumeViewSet, StopViewSet
    from tenants_app.api.users import UserViewSet
    from tenants_app.api.variables import VariableViewSet

    router.register("users", UserViewSet, "user")
    router.register("memberships", MembershipViewSet, "membership")
    router.register("admin/stop", StopViewSet, "stop")
    router.register("admin/resume", ResumeViewSet, "resume")
    router.register("admin/invitations", InvitationViewSet, "invitation")
    router.register("variables", VariableViewSet, "variable")
    router.register("admin/api-keys", APIKeyViewSet, "api-key")
