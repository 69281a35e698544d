"""What a form may hold: JSON Schema 2020-12 as Pydantic emits it. Pure, and safe against whatever is thrown at it.

References stay inside the schema (nothing is ever fetched), patterns take linear time, and every check works on a
budget, so that neither a schema nor inputs can keep a process busy.
"""

from __future__ import annotations

from highway_automation.base.schema.check import check_schema
from highway_automation.base.schema.fill import fill_and_validate

__all__ = ["check_schema", "fill_and_validate"]
