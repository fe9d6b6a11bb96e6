"""What the service requires of its database, checked by one cheap statement."""

from typing import Any, Final, LiteralString, NoReturn

import structlog
from prisma import Prisma

from chat_sessions.background import forever
from chat_sessions.errors import DatabaseUnavailable
from chat_sessions.settings import ConfigurationError
from chat_sessions.store.citus import IS_CITUS, Topology
from chat_sessions.store.migrations import known_migrations
from chat_sessions.telemetry.availability import Availability

log = structlog.get_logger(__name__)

SECONDS_BETWEEN_CHECKS = 2.0

# FOR UPDATE requires UPDATE, and triggers run with the privileges of the role that fires them.
MISSING_PRIVILEGES: Final[LiteralString] = """
SELECT "privilege" || ' on "' || "table" || '"' AS "name"
FROM unnest(ARRAY[
    'ChatSession', 'ChatMessage', 'Outbox', 'Tombstone', 'WebhookDelivery', 'WebhookReceiver'
]) AS "table",
    unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS "privilege"
WHERE NOT has_table_privilege(quote_ident("table"), "privilege")
UNION ALL SELECT 'USAGE on sequence ' || "sequence"
    FROM unnest(ARRAY['"Outbox_id_seq"', '"WebhookDelivery_id_seq"']) AS "sequence"
    WHERE NOT has_sequence_privilege("sequence", 'USAGE')
"""

CHECK: Final[LiteralString] = f"""
SELECT current_setting('transaction_read_only')::boolean AS "read_only", pg_is_in_recovery() AS "standby",
    current_setting('server_encoding') AS "encoding", current_setting('default_transaction_isolation') AS "isolation",
    {IS_CITUS} AS "is_citus",
    array_to_string(ARRAY({MISSING_PRIVILEGES}), ', ') AS "missing_privileges",
    array_to_string(ARRAY(
        SELECT unnest($1::text[]) EXCEPT SELECT "migration_name" FROM "_prisma_migrations"
        WHERE "finished_at" IS NOT NULL AND "rolled_back_at" IS NULL
    ), ', ') AS "unapplied"
"""  # noqa: S608  only the constants above

AT_START: Final[LiteralString] = f"""
SELECT current_setting('server_encoding') AS "encoding", {IS_CITUS} AS "is_citus"
"""
ENCODING: Final = "UTF8"
ISOLATION: Final = "read committed"


class WrongEncoding(DatabaseUnavailable):
    """The database cannot store all of Unicode, and its encoding cannot be changed."""

    def __init__(self, encoding: str) -> None:
        super().__init__(
            f"The encoding of the database is {encoding} and must be {ENCODING}: create a new one with "
            f"`CREATE DATABASE … ENCODING '{ENCODING}' TEMPLATE template0`."
        )


class Preconditions:
    """Checks that the database is up and set up as every query requires."""

    def __init__(self, prisma: Prisma, availability: Availability) -> None:
        self.topology = Topology()
        self._prisma = prisma
        self._availability = availability
        self._migrations = [migration.name for migration in known_migrations()]

    async def check(self) -> None:
        """Raise DatabaseUnavailable with the reason if a precondition is not met."""
        [facts] = await self._prisma.query_raw(CHECK, self._migrations)
        self.topology.is_citus = facts["is_citus"]
        error = _complaint(facts)
        if error is not None:
            self._availability.failed(error)
            raise error

    async def check_at_start(self) -> None:
        """Raise ConfigurationError if the database can never be used; one that is down may recover."""
        try:
            [facts] = await self._prisma.query_raw(AT_START)
        except DatabaseUnavailable:
            return
        self.topology.is_citus = facts["is_citus"]
        if facts["encoding"] != ENCODING:
            reason = WrongEncoding(facts["encoding"]).reason
            log.critical("service.refused", reason=reason)
            raise ConfigurationError(reason)

    async def watch(self) -> NoReturn:
        """Check periodically, so that the log shows changes even without requests."""
        await forever("database", self.check, pause=SECONDS_BETWEEN_CHECKS, outages=(DatabaseUnavailable,))


def _complaint(facts: dict[str, Any]) -> DatabaseUnavailable | None:
    if facts["encoding"] != ENCODING:
        return WrongEncoding(facts["encoding"])
    for is_wrong, reason in (
        (facts["standby"], "Postgres accepts no writes: it is a standby."),
        (facts["read_only"], "Postgres accepts no writes: default_transaction_read_only is on."),
        (facts["unapplied"], f"The database lacks {facts['unapplied']}: run `chat-sessions migrate`."),
        (facts["missing_privileges"], f"The database user lacks privileges: {facts['missing_privileges']}."),
        (
            facts["isolation"] != ISOLATION,
            f"The role that the pooler connects as needs default_transaction_isolation = '{ISOLATION}'.",
        ),
    ):
        if is_wrong:
            return DatabaseUnavailable(reason)
    return None
