"""The application that uvicorn loads."""

import ctypes
import subprocess
import sys

import pytest

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

LOAD = """
import sys
import chat_sessions.app
print(sorted({"jinja2", "prisma.generator.generator"} & {*sys.modules}))
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


def test_a_worker_does_not_load_the_prisma_client_generator(settings: Settings) -> None:
    assert output(LOAD, settings) == "[]\n"
