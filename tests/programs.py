"""Programs that tests find and run."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest


async def run(folder: Path, program: str, *arguments: str, **variables: str) -> str:
    """Run a program that must succeed, and return its output."""
    exit_code, printed = await finished(folder, program, *arguments, **variables)
    assert exit_code == 0, printed
    return printed


async def finished(folder: Path, program: str, *arguments: str, **variables: str) -> tuple[int, str]:
    """Run a program, and return its exit code and its output."""
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        cwd=folder,
        env={**os.environ, **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        printed, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return await process.wait(), printed.decode()


def installed(name: str) -> str:
    """Return the path of a Debian program; if it is missing, skip the test, or fail it in CI."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        missing = f"{name} is not installed, so the service is not tested behind it: apt-get install {name}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    return found
