"""A text that is None until somebody sets it, as a simulator's state may be."""

from pcaspy import Driver, SimpleServer


class States(Driver):
    """SET gives the state a value, CLEAR takes it away."""

    def __init__(self):
        super().__init__()
        self.setParam("STATE", None)

    def write(self, reason, value):
        """Another state."""
        self.setParam(reason, value)
        if reason in ("SET", "CLEAR"):
            self.setParam("STATE", f"state {value:g}" if reason == "SET" else None)
        self.updatePVs()
        return True


server = SimpleServer()
server.createPV("NONE:", {"STATE": {"type": "string"}, "SET": {}, "CLEAR": {}})
states = States()
while True:
    server.process(0.1)
