"""The ground every room stands on. It knows no room and has no models."""

from __future__ import annotations
