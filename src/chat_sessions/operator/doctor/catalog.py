"""The database objects that the migrations create; a test compares them with a migrated database."""

from collections.abc import Mapping, Sequence
from typing import Final

TABLES: Final = ("ChatMessage", "ChatSession", "Outbox", "Tombstone", "WebhookDelivery", "WebhookReceiver")

OBJECTS: Final[Mapping[str, Sequence[str]]] = {
    "TABLE": TABLES,
    "CONSTRAINT": (*(f"{table}_pkey" for table in TABLES), "ChatMessage_userId_sessionId_fkey"),
    "INDEX": (
        "ChatMessage_userId_sessionId_sequence_key",
        "ChatMessage_without_searchKey",
        "ChatSession_updatedAt_id_idx",
        "ChatSession_userId_isArchived_isPinned_updatedAt_id_idx",
        "ChatSession_userId_isArchived_updatedAt_id_idx",
        "ChatSession_without_titleKey",
        "Tombstone_deletedAt_idx",
        "WebhookDelivery_receiver_dueAt_idx",
        "WebhookDelivery_receiver_userId_id_idx",
    ),
    "FUNCTION": (
        "ChatMessage_drop_key",
        "ChatMessage_move_version",
        "ChatSession_move_version",
        "ChatSession_note_delete",
        "ChatSession_note_insert",
        "ChatSession_note_update",
        "ChatSession_queue_webhooks",
        "Tombstone_refuse",
        "WebhookDelivery_queue",
    ),
    "TRIGGER": (
        "ChatMessage_delete",
        "ChatMessage_insert",
        "ChatMessage_key",
        "ChatMessage_update",
        "ChatSession_delete",
        "ChatSession_insert",
        "ChatSession_truncate",
        "ChatSession_update",
        "ChatSession_version",
        "ChatSession_webhook_insert",
        "ChatSession_webhook_update",
    ),
}
EXPECTED: Final = frozenset(f"{kind} {name}" for kind, names in OBJECTS.items() for name in names)

# The objects that exist and work: no invalid index or constraint, no disabled trigger. The index of a constraint is
# listed as the constraint; NOT NULL, which Postgres 18 lists as a constraint, is left out.
PRESENT: Final = """
SELECT 'TABLE ' || relname::text AS "name" FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
UNION ALL SELECT 'INDEX ' || relname::text FROM pg_class JOIN pg_index ON indexrelid = pg_class.oid
    WHERE relnamespace = current_schema()::regnamespace AND indisvalid
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))
UNION ALL SELECT 'TRIGGER ' || tgname::text FROM pg_trigger JOIN pg_class ON tgrelid = pg_class.oid
    WHERE relnamespace = current_schema()::regnamespace AND tgenabled IN ('O', 'A') AND NOT tgisinternal
UNION ALL SELECT 'FUNCTION ' || proname::text FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
UNION ALL SELECT 'CONSTRAINT ' || conname::text FROM pg_constraint
    WHERE connamespace = current_schema()::regnamespace AND convalidated AND contype <> 'n'
"""
