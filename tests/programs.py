"""Programs that tests run to their end."""

import asyncio
import os
from pathlib import Path


async def run(folder: Path, program: str, *arguments: str, **variables: str) -> str:
    """Run a program that has to succeed, and return what it printed."""
    exit_code, printed = await finished(folder, program, *arguments, **variables)
    assert exit_code == 0, printed
    return printed


async def finished(folder: Path, program: str, *arguments: str, **variables: str) -> tuple[int, str]:
    """Run a program, and return its exit code and what it printed."""
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
