"""All of the scenarios, by name: what each module of them registers."""

import scenarios_errors  # noqa: F401
import scenarios_gets  # noqa: F401
import scenarios_monitors  # noqa: F401
import scenarios_puts  # noqa: F401
from scenario import SCENARIOS

__all__ = ["SCENARIOS"]
