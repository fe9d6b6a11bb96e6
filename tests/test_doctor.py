"""Doctor reports what is right and what is wrong, whatever else is broken."""

import asyncio
import json
import os
import re
import secrets
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from jwt.algorithms import ECAlgorithm, OKPAlgorithm
from redis.asyncio import Redis as RedisClient

from chat_sessions.dev.embedded import Postgres
from chat_sessions.dev.embedded.machine import free_port
from chat_sessions.operator.doctor import catalog, database, engine
from chat_sessions.settings import Settings
from chat_sessions.store.migrations import known_migrations
from tests import citus
from tests.command import Operator
from tests.databases import migrated_database
from tests.waiting import LIMIT_SECONDS

GOOD_SECRET = secrets.token_hex(32)
NEWEST = known_migrations()[-1].name

CITUS_CHECK = [] if citus.URL is None else ["citus"]
Findings = dict[tuple[str, str], str]


class Doctor:
    """Examines one database and one Redis."""

    def __init__(self, operator: Operator, url: str) -> None:
        self._operator = operator
        self._url = url

    async def find(self, **changes: str | None) -> Findings:
        """Return the findings by state and check, and verify that the exit code matches."""
        env = {"CHAT_DATABASE_URL": self._url, "CHAT_JWT_SECRET": GOOD_SECRET, **changes}
        result = await self._operator.run("doctor", "--json", **env)
        found: list[dict[str, Any]] = json.loads(result.stdout)
        assert result.exit_code == int(any(each["state"] == "wrong" for each in found)), result.output
        assert [each for each in found if each["state"] in {"wrong", "warning"} and not each["advice"]] == []
        findings: Findings = {}
        for each in found:
            line = f"{each['detail']} -> {each['advice']}"
            findings[each["state"], each["check"]] = findings.get((each["state"], each["check"]), "") + line
        return findings

    async def show(self, **changes: str) -> str:
        env = {"CHAT_DATABASE_URL": self._url, "CHAT_JWT_SECRET": GOOD_SECRET, **changes}
        return (await self._operator.succeed("doctor", **env)).stdout


@pytest.fixture(scope="module")
async def url(postgres: Postgres) -> str:
    """A migrated database; a test restores whatever it changes."""
    return await migrated_database(postgres)


@pytest.fixture
async def doctor(settings: Settings, url: str) -> Doctor:
    return Doctor(Operator(settings), url)


@pytest.fixture
async def connection(url: str) -> AsyncIterator[asyncpg.Connection]:
    connected = await asyncpg.connect(url)
    yield connected
    await connected.close()


@asynccontextmanager
async def published(response: bytes) -> AsyncIterator[str]:
    """Serve a fixed response over HTTP."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s" % (len(response), response)
        )
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks.json"


def key_set(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": [key | {"kid": str(number)} for number, key in enumerate(keys)]}).encode()


EC_KEY = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()).public_key(), as_dict=True)
OTHER_CURVE = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key(), as_dict=True)
ED_KEY = OKPAlgorithm.to_jwk(ed25519.Ed25519PrivateKey.generate().public_key(), as_dict=True)


async def test_all_is_well_on_a_migrated_database(doctor: Doctor) -> None:
    shown = await doctor.show()
    lines = shown.splitlines()
    assert lines[-1] == "All good."
    assert {line.split()[0] for line in lines[:-2]} == {"ok"}
    checks = {line.split()[1] for line in lines[:-2]}
    assert checks == {
        "configuration", "secret", "node", "client", "engine", "postgres", "clock", "privileges", "migrations", "drift",
        "redis", "eviction", "scripts", *CITUS_CHECK,
    }  # fmt: skip


async def test_the_doctor_changes_nothing(doctor: Doctor, connection: asyncpg.Connection, redis: RedisClient) -> None:
    async def state() -> tuple[object, ...]:
        tables = await connection.fetch("SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables")
        return sorted(map(tuple, tables)), await redis.dbsize()

    before = await state()
    await doctor.find()
    assert await state() == before


async def test_an_unmigrated_database_is_reported(
    doctor: Doctor, postgres: Postgres, connection: asyncpg.Connection
) -> None:
    name = f"empty_{uuid4().hex[:8]}"
    await connection.execute(f'CREATE DATABASE "{name}"')
    findings = await doctor.find(CHAT_DATABASE_URL=urlsplit(postgres.url)._replace(path=f"/{name}").geturl())
    await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    assert f"{NEWEST} is not applied -> Run `chat-sessions migrate`." in findings["wrong", "migrations"]
    assert ("skipped", "drift") in findings


async def test_failed_and_unknown_migrations_are_reported(doctor: Doctor, connection: asyncpg.Connection) -> None:
    await connection.execute(
        """INSERT INTO "_prisma_migrations" ("id", "checksum", "migration_name", "started_at", "finished_at")
        VALUES ('1', '', '29991231000000_half', now(), NULL), ('2', '', '29991231000001_new', now(), now())"""
    )
    try:
        findings = await doctor.find()
    finally:
        await connection.execute("""DELETE FROM "_prisma_migrations" WHERE "migration_name" LIKE '2999%'""")
    assert "29991231000000_half did not finish" in findings["wrong", "migrations"]
    assert "29991231000001_new is applied, but unknown here" in findings["warning", "migrations"]


async def test_a_migration_changed_after_it_was_applied_is_reported(
    doctor: Doctor, connection: asyncpg.Connection
) -> None:
    change = 'UPDATE "_prisma_migrations" SET "checksum" = $1 WHERE "migration_name" = $2'
    [checksum] = [migration.checksum for migration in known_migrations() if migration.name == NEWEST]
    await connection.execute(change, "other", NEWEST)
    try:
        findings = await doctor.find()
    finally:
        await connection.execute(change, checksum, NEWEST)
    assert f"{NEWEST} was changed after it was applied" in findings["wrong", "migrations"]


@pytest.mark.parametrize(
    ("harm", "remedy", "name"),
    [
        (
            'ALTER INDEX "ChatSession_userId_isArchived_updatedAt_id_idx" RENAME TO "x"',
            'ALTER INDEX "x" RENAME TO "ChatSession_userId_isArchived_updatedAt_id_idx"',
            "INDEX ChatSession_userId_isArchived_updatedAt_id_idx",
        ),
        (
            'ALTER TABLE "ChatSession" DISABLE TRIGGER "ChatSession_delete"',
            'ALTER TABLE "ChatSession" ENABLE TRIGGER "ChatSession_delete"',
            "TRIGGER ChatSession_delete",
        ),
        ('ALTER TABLE "Tombstone" RENAME TO "Grave"', 'ALTER TABLE "Grave" RENAME TO "Tombstone"', "TABLE Tombstone"),
        (
            'ALTER FUNCTION "ChatSession_move_version"() RENAME TO "x"',
            'ALTER FUNCTION "x"() RENAME TO "ChatSession_move_version"',
            "FUNCTION ChatSession_move_version",
        ),
        pytest.param(
            'ALTER TABLE "ChatMessage" RENAME CONSTRAINT "ChatMessage_userId_sessionId_fkey" TO "x"',
            'ALTER TABLE "ChatMessage" RENAME CONSTRAINT "x" TO "ChatMessage_userId_sessionId_fkey"',
            "CONSTRAINT ChatMessage_userId_sessionId_fkey",
            marks=pytest.mark.skipif(citus.URL is not None, reason="Citus does not rename constraints"),
        ),
    ],
)
async def test_an_object_dropped_by_hand_is_reported(
    harm: str, remedy: str, name: str, doctor: Doctor, connection: asyncpg.Connection
) -> None:
    await connection.execute(harm)
    try:
        findings = await doctor.find()
    finally:
        await connection.execute(remedy)
    assert f"{name} is missing or disabled" in findings["wrong", "drift"]


@pytest.mark.skipif(citus.URL is not None, reason="migrations/citus.sql adds functions, and the nodes have shards")
async def test_the_catalog_lists_exactly_what_the_migrations_create(connection: asyncpg.Connection) -> None:
    created = {row["name"] for row in await connection.fetch(catalog.PRESENT)}
    assert created - {"TABLE _prisma_migrations", "CONSTRAINT _prisma_migrations_pkey"} == catalog.EXPECTED


async def test_an_unreachable_postgres_is_reported_without_the_password(doctor: Doctor) -> None:
    findings = await doctor.find(CHAT_DATABASE_URL=f"postgresql://u:hidden@127.0.0.1:{free_port()}/x")
    assert "no response: Can't reach database server" in findings["wrong", "postgres"]
    assert "hidden" not in str(findings)
    assert ("ok", "redis") in findings


@pytest.mark.skipif(citus.URL is not None, reason="a test cluster may trust every user")
async def test_a_wrong_password_is_reported_and_not_shown(doctor: Doctor, postgres: Postgres) -> None:
    findings = await doctor.find(CHAT_DATABASE_URL=postgres.url.replace(postgres.password, "hidden"))
    assert "password authentication failed" in findings["wrong", "postgres"]
    assert "hidden" not in str(findings)
    assert ("ok", "redis") in findings


async def test_a_pool_larger_than_postgres_allows_is_reported(doctor: Doctor) -> None:
    findings = await doctor.find(CHAT_DATABASE_POOL_SIZE="1000")
    assert "pool is larger than max_connections" in findings["wrong", "postgres"]
    assert ("ok", "drift") in findings


async def test_a_wrong_clock_is_reported(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "time", lambda: time.time() - 3600)
    findings = await doctor.find()
    [skew] = re.findall(r"differs from Postgres' clock by ([\d.]+) s", findings["warning", "clock"])
    assert float(skew) == pytest.approx(3600, abs=LIMIT_SECONDS)


@pytest.mark.parametrize(
    ("policy", "maxmemory", "state"),
    [
        ("noeviction", "1gb", "ok"),
        ("allkeys-lru", "0", "warning"),
        ("allkeys-lru", "1gb", "wrong"),
        ("volatile-ttl", "1gb", "wrong"),
    ],
)
async def test_a_redis_that_may_evict_holds_is_reported(
    policy: str, maxmemory: str, state: str, doctor: Doctor, redis: RedisClient
) -> None:
    await redis.config_set("maxmemory-policy", policy)
    await redis.config_set("maxmemory", maxmemory)
    try:
        findings = await doctor.find()
    finally:
        await redis.config_set("maxmemory-policy", "noeviction")
        await redis.config_set("maxmemory", "0")
    assert policy in findings[state, "eviction"]


async def test_a_redis_that_is_down_or_rejects_the_login_is_reported(
    doctor: Doctor, redis: RedisClient, settings: Settings
) -> None:
    away = await doctor.find(CHAT_REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    assert "Check CHAT_REDIS_URL" in away["wrong", "redis"]
    await redis.acl_setuser("mute", enabled=True, passwords=["+x"], keys=["*"], commands=["+@all", "-@scripting"])
    address = settings.redis_url.get_secret_value().rpartition("@")[2]
    try:
        refused = await doctor.find(CHAT_REDIS_URL=f"redis://mute:x@{address}")
    finally:
        await redis.acl_deluser("mute")
    assert "Let this Redis user run EVALSHA" in refused["wrong", "scripts"]


@pytest.mark.parametrize(
    ("secret", "state", "detail"),
    [
        ("please-change-me-please-change-me-now", "wrong", "placeholder"),
        ("a" * 64, "wrong", "can be guessed"),
        ("abcd" * 16, "wrong", "can be guessed"),
        (GOOD_SECRET, "ok", "long and random"),
        (secrets.token_urlsafe(24), "ok", "long and random"),
    ],
    ids=["a placeholder", "one letter", "four letters", "random digits", "random letters"],
)
async def test_a_weak_secret_is_reported_and_never_shown(secret: str, state: str, detail: str, doctor: Doctor) -> None:
    findings = await doctor.find(CHAT_JWT_SECRET=secret)
    assert detail in findings[state, "secret"]
    assert secret not in str(findings)


async def test_a_key_set_is_fetched_and_its_keys_are_counted(doctor: Doctor) -> None:
    async with published(key_set(EC_KEY, ED_KEY, OTHER_CURVE)) as jwks:
        findings = await doctor.find(CHAT_JWT_SECRET=None, CHAT_JWKS_URL=jwks, CHAT_JWT_AUDIENCE="chat")
    assert f"{jwks} has 2 usable keys; ignored: 2: its kty, crv or alg is not supported" in findings["ok", "jwks"]
    assert ("warning", "jwks") not in findings


@pytest.mark.parametrize(
    ("response", "detail"),
    [
        (key_set(OTHER_CURVE), "it has no usable key; 0: its kty, crv or alg is not supported"),
        (b"<html>", "is not a usable key set: it is not JSON"),
        (b"[]", "it is JSON without a list `keys`"),
        (b'{"keys": [{"kty": "oct", "k": "AAAA"}]}', "it has no usable key; key 0: its kty"),
    ],
)
async def test_a_key_set_without_usable_keys_is_reported(response: bytes, detail: str, doctor: Doctor) -> None:
    async with published(response) as jwks:
        findings = await doctor.find(CHAT_JWT_SECRET=None, CHAT_JWKS_URL=jwks)
    assert detail in findings["wrong", "jwks"]
    assert "CHAT_JWT_AUDIENCE is not set" in findings["warning", "jwks"]


async def test_an_unreachable_or_unencrypted_key_set_is_reported(doctor: Doctor) -> None:
    findings = await doctor.find(CHAT_JWT_SECRET=None, CHAT_JWKS_URL=f"http://127.0.0.1:{free_port()}/")
    assert "cannot fetch" in findings["wrong", "jwks"]
    findings = await doctor.find(CHAT_JWT_SECRET=None, CHAT_JWKS_URL="http://keys.invalid/")
    assert "is not https" in findings["wrong", "jwks"]


async def test_an_engine_that_does_not_run_is_reported(
    doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = tmp_path / "node"
    node.write_text("#!/bin/sh\necho v16.1.0\nexit 1\n")
    node.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    findings = await doctor.find()
    assert "Node.js v16.1.0" in findings["wrong", "node"]
    assert "does not start" in findings["wrong", "engine"]
    assert ("skipped", "postgres") in findings
    assert ("ok", "redis") in findings


@pytest.mark.parametrize(
    ("version", "fits"),
    [
        ("v20.19.0", False),
        ("v22.12.0", True),
        ("v22.1.0", False),
        ("v23.0.0", False),
        ("v26.0.0", True),
    ],
)
def test_the_range_of_node_is_read_as_npm_reads_it(version: str, fits: bool) -> None:
    assert engine.supports("^22.12 || >=24", version) is fits


async def test_a_client_of_another_schema_is_reported(
    doctor: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = tmp_path / "schema.prisma"
    schema.write_text("model Other {\n  id String @id\n}\n")
    monkeypatch.setattr(engine, "SCHEMA", schema)
    findings = await doctor.find()
    assert findings["wrong", "client"].count("was generated from another schema") == 2


async def test_a_misspelt_variable_is_reported(doctor: Doctor) -> None:
    findings = await doctor.find(CHAT_REDIS_ULR="redis://")
    assert "Did you mean CHAT_REDIS_URL?" in findings["warning", "configuration"]


async def test_the_summary_counts_one_warning_in_the_singular(doctor: Doctor) -> None:
    assert (await doctor.show(CHAT_REDIS_ULR="redis://")).splitlines()[-1] == "0 wrong, 1 warning."


async def test_an_unencoded_password_is_named_and_not_shown(doctor: Doctor) -> None:
    findings = await doctor.find(CHAT_DATABASE_URL="postgresql://ada:pa@ss@127.0.0.1:1/x")
    wanted = "CHAT_DATABASE_URL: the special characters of its password must be percent-encoded"
    assert wanted in findings["wrong", "configuration"]
    assert ("skipped", "postgres") in findings
    assert not any("ss@" in each for each in findings.values())


async def test_a_sidebar_that_was_not_built_is_reported(doctor: Doctor, tmp_path: Path) -> None:
    findings = await doctor.find(CHAT_FRONTEND_DIR=str(tmp_path))
    assert "has no index.html" in findings["wrong", "configuration"]


async def test_when_everything_is_broken_everything_is_reported(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("chat_sessions.store.prisma.node.sys.executable", str(tmp_path / "python"))
    broken = {"CHAT_DATABASE_URL": "mysql://", "CHAT_REDIS_URL": None, "CHAT_JWT_SECRET": "x", "CHAT_CACHE_TTL": "-1"}
    findings = await doctor.find(**broken)
    complaints = findings["wrong", "configuration"]
    assert [name for name in broken if f"{name}: " not in complaints] == []
    assert "Node.js does not start" in findings["wrong", "node"]
    assert ("wrong", "engine") in findings
    assert {("skipped", "postgres"), ("skipped", "redis")} < findings.keys()


async def test_no_way_to_verify_tokens_is_reported(doctor: Doctor) -> None:
    findings = await doctor.find(CHAT_JWT_SECRET=None)
    assert "CHAT_JWKS_URL: set this, CHAT_JWT_SECRET (HS256) or both" in findings["wrong", "configuration"]
    assert not {key for key in findings if key[1] == "secret"}
    assert ("ok", "drift") in findings


async def test_standard_output_holds_nothing_but_the_document(url: str) -> None:
    away = f"redis://127.0.0.1:{free_port()}/0"
    given = {"CHAT_DATABASE_URL": url, "CHAT_REDIS_URL": away, "CHAT_JWT_SECRET": GOOD_SECRET}
    doctor = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chat_sessions", "doctor", "--json"), env=os.environ | given, stdout=PIPE, stderr=PIPE
    )
    output, complaints = await doctor.communicate()
    assert [each["state"] for each in json.loads(output) if each["check"] == "redis"] == ["wrong"]
    assert complaints == b""
