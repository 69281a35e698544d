"""Where each room's doors open."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from highway_automation.base.api import router
from highway_automation.base.api.unknown import unknown_endpoint
from highway_automation.health import urlpatterns as health_urls
from runs_app import api as runs_api
from schedules_app import api as schedules_api
from templates_app import api as templates_api
from tenants_app import api as tenants_api
from tenants_app.admin import passwords
from triggers_app import api as triggers_api

for room in (tenants_api, runs_api, templates_api, schedules_api, triggers_api):
    room.register(router)

urlpatterns = [
    path("", RedirectView.as_view(url="/admin/")),
    path("favicon.ico", RedirectView.as_view(url="/static/highway/favicon.svg")),
    *health_urls,
    re_path(r"^api/v1/schema/?$", SpectacularAPIView.as_view(), name="schema"),
    re_path(r"^api/v1/docs/?$", SpectacularSwaggerView.as_view(url_name="schema"), name="api-docs"),
    path("api/v1", RedirectView.as_view(url="/api/v1/")),
    path("api/v1/", include(router.urls)),
    re_path(r"^api/", unknown_endpoint),
    path("admin/", include(passwords.urlpatterns)),
    path("admin/", admin.site.urls),
]
