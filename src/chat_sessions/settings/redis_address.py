"""Parses CHAT_REDIS_URL into servers, credentials and options."""

from typing import Literal, NamedTuple, Self
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from chat_sessions.settings.passwords import check_password

Kind = Literal["server", "sentinel", "cluster"]
KINDS: dict[str, Kind] = {"": "server", "sentinel": "sentinel", "cluster": "cluster"}
SCHEMES = tuple(f"{tls}{kind and '+'}{kind}" for kind in KINDS for tls in ("redis", "rediss"))
DEFAULT_PORTS: dict[Kind, int] = {"server": 6379, "sentinel": 26379, "cluster": 6379}
# Credentials for the sentinels themselves.
SENTINEL_OPTIONS = ("sentinel_username", "sentinel_password")


class Endpoint(NamedTuple):
    """The host and port of a server."""

    host: str
    port: int


class RedisAddress(NamedTuple):
    """One server, the sentinels of a master, or some servers of a cluster.

    The URL's credentials and options apply to each data server, not to sentinels.
    """

    kind: Kind
    seeds: tuple[Endpoint, ...]
    master: str
    database: str
    scheme: str
    user: str
    options: tuple[tuple[str, str], ...]
    sentinel_user: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """Parse a URL, or raise ValueError."""
        parts = urlsplit(url)
        if parts.scheme not in SCHEMES:
            raise ValueError(f"must start with {', '.join(f'{each}://' for each in SCHEMES)}")
        check_password(url)
        scheme, _, name = parts.scheme.partition("+")
        kind = KINDS[name]
        user, _, hosts = parts.netloc.rpartition("@")
        options = {key: values[0] for key, values in parse_qs(parts.query).items()}
        master, database = _path(kind, parts.path)
        sentinel_user = ":".join(quote(options.pop(each, ""), safe="") for each in SENTINEL_OPTIONS)
        return cls(
            kind=kind,
            seeds=_seeds(kind, hosts),
            master=master,
            database=database,
            scheme=scheme,
            user=user,
            options=tuple(options.items()),
            sentinel_user=sentinel_user if sentinel_user != ":" else "",
        )

    def url(self, endpoint: Endpoint) -> str:
        """Return the URL of a data server."""
        return self._url(self.user, endpoint, f"/{self.database}")

    def sentinel_url(self, endpoint: Endpoint) -> str:
        """Return the URL of a sentinel."""
        return self._url(self.sentinel_user, endpoint, "")

    def _url(self, user: str, endpoint: Endpoint, path: str) -> str:
        host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
        query = urlencode(self.options)
        return f"{self.scheme}://{user}{user and '@'}{host}:{endpoint.port}{path}{query and '?'}{query}"


def _seeds(kind: Kind, hosts: str) -> tuple[Endpoint, ...]:
    named = hosts.split(",")
    if kind == "server" and len(named) > 1:
        raise ValueError("several servers need redis+cluster:// or redis+sentinel://")
    if kind != "server" and not all(named):
        raise ValueError("must name a server before and after each comma")
    return tuple(_endpoint(each, DEFAULT_PORTS[kind]) for each in named)


def _endpoint(host: str, default_port: int) -> Endpoint:
    parts = urlsplit(f"//{host}")
    try:
        return Endpoint(parts.hostname or "localhost", parts.port or default_port)
    except ValueError:
        raise ValueError(f"has an invalid port in {host!r}") from None


def _path(kind: Kind, path: str) -> tuple[str, str]:
    words = path.strip("/").split("/")
    master = words.pop(0) if kind == "sentinel" else ""
    database = "".join(words) or "0"
    if kind == "sentinel" and not master:
        raise ValueError("must name the master, as in redis+sentinel://host:26379/mymaster")
    if not database.isdecimal() or len(words) > 1:
        raise ValueError("must have a database number or nothing as its path")
    if kind == "cluster" and database != "0":
        raise ValueError("must not have a database number: a cluster has only database 0")
    return master, database
