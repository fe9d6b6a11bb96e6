"""Whether the process is about to end."""


class Drain:
    """The time between hearing of the end and ending.

    In it all is served as before, but the process says that it is not ready, and every answer closes its connection,
    so that clients and balancers go elsewhere before nobody answers here any more.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.under_way = False
