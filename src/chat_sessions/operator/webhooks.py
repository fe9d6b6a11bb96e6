"""The command `webhooks`."""

import asyncio

import typer

from chat_sessions.errors import counted
from chat_sessions.operator.console import errors_as_messages, fail, settings_or_fail
from chat_sessions.settings import Settings
from chat_sessions.store.prisma.client import prisma_client
from chat_sessions.store.webhook_queue import ReceiverBacklog, WebhookQueue


def webhooks(*, retry: bool, discard: str | None) -> None:
    """Discard or retry deliveries, then print the backlog of each receiver."""
    settings = settings_or_fail()
    with errors_as_messages():
        backlog = asyncio.run(_run(settings, retry=retry, discard=discard))
    for each in backlog:
        typer.echo(_line(each, is_configured=each.receiver in settings.webhook_url))
    for url in sorted(set(settings.webhook_url) - {each.receiver for each in backlog}):
        typer.echo(f"{url}: new; nothing is queued until `chat-sessions serve` has started with it")
    if not backlog and not settings.webhook_url:
        typer.echo("No receivers and no deliveries. Set CHAT_WEBHOOK_URL to deliver webhooks.")


async def _run(settings: Settings, *, retry: bool, discard: str | None) -> list[ReceiverBacklog]:
    async with prisma_client(settings) as prisma:
        queue = WebhookQueue(prisma)
        known = [each.receiver for each in await queue.backlog()]
        if discard is not None:
            if discard not in known:
                fail(f"There is no receiver {discard!r}. Receivers: {', '.join(known) or 'none'}.")
            typer.echo(f"{discard}: {await queue.discard(discard):,} discarded")
        if retry:
            for receiver in known:
                typer.echo(f"{receiver}: {await queue.retry(receiver):,} due now")
        return await queue.backlog()


def _line(backlog: ReceiverBacklog, *, is_configured: bool) -> str:
    facts = "none waiting"
    if backlog.waiting:
        attempts = counted(backlog.attempts, "attempt")
        facts = f"{backlog.waiting:,} waiting, the oldest for {backlog.age:,.0f} s; up to {attempts}"
    error = f"; error: {backlog.error}" if backlog.error else ""
    removed = "" if is_configured else " (not in CHAT_WEBHOOK_URL: nothing is delivered)"
    return f"{backlog.receiver}: {facts}{error}{removed}"
