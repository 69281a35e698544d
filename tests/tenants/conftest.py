from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.test import Client
from rest_framework.test import APIClient

from tenants_app.actions import create_api_key, create_user
from tenants_app.models import Tenant, User
from tests.tenants.mailbox import Mailbox

KeyClient = Callable[[Tenant, str], APIClient]
SignIn = Callable[[User], Client]
NewMember = Callable[..., User]


@pytest.fixture
def key_client() -> KeyClient:
    """An API client with a new key of this tenant and role."""

    def make(tenant: Tenant, role: str) -> APIClient:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {create_api_key(tenant, role, role)[1]}")
        return client

    return make


@pytest.fixture
def sign_in() -> SignIn:
    """A browser in which this person is signed in; it checks CSRF tokens only where a test asks for it."""

    def make(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return make


@pytest.fixture
def new_member() -> NewMember:
    """A user with a place in this tenant."""

    def make(name: str, tenant: Tenant, role: str = "viewer") -> User:
        return create_user(email=f"{name}@example.com", username=name, tenant=tenant, role=role)

    return make


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, 10
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.DEFAULT_FROM_EMAIL = "Highway <highway@acme.example>"
    yield mailbox
    controller.stop()
