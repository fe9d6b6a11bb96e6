"""Make uvicorn's supervisor of workers notice at once that one has died."""

from uvicorn.supervisors import multiprocess


class Worker(multiprocess.Process):
    """A worker whose death ends its health check."""

    def start(self) -> None:
        """Start the worker, and leave its end of the pipe to it.

        If the supervisor held that end too, the pipe of a worker that is killed during a health check would stay open.
        The supervisor would then wait until the timeout, and replace no worker before.
        """
        super().start()
        self.child_conn.close()


def replace_dead_workers_at_once() -> None:
    """Make `uvicorn.run` supervise such workers."""
    multiprocess.Process = Worker  # type: ignore[misc]
