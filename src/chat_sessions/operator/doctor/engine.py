"""Whether the query engine runs and matches the schema."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from chat_sessions.operator.doctor.findings import Finding, isolated, ok, wrong
from chat_sessions.settings import Settings
from chat_sessions.store.migrations import SCHEMA
from chat_sessions.store.prisma.node import ENGINE_DIR, child_environment, find_node

Query = Callable[..., Awaitable[list[dict[str, Any]]]]

INSTALL = "Run `make install`, or rebuild the container image."


async def node() -> list[Finding]:
    """Find Node, and check whether the engine's packages support it."""
    wanted: str = json.loads((ENGINE_DIR / "package.json").read_text())["engines"]["node"]
    try:
        process = await asyncio.create_subprocess_exec(
            find_node(), "--version", stdout=asyncio.subprocess.PIPE, env=child_environment()
        )
    except OSError as error:
        return [wrong("node", f"Node.js does not start: {error.strerror}", f"Install Node {wanted}, or: {INSTALL}")]
    version = (await process.communicate())[0].decode().strip()
    if not supports(wanted, version):
        return [wrong("node", f"Node.js {version} is at {find_node()}", f"Install Node {wanted}, or: {INSTALL}")]
    return [ok("node", f"Node.js {version} at {find_node()}")]


def supports(wanted: str, version: str) -> bool:
    """Return whether a version is in a range of package.json, made of `^1.2` and `>=3`."""
    major, minor = (int(part) for part in re.findall(r"\d+", f"{version}.0.0")[:2])
    for alternative in wanted.split("||"):
        numbers = [int(part) for part in re.findall(r"\d+", f"{alternative}.0")]
        if (major, minor) >= (numbers[0], numbers[1]) and (">=" in alternative or major == numbers[0]):
            return True
    return False


async def client() -> list[Finding]:
    """Compare both generated clients with the schema."""
    package = find_spec("prisma")
    clients = {"engine/generated": ENGINE_DIR / "generated" / "schema.prisma"}
    if package is not None and package.origin is not None:
        clients["the Python package prisma"] = Path(package.origin).with_name("schema.prisma")
    found = []
    for name, schema in clients.items():
        if not schema.exists():
            found.append(wrong("client", f"{name} has no generated client", INSTALL))
        elif _models(schema) != _models(SCHEMA):
            found.append(wrong("client", f"the client in {name} was generated from another schema", INSTALL))
    return found or [ok("client", "both generated clients match schema.prisma")]


def _models(schema: Path) -> list[str]:
    blocks = re.findall(r"^(?:model|enum) \w+ \{.*?^\}", schema.read_text(), re.MULTILINE | re.DOTALL)
    return [" ".join(block.split()) for block in blocks]


async def start(settings: Settings, stack: AsyncExitStack) -> tuple[Finding, Query | None]:
    """Start the engine until the stack closes; return the finding, and a function that runs queries."""
    queries: list[Query] = []

    async def started() -> list[Finding]:
        # Imported here: without a generated client, importing Prisma fails.
        from chat_sessions.store.prisma.client import prisma_client  # noqa: PLC0415

        prisma = await stack.enter_async_context(prisma_client(settings))
        queries.append(prisma.query_raw)
        return [ok("engine", f"runs as process {prisma.engine.pid}")]

    [finding] = await isolated("engine", started())
    if not queries:
        finding = wrong("engine", f"does not start: {finding.detail}", INSTALL)
    return finding, queries[0] if queries else None
