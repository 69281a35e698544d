"""The form of a template's inputs, made of its input schema."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from django import forms

from highway_automation.base import safe_json
from highway_automation.base.safe_json import JSON
from highway_automation.base.schema_form import SchemaForm


class RunForm(SchemaForm):
    """`inputs` are what the person gave."""

    def __init__(self, schema: JSON, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(schema, data)
        self.fields["once"] = forms.CharField(widget=forms.HiddenInput, required=False, initial=uuid4().hex)

    @property
    def inputs(self) -> JSON:
        return self.values

    @property
    def idempotency_key(self) -> str | None:
        """A second click on the same page is the same run; other inputs are another one."""
        once = self.cleaned_data.get("once", "")[:64]
        digest = hashlib.sha256(safe_json.dumps(self.inputs).encode("utf-8", "surrogatepass")).hexdigest()
        return f"admin:{once}:{digest}" if once else None
