"""Unique names."""

import os

from chat_sessions.unique import unique_name


def test_names_differ() -> None:
    assert len({unique_name() for _ in range(1000)}) == 1000


def test_a_forked_process_does_not_repeat_the_names_of_its_parent() -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, unique_name().encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with os.fdopen(reader) as names:
        assert names.read() != unique_name()
