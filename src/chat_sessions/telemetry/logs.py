"""The log: lines of JSON, or for people in a terminal, on standard error.

Tokens, titles, messages and passwords never get there, in JSON not even by way of an exception's text: what a library
puts into it nobody can know. In a terminal it is shown, for a developer needs it.
"""

import logging
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from chat_sessions.errors import ChatSessionsError
from chat_sessions.settings import Settings
from chat_sessions.settings.environment import unknown_variables

STAMP = structlog.processors.TimeStamper(fmt="iso", utc=True)
# Other people's loggers, and from which severity on they are of use.
QUIET = ("httpx", "httpcore", "prisma")
TRACEBACK = "Traceback (most recent call last)"

log = structlog.get_logger(__name__)


def configure_logging(settings: Settings, *extra: Processor) -> None:
    """Send structlog and the standard library's loggers to standard error, in the format of the settings."""
    shared: list[Processor] = [structlog.contextvars.merge_contextvars, structlog.stdlib.add_log_level, STAMP, *extra]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler()
    handler.addFilter(_is_no_repetition)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name, _without_objects],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderer(settings)],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def log_everything() -> None:
    """Give the same format to what Python itself would print: warnings, and the exception that ends the process."""
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_the_end


def log_unknown_variables() -> None:
    """Warn of each CHAT_ variable that no setting reads: most likely a misspelt one, whose value has no effect."""
    for name, meant in unknown_variables(Settings.model_fields):
        log.warning("settings.unknown_variable", variable=name, did_you_mean=meant)


def request_log(settings: Settings, *extra: Processor) -> FilteringBoundLogger:
    """Return the log of the requests: the same lines, but not by way of logging, which costs three times as much."""
    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(sys.stderr),
        processors=[structlog.stdlib.add_log_level, STAMP, *extra, *_renderer(settings)],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
    )
    return logger.bind()


def _renderer(settings: Settings) -> Sequence[Processor]:
    if settings.log_format == "console":
        colors = sys.stderr.isatty()
        return [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)]
    # Without the local variables: they hold tokens, titles and messages.
    tracebacks = structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
    return [tracebacks, _without_texts, structlog.processors.JSONRenderer()]


def _without_texts(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Leave of an exception what it is and where it comes from; of ours, whose texts clients see, also what it says."""
    if "exception" in event:
        event["exception"] = [_place(each) for each in event["exception"]]
    error = event.get("error")
    if isinstance(error, ChatSessionsError):
        event["error"] = str(error)
    elif isinstance(error, BaseException):
        event["error"] = " ".join((type(error).__name__, str(getattr(error, "code", "")))).strip()
    return event


def _place(stack: dict[str, Any]) -> dict[str, Any]:
    place = {name: stack[name] for name in ("exc_type", "is_cause", "frames")}
    inner = stack["exceptions"]
    return place | ({"exceptions": [[_place(each) for each in one] for one in inner]} if inner else {})


def _without_objects(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Leave of what asyncio complains about the complaint: the objects below it show what they hold."""
    if event.get("logger") == "asyncio":
        event["event"] = str(event["event"]).partition("\n")[0]
    return event


def _is_no_repetition(record: logging.LogRecord) -> bool:
    """Drop the traceback of a failed start that uvicorn writes as a text, after the application's own line."""
    return not (record.name == "uvicorn.error" and str(record.msg).startswith(TRACEBACK))


def _log_the_end(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, Exception):
        log.critical("process.failed", exc_info=(kind, error, traceback))
    else:
        sys.__excepthook__(kind, error, traceback)
