"""`python -m benchmarks.bodies`: the cost of a body of 4 MiB, and how long it blocks other requests.

Client and server share the machine, so each time is the best of several tries. CPU time is their mean, because the
kernel counts it in hundredths of a second.
"""

import json
import secrets
import statistics
import threading
import time
from collections.abc import Callable, Mapping
from http.client import HTTPConnection
from typing import NamedTuple
from urllib.parse import urlsplit

from benchmarks.processes import Running, service
from chat_sessions.dev.embedded import temporary_servers
from chat_sessions.store.migrations import migrate_deploy
from chat_sessions.web.auth.tokens import mint_token

SIZE = 4 * 1024 * 1024 - 500
TRIES = 5
PATH = "/api/chat/sessions"
MAX_VALUES = 20_000
PAUSE = 0.001


def full_of(unit: str, count: int | None = None) -> str:
    """Repeat a unit `count` times, or as often as it fits into a body."""
    return ",".join([unit] * (count or SIZE // (len(unit) + 1)))


def message(content: str) -> str:
    """Return a body of one message."""
    return f'{{"messages":[{{"role":"user","content":{content}}}]}}'


def messages(text: str) -> str:
    """Return a body of a hundred messages that repeat a JSON-escaped text."""
    times = (SIZE // 100 - 50) // len(text.encode())
    return f'{{"messages":[{full_of(f"""{{"role":"user","content":"{text * times}"}}""", 100)}]}}'


BODIES: Mapping[str, Callable[[], str]] = {
    "an empty one": lambda: "{}",
    "100 messages of prose": lambda: messages("The quick brown fox, as they say, jumps. "),
    "100 messages of emoji": lambda: messages("Ж😀 "),
    "100 messages of escapes": lambda: messages(r"\u0416\n\"\\ "),
    "100 messages of quoted commas": lambda: messages(r"\",\",[{"),
    "numbers": lambda: message(f"[{full_of('1')}]"),
    "empty lists": lambda: message(f"[{full_of('[]')}]"),
    "brackets": lambda: "[" * SIZE,
    "content parts": lambda: message(f"[{full_of(json.dumps({'type': 'text', 'text': 'x'}))}]"),
    "unknown fields": lambda: "{" + ",".join(f'"{n}":1' for n in range(300_000)) + "}",
    "as many numbers as are allowed": lambda: message(f'[{{"a":[{full_of("1", MAX_VALUES - 10)}]}}]'),
    "as many mistakes as are allowed": lambda: message(f"[{full_of('1', MAX_VALUES - 10)}]"),
    "long numbers": lambda: message(f'[{{"a":[{full_of("9" * 100, MAX_VALUES - 10)}]}}]'),
    "too long a number": lambda: message(f'[{{"a":{"9" * SIZE}}}]'),
    "a fraction without end": lambda: message(f'[{{"a":0.{"7" * (SIZE - 100)}}}]'),
    "not JSON": lambda: "\0" * SIZE,
}

APPENDED = [kind for kind in BODIES if kind.startswith("100 messages")]


class Cost(NamedTuple):
    """The cost of one kind of body."""

    status: int
    milliseconds: float
    cpu: float
    stall: float


class Bystander(threading.Thread):
    """Polls /healthz and records the response times."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._connection = HTTPConnection(urlsplit(url).netloc)
        self._ended = threading.Event()
        self.waits: list[float] = []

    def run(self) -> None:
        """Poll until `end`."""
        while not self._ended.wait(PAUSE):
            started = time.perf_counter()
            self._connection.request("GET", "/healthz")
            self._connection.getresponse().read()
            self.waits.append((time.perf_counter() - started) * 1000)

    def end(self) -> None:
        """Stop polling."""
        self._ended.set()
        self.join()


def measure(running: Running, path: str, body: bytes, headers: Mapping[str, str]) -> Cost:
    """Send a body several times alone, then several times beside a bystander, which would distort the CPU time."""
    used = running.cpu()["service"]
    sent = [_send(running, path, body, headers) for _ in range(TRIES)]
    cpu = (running.cpu()["service"] - used) * 1000 / TRIES
    status, milliseconds = min(sent)
    return Cost(status, milliseconds, cpu, min(_stall(running, path, body, headers) for _ in range(TRIES)))


def _send(running: Running, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, float]:
    connection, started = HTTPConnection(urlsplit(running.url).netloc), time.perf_counter()
    connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
    response = connection.getresponse()
    response.read()
    return response.status, (time.perf_counter() - started) * 1000


def _stall(running: Running, path: str, body: bytes, headers: Mapping[str, str]) -> float:
    bystander = Bystander(running.url)
    bystander.start()
    _send(running, path, body, headers)
    bystander.end()
    return max(bystander.waits, default=0)


def main() -> None:
    """Print a line for each kind of body, with a token and without."""
    secret = secrets.token_hex(16)
    token = mint_token(secret, "ada", ttl=3600)
    with temporary_servers() as (postgres, redis):
        migrate_deploy(postgres.url)
        given = {"CHAT_DATABASE_URL": postgres.url, "CHAT_REDIS_URL": redis.url, "CHAT_JWT_SECRET": secret}
        with service("bodies", given) as running:
            before = running.memory()
            print(f"{'4 MiB of':40} status      ms  CPU ms  longest wait of others, ms")
            bearer = {"Authorization": f"Bearer {token}"}
            for headers in (bearer, {}):
                costs = [_report(running, kind, make().encode(), headers) for kind, make in BODIES.items()]
                print(f"{'median':40}        {statistics.median(each.milliseconds for each in costs):7.1f}")
            path = f"{_create(running, bearer)}/messages"
            for kind in APPENDED:
                _report(running, f"{kind}, appended", BODIES[kind]().encode(), bearer, path)
            print(f"memory, MiB: before {before['service']:.0f}, after {running.memory()['service']:.0f}")


def _create(running: Running, headers: Mapping[str, str]) -> str:
    connection = HTTPConnection(urlsplit(running.url).netloc)
    connection.request("POST", PATH, b"{}", {"Content-Type": "application/json", **headers})
    return connection.getresponse().headers["Location"]


def _report(running: Running, kind: str, body: bytes, headers: Mapping[str, str], path: str = PATH) -> Cost:
    cost = measure(running, path, body, headers)
    named = kind if headers else f"{kind}, no token"
    print(f"{named:40} {cost.status:6} {cost.milliseconds:7.1f} {cost.cpu:7.0f} {cost.stall:7.1f}", flush=True)
    return cost


if __name__ == "__main__":
    main()
