"""The text of an API key: `hw_k1_<10 characters to find it by><40 secret characters>`."""

from __future__ import annotations

import hashlib
import secrets
import string

BEGINNING = "hw_k1_"
ALPHABET = string.ascii_letters + string.digits
PREFIX_LENGTH = len(BEGINNING) + 10
SECRET_LENGTH = 40


def new_key() -> str:
    return BEGINNING + "".join(secrets.choice(ALPHABET) for _ in range(10 + SECRET_LENGTH))


def prefix_of(key: str) -> str:
    return key[:PREFIX_LENGTH]


def hash_of(key: str) -> str:
    """SHA-256: the secret is 238 random bits, so a slow or keyed hash would add nothing but latency."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def fits(key: str, key_hash: str) -> bool:
    return secrets.compare_digest(hash_of(key), key_hash)
