"""Every accepted spelling of a workflow definition, turned into the one form that the rest of the house reads.

`highway_dsl` parses and validates each step; what its builders, the JavaScript SDK, the Driver and people write beyond
it ends here: flat copies of loop bodies, branches that stand beside their fork, both retry spellings, durations of all
sorts, handlers outside the branch that needs them. Pure: no database, no clock, no Django.
"""

from __future__ import annotations

from highway_automation.base import safe_json
from highway_automation.base.safe_json import JSON

from .problems import DefinitionError, Problem, shortened
from .repairs import choices
from .text import load
from .workflow import read_workflow

__all__ = ["DefinitionError", "Problem", "canonical", "choices", "load", "shortened"]


def canonical(raw: JSON) -> JSON:
    """The canonical form of a definition; the canonical form of a canonical form is itself.

    What was ignored or guessed stands in its `notes` ({path, message}), which the checks report as warnings.

    Raises:
        DefinitionError: it cannot be read; holds every problem with the path of its field.
    """
    try:
        safe_json.check(raw)
    except safe_json.UnsafeJSON as error:
        raise DefinitionError([Problem("", str(error))]) from None
    return read_workflow(raw)
