"""A model served by lume-pva or its successor: puts end when it was evaluated."""

import importlib
import sys
import threading

from lume.model import LUMEModel
from lume.variables import ScalarVariable

runner = importlib.import_module(f"{sys.argv[1]}.runner")
START = {"a": 1.5, "b": -2.0, "total": -0.5}


class Sum(LUMEModel):
    """The sum of two numbers."""

    def __init__(self):
        self._state = dict(START)
        self._variables = {
            name: ScalarVariable(
                name=name,
                default_value=value,
                value_range=(-100.0, 100.0),
                unit="mm",
                read_only=name == "total",
            )
            for name, value in START.items()
        }

    @property
    def supported_variables(self):
        """Two inputs and one output."""
        return self._variables

    def _get(self, names):
        return {name: self._state[name] for name in names}

    def _set(self, values):
        self._state.update(values)
        self._state["total"] = self._state["a"] + self._state["b"]

    def reset(self):
        """Everything as in the beginning."""
        self._state = dict(START)


model = Sum()
config = runner.Runner.generate_config(model)
config["update_rate"] = 0.0
served = runner.Runner(model=model, config=config)
threading.Thread(target=served._run, daemon=True).start()
threading.Event().wait()
