"""A delivery as a signed HTTP request, in the format of Standard Webhooks."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from pydantic_core import to_json
from standardwebhooks import Webhook

from chat_sessions.store.webhook_queue import Delivery
from chat_sessions.version import VERSION


class WebhookMessage(NamedTuple):
    """The body and its headers."""

    body: bytes
    headers: Mapping[str, str]


def message_of(delivery: Delivery, secrets: Sequence[str], now: datetime | None = None) -> WebhookMessage:
    """Return the message; repeats have the same id and body, and a new timestamp and signature."""
    data = {"user_id": delivery.user, "session_ids": delivery.session_ids}
    body = to_json({"type": delivery.event, "timestamp": delivery.created_at.isoformat(), "data": data})
    message_id, sent_at = f"msg_{delivery.id}", now or datetime.now(UTC)
    signatures = [Webhook(secret).sign(message_id, sent_at, body.decode()) for secret in secrets]
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"chat-sessions/{VERSION}",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
    return WebhookMessage(body, headers)
