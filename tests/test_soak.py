"""The soak reports a service that breaks its promises, and no other."""

import asyncio

import asyncpg
import pytest

from benchmarks.soak.faults import FAULTS, NOTHING, Fault
from benchmarks.soak.plan import Plan
from benchmarks.soak.report import Outcome
from benchmarks.soak.run import soak
from benchmarks.soak.stage import Stage

# It starts and stops three processes twice, which takes long on a busy machine.
pytestmark = pytest.mark.timeout(300)

RESURRECT = """
INSERT INTO "ChatSession" ("id", "userId", "title")
SELECT "sessionId", "userId", 'Back again' FROM "Tombstone" ORDER BY "deletedAt" LIMIT 1
ON CONFLICT DO NOTHING
"""


def soaked(*faults: str) -> Outcome:
    return soak(
        Plan(
            seconds=5,
            faults=faults,
            users=4,
            giants=1,
            giant_sessions=400,
            actions_per_second=20,
            calm_seconds=1,
            name="soak-test",
        )
    )


def resurrect(stage: Stage, _seconds: float) -> None:
    """Recreate a deleted session by SQL without triggers, which no call can do."""

    async def insert() -> None:
        connection = await asyncpg.connect(stage.database.url)
        try:
            await connection.execute('ALTER TABLE "ChatSession" DISABLE TRIGGER USER')
            await connection.execute(RESURRECT)
        finally:
            await connection.close()

    asyncio.run(insert())


def test_the_service_passes_while_its_parts_fail() -> None:
    outcome = soaked("Redis flushed", "engine killed")
    assert outcome.tally.violations == []
    assert not outcome.failed()
    assert sum(outcome.tally.responses.values()) > 50
    assert {each.fault for each in outcome.tally.faults.periods} <= {"Redis flushed", "engine killed"}
    assert outcome.tally.faults.periods


def test_a_resurrected_session_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FAULTS, "resurrection", Fault(resurrect, NOTHING))
    outcome = soaked("resurrection")
    assert outcome.failed()
    assert outcome.tally.violated["Postgres differs from the expected state"]
