"""The drain before a shutdown."""


class Drain:
    """The time between SIGTERM and the shutdown.

    Requests are served as before, but /readyz is 503 and each response closes its connection, so that clients and load
    balancers move on.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.in_progress = False
