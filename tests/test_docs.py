"""The commands in the documentation work."""

import asyncio
import re
from pathlib import Path

import pytest

from chat_sessions.settings import Settings
from tests.process import serving
from tests.service import token

GUIDE = Path(__file__).parents[1] / "docs" / "api.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
DOCUMENTED = re.compile(r"# (\d{3})$", re.MULTILINE)
RECEIVED = re.compile(r"HTTP/1\.1 (\d{3}) ")
BREAK = "=" * 40


def commands() -> list[str]:
    return BLOCK.findall(GUIDE.read_text())


@pytest.mark.usefixtures("database")
async def test_each_command_of_the_guide_gets_the_documented_status(settings: Settings) -> None:
    blocks = commands()
    script = f"echo {BREAK}\n".join(["set -euo pipefail\n", *blocks])
    async with serving(settings) as service:
        bash = await asyncio.create_subprocess_exec(
            "bash",
            "-c",
            script,
            env={"PATH": "/usr/bin:/bin", "API": f"{service.url}/api/chat/sessions", "TOKEN": token("guide")},
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await bash.communicate()
    assert bash.returncode == 0
    responses = output.decode().split(f"{BREAK}\n")[1:]
    assert [RECEIVED.findall(each) for each in responses] == [DOCUMENTED.findall(each) for each in blocks]
    assert sum(len(DOCUMENTED.findall(each)) for each in blocks) > len(blocks)
