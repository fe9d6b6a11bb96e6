"""Users with similar names are kept apart in Redis keys, slots and patterns, and over HTTP."""

import unicodedata
from collections.abc import Callable
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.crc import key_slot

from chat_sessions.cache.keys import UserKeys
from chat_sessions.contract.storable import is_storable
from chat_sessions.contract.user import is_user
from tests.service import Caller, Service

# Characters with a meaning in keys, patterns, URLs or hash tags, and lookalikes.
PIECES = ["a", "A", "K", "\u212a", "i", "\u0130", "\u0131", "s", "\u017f", "fi", "\ufb01", "\u00e9", "e\u0301", "😀"]
PIECES += ["\u200d", "\u202e", "\ufeff", "\x7f", "\x85", "\u2028", "\x1b", "\t", "\n", "\r\n", " ", "'", '"', ";", "--"]
PIECES += ["{", "}", "{}", ":", "*", "?", "[a]", "[^a]", "\\", "%", "%7B", "%2A", "%61", "%25", "/", "..", "+"]
PIECES += ["chat", ":session:", ":list", ":lock:"]
names = st.lists(st.sampled_from(PIECES) | st.characters(codec="utf-8"), min_size=1, max_size=8).map("".join)
users = names.filter(is_user)
session_ids = st.uuids().map(str) | names | st.sampled_from(["list", "", "*", "}", "{bob}", "x:session:x"])
TWISTS: list[Callable[[str], str]] = [
    lambda name: unicodedata.normalize("NFC", name),
    lambda name: unicodedata.normalize("NFD", name),
    lambda name: unicodedata.normalize("NFKC", name),
    lambda name: unicodedata.normalize("NFKD", name),
    str.upper,
    str.lower,
    str.casefold,
    str.strip,
    lambda name: quote(name, safe=""),
    quote,
    unquote,
    lambda name: f"{{{name}}}",
    lambda name: f"{name}}}",
    lambda name: f"{name}}}:session",
    lambda name: f"{name}*",
    lambda name: f"*{name}",
    lambda name: f"{name[:-1]}?",
    lambda name: f"[{name}]",
    lambda name: f"\\{name}",
    lambda name: f"{name}\n",
    lambda name: f"{name} ",
    lambda name: f"{name}\u200b",
    lambda name: name[:-1],
    lambda name: name[::-1],
    lambda name: f"{name}:",
    lambda _: "*",
    lambda name: "?" * len(quote(name, safe="")),
]


@st.composite
def pairs(draw: st.DrawFn) -> tuple[str, str]:
    """Two different users, the second mostly a variation of the first."""
    first = draw(users)
    second = draw(st.sampled_from(TWISTS).map(lambda twist: twist(first)) | users)
    alike = st.just(second).filter(lambda name: name != first and is_storable(name) and 0 < len(name) <= 255)
    return first, draw(alike | users.filter(lambda name: name != first))


OF_THE_USER = ("list", "list_hold", "total", "events", "rate", "generation", "filled", "reset")


def all_keys(user: str, session_id: str) -> list[str]:
    """Return every key that a user may have."""
    keys = UserKeys(user)
    return [
        *(getattr(keys, name) for name in OF_THE_USER),
        *(keys.session(session_id), keys.hold(session_id), keys.lock(session_id)),
    ]


def hash_tag(key: str) -> str:
    """Return the part of a key that Redis Cluster hashes: from the first { to the next }."""
    return key.partition("{")[2].partition("}")[0]


class TestKeys:
    def test_every_key_is_covered(self) -> None:
        keys = UserKeys("ada")
        made = {name for name in dir(keys) if not name.startswith("_")}
        assert made == {*OF_THE_USER, "all", "session", "hold", "lock"}

    @settings(max_examples=300)
    @given(pair=pairs(), sessions=st.tuples(session_ids, session_ids))
    @example(pair=("a", "a}:session"), sessions=("x", "x"))
    def test_two_users_share_neither_a_key_nor_a_hash_tag(
        self, pair: tuple[str, str], sessions: tuple[str, str]
    ) -> None:
        first, second = (all_keys(user, session) for user, session in zip(pair, sessions, strict=True))
        assert not set(first) & set(second)
        assert not {hash_tag(key) for key in first} & {hash_tag(key) for key in second}

    def test_a_session_shares_no_key_with_its_user_whatever_its_id(self) -> None:
        for session_id in {part for key in all_keys("ada", "id") for part in key.split(":")}:
            keys = all_keys("ada", session_id)
            assert len(set(keys)) == len(keys)

    @settings(max_examples=300)
    @given(user=users, session_id=session_ids)
    def test_all_keys_of_a_user_are_in_one_slot_for_any_session_id(self, user: str, session_id: str) -> None:
        keys = all_keys(user, session_id)
        assert {hash_tag(key) for key in keys} == {quote(user, safe="")}
        assert len({key_slot(key.encode()) for key in keys}) == 1
        assert all(key.isascii() and key.isprintable() for key in keys[:5])

    @given(pair=pairs(), sessions=st.tuples(session_ids, session_ids))
    async def test_a_users_pattern_matches_all_of_their_keys_and_no_others(
        self, pair: tuple[str, str], sessions: tuple[str, str], redis: Redis
    ) -> None:
        his, hers = (all_keys(user, session) for user, session in zip(pair, sessions, strict=True))
        await redis.flushall()
        for key in (*his, *hers):
            await redis.set(key, "", ex=60)
        assert set(await redis.keys(UserKeys(pair[0]).all)) == {key.encode() for key in his}


class TestSessions:
    @given(pair=pairs())
    @example(pair=("\u00e9", "e\u0301"))
    @example(pair=("K", "\u212a"))
    @example(pair=("ada", "ada "))
    @example(pair=("ada", "ADA"))
    @example(pair=("ada", "ada\n"))
    @example(pair=("*", "ada"))
    @example(pair=("a%61", "aa"))
    @example(pair=("{ada}", "ada"))
    async def test_neither_user_sees_the_others_data(self, pair: tuple[str, str], service: Service) -> None:
        async with service.client(pair[0]) as one, service.client(pair[1]) as other:
            first, second = Caller(one), Caller(other)
            titles = (await first.titles(), await second.titles())
            created = await first.create("only the first one's")
            for _ in range(2):
                assert (await first.titles(), await second.titles()) == ([created["title"], *titles[0]], titles[1])
                assert (await first.get(created["id"])).json()["user_id"] == pair[0]
                assert (await second.get(created["id"])).status_code == 404
            assert (await second.delete(created["id"])).status_code == 404
            emptied = await other.post("/api/chat/sessions/batch-delete", json={"filter": {"all": True}})
            assert created["id"] not in emptied.json()["deleted"]
            assert (await first.delete(created["id"])).status_code == 204

    @pytest.mark.parametrize("name", ["X-User-Id", "X-Forwarded-User", "X-Remote-User", "User-Id", "sub", "Cookie"])
    async def test_only_the_token_identifies_the_user(self, name: str, ada: Caller, bob: Caller) -> None:
        await ada.create("hers")
        response = await bob.http.get("/api/chat/sessions", headers={name: "ada"})
        assert response.json()["sessions"] == []
        for parameter in ("user_id", "userId", "sub"):
            assert (await bob.http.get(f"/api/chat/sessions?{parameter}=ada")).status_code == 422
