"""Encryption of secrets at rest. `HIGHWAY_ENCRYPTION_KEYS`: the first key encrypts, every key decrypts."""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Undecryptable(RuntimeError):
    """A stored secret was encrypted with a key that is no longer among `HIGHWAY_ENCRYPTION_KEYS`."""


def encrypt(text: str) -> str:
    return ring_of_keys().encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """The text. Raises Undecryptable when none of the keys fits."""
    try:
        return ring_of_keys().decrypt(token.encode()).decode()
    except InvalidToken:
        raise Undecryptable(
            "No key of HIGHWAY_ENCRYPTION_KEYS decrypts this secret; add the key it was made with."
        ) from None


def rotate(token: str) -> str:
    """The same secret, encrypted with the first key."""
    try:
        return ring_of_keys().rotate(token.encode()).decode()
    except InvalidToken:
        raise Undecryptable(
            "No key of HIGHWAY_ENCRYPTION_KEYS decrypts this secret; add the key it was made with."
        ) from None


def ring_of_keys() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.HIGHWAY_ENCRYPTION_KEYS])
