"""Whether the webhook receivers respond and get their deliveries in time."""

from chat_sessions.operator.doctor.engine import Query
from chat_sessions.operator.doctor.findings import Finding, ok, warning, wrong
from chat_sessions.settings import Settings
from chat_sessions.store.webhook_queue import BACKLOG

# Longer than a receiver takes to restart.
LATE_SECONDS = 600


async def receivers(settings: Settings) -> list[Finding]:
    """Check that each receiver responds at all: there is no real change to send."""
    if not settings.webhook_url:
        return []
    # Imported here: without webhooks their HTTP client need not be installed.
    from chat_sessions.webhooks.client import NotDelivered, webhook_client  # noqa: PLC0415

    found = []
    async with webhook_client(private=settings.webhook_private) as client:
        for url in settings.webhook_url:
            try:
                status = await client.probe(url)
            except NotDelivered as error:
                advice = "Check CHAT_WEBHOOK_URL, the network and the receiver. Deliveries wait until it responds."
                found.append(wrong("webhooks", f"{url} does not respond: {error}", advice))
            else:
                found.append(ok("webhooks", f"{url} responds (HEAD: {status})"))
    return found


async def deliveries(settings: Settings, query: Query) -> list[Finding]:
    """Report deliveries that have waited too long, and those to receivers that are no longer configured."""
    found = []
    for row in await query(BACKLOG):
        waiting = f"{row['waiting']:,} waiting for {row['receiver']}"
        if row["receiver"] not in settings.webhook_url and row["waiting"]:
            advice = f"Add it to CHAT_WEBHOOK_URL, or: chat-sessions webhooks --discard {row['receiver']}"
            found.append(warning("webhooks", f"{waiting}, which is not in CHAT_WEBHOOK_URL", advice))
        elif row["age"] > LATE_SECONDS:
            advice = "Fix the receiver, then: chat-sessions webhooks --retry"
            detail = f"{waiting}, the oldest for {row['age']:,.0f} s: {row['error'] or 'not tried yet'}"
            found.append(warning("webhooks", detail, advice))
    return found
