"""Programs that tests run to their end."""

import asyncio
import os
from pathlib import Path


async def run(folder: Path, program: str, *arguments: str, **variables: str) -> str:
    """Run a program that has to succeed, and return what it printed."""
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
    assert process.returncode == 0, printed.decode()
    return printed.decode()
