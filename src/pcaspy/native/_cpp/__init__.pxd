"""The headers of the engine and of the binding, as its modules use them."""
