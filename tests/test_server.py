"""The application that uvicorn loads."""

import ctypes
import subprocess
import sys
from importlib.metadata import version

import pytest
from starlette.routing import Route

from chat_sessions.app import create_app
from chat_sessions.settings import Settings
from tests.process import environment
from tests.shell import clean_environment

SCRIPT = """
import gc
from chat_sessions.server import from_environment
before = gc.get_stats()
app = from_environment()
print(gc.get_stats() == before, gc.isenabled(), gc.get_threshold()[0], gc.get_freeze_count() > 100_000)
"""

ALLOCATE = """
import ctypes
from chat_sessions.server import from_environment

class Counts(ctypes.Structure):
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]

mallinfo2 = ctypes.CDLL(None).mallinfo2
mallinfo2.restype = Counts
app = from_environment()
bytearray(30_000_000)
before = mallinfo2().hblks
kept = bytearray(20_000_000)
print(mallinfo2().hblks - before)
"""

# What uvicorn imports in a worker, in its order.
LOAD = """
import sys
import chat_sessions.web.connection.http
from chat_sessions.server import from_environment
app = from_environment()
unwanted = {"httpx", "jinja2", "opentelemetry.sdk", "prisma.generator.generator", "rich", "tomlkit"}
print(*sorted(unwanted & {*sys.modules}))
import httpx, opentelemetry.sdk, rich, tomlkit
print(httpx.__version__, tomlkit.__version__)
"""

LAUNCH = """
import sys
import chat_sessions.web.connection.http
from chat_sessions.server import from_environment
from chat_sessions.store.prisma.options import EngineOptions
EngineOptions.launch = lambda *_, **__: print("fastapi" in sys.modules)
app = from_environment()
"""


def output(script: str, settings: Settings) -> str:
    return subprocess.run(  # noqa: S603  our own command
        [sys.executable, "-c", script],
        env=clean_environment(environment(settings)),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout


def test_garbage_collection_waits_for_the_start_and_skips_permanent_objects(settings: Settings) -> None:
    assert output(SCRIPT, settings) == "True True 50000 True\n"


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="needs glibc 2.33")
def test_a_large_block_is_mapped_separately_even_after_a_larger_one_was_freed(settings: Settings) -> None:
    assert output(ALLOCATE, settings) == "1\n"


def test_a_worker_does_not_load_what_its_libraries_need_for_other_uses(settings: Settings) -> None:
    loaded, others = output(LOAD, settings).splitlines()
    assert not loaded
    # A later import gets the complete modules.
    assert others == f"{version('httpx')} {version('tomlkit')}"


def test_the_engine_starts_before_fastapi_is_imported(settings: Settings) -> None:
    assert output(LAUNCH, settings) == "False\n"


def test_no_route_is_built_and_matched_twice_because_its_router_is_included(settings: Settings) -> None:
    assert [each for each in create_app(settings).routes if not isinstance(each, Route)] == []
