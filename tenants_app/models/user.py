from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower


class User(AbstractUser):
    """A person. What they may do where is their membership's role, never an auth.Permission."""

    email = models.EmailField("e-mail")

    class Meta(AbstractUser.Meta):
        db_table = "users"
        constraints = [
            models.UniqueConstraint(
                Lower("email"), name="user_email_unique", violation_error_message="Another user has this e-mail."
            ),
            models.CheckConstraint(
                condition=~models.Q(email=""), name="user_has_email", violation_error_message="A user needs an e-mail."
            ),
        ]
