FORMAT_FULL: int

class Metadata:
    """What is known of a channel's metadata, and the subscription to them."""
