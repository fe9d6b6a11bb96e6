"""Whether tokens can be verified, and not be forged."""

import math
import re
import zlib
from collections.abc import Iterator
from urllib.parse import urlsplit

from chat_sessions.operator.doctor.configuration import Complaints
from chat_sessions.operator.doctor.findings import Finding, ok, warning, wrong
from chat_sessions.settings import Settings
from chat_sessions.web.auth.download import DownloadError, download
from chat_sessions.web.auth.key_set import MAX_SET_BYTES
from chat_sessions.web.auth.keys import UnusableSetError, published_keys

ENOUGH_BITS = 100
PLACEHOLDERS = re.compile(r"change.?me|example|password|passwort|secret|default|123456|qwerty|insecure", re.IGNORECASE)
ADVICE = "Mint another one: `openssl rand -hex 32` makes a good one."
LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}


def secret(settings: Settings, complaints: Complaints) -> Iterator[Finding]:
    """Estimate how hard the HS256 secret is to guess."""
    if settings.jwt_secret is None or complaints.keys() & {"jwt_secret", "jwks_url"}:
        return
    text = settings.jwt_secret.get_secret_value()
    if PLACEHOLDERS.search(text):
        yield wrong("secret", "CHAT_JWT_SECRET looks like a placeholder", ADVICE)
    elif (bits := _bits(text)) < ENOUGH_BITS:
        detail = f"CHAT_JWT_SECRET can be guessed: it is worth about {bits:.0f} random bits"
        yield wrong("secret", detail, ADVICE)
    else:
        yield ok("secret", "CHAT_JWT_SECRET is long and random enough")


def _bits(text: str) -> float:
    """Estimate the entropy from above: by the alphabet, and by what is left when repetitions are packed."""
    data = text.encode()
    packed = len(zlib.compress(data, 9)) - len(zlib.compress(b""))
    return min(len(data), packed) * math.log2(max(2, len(set(data))))


async def published(settings: Settings) -> list[Finding]:
    """Fetch the keys of the identity provider as the service would."""
    if settings.jwks_url is None:
        return []
    url = str(settings.jwks_url)
    found = []
    if urlsplit(url).scheme != "https" and urlsplit(url).hostname not in LOCAL_HOSTS:
        found.append(
            wrong("jwks", f"{_shown(url)} is not https: whoever is in between can mint tokens", "Use an https URL.")
        )
    if settings.jwt_audience is None:
        detail = "CHAT_JWT_AUDIENCE is not set: a token for any other application of this provider is let in"
        found.append(warning("jwks", detail, "Set it to the name that the provider gives this API."))
    return [*found, await _fetched(url, settings)]


async def _fetched(url: str, settings: Settings) -> Finding:
    try:
        document = await download(url, seconds=settings.jwks_timeout, max_bytes=MAX_SET_BYTES)
        keys, ignored = published_keys(document)
    except DownloadError as error:
        return wrong(
            "jwks", f"{_shown(url)} cannot be read: {error}", "Check CHAT_JWKS_URL, and the network on the way."
        )
    except UnusableSetError as error:
        advice = f"It must answer with JSON as in RFC 7517, with a key for {' or '.join(settings.algorithms)}."
        return wrong("jwks", f"{_shown(url)} is no key set for this service: {error}", advice)
    detail = f"{_shown(url)} has {len(keys)} usable key{'s'[: len(keys) != 1]}"
    return ok("jwks", f"{detail}; ignored: {', '.join(ignored)}" if ignored else detail)


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
