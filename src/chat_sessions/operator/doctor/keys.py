"""Whether tokens can be verified, and cannot be forged."""

import math
import re
import zlib
from collections.abc import Iterator
from urllib.parse import urlsplit

from chat_sessions.errors import counted
from chat_sessions.operator.doctor.configuration import SettingErrors
from chat_sessions.operator.doctor.findings import Finding, ok, warning, wrong
from chat_sessions.settings import PUBLISHED_ALGORITHMS, Settings
from chat_sessions.web.auth.download import DownloadError, download
from chat_sessions.web.auth.key_set import FETCH_TIMEOUT, MAX_SET_BYTES
from chat_sessions.web.auth.keys import UnusableSetError, published_keys

ENOUGH_BITS = 100
PLACEHOLDERS = re.compile(r"change.?me|example|password|passwort|secret|default|123456|qwerty|insecure", re.IGNORECASE)
ADVICE = "Replace it with the output of `openssl rand -hex 32`."
LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}


def secret(settings: Settings, errors: SettingErrors) -> Iterator[Finding]:
    """Estimate how hard the HS256 secret is to guess."""
    if settings.jwt_secret is None or errors.keys() & {"jwt_secret", "jwks_url"}:
        return
    text = settings.jwt_secret.get_secret_value()
    if PLACEHOLDERS.search(text):
        yield wrong("secret", "CHAT_JWT_SECRET looks like a placeholder", ADVICE)
    elif (bits := _bits(text)) < ENOUGH_BITS:
        detail = f"CHAT_JWT_SECRET can be guessed: it has about {bits:.0f} bits of entropy"
        yield wrong("secret", detail, ADVICE)
    else:
        yield ok("secret", "CHAT_JWT_SECRET is long and random enough")


def _bits(text: str) -> float:
    """Return an upper bound of the entropy, by alphabet and compressed length."""
    data = text.encode()
    compressed = len(zlib.compress(data, 9)) - len(zlib.compress(b""))
    return min(len(data), compressed) * math.log2(max(2, len(set(data))))


async def published(settings: Settings) -> list[Finding]:
    """Fetch the keys of the identity provider as the service would."""
    if settings.jwks_url is None:
        return []
    url = str(settings.jwks_url)
    found = []
    if urlsplit(url).scheme != "https" and urlsplit(url).hostname not in LOCAL_HOSTS:
        found.append(
            wrong("jwks", f"{_redacted(url)} is not https: anyone on the path can forge tokens", "Use an https URL.")
        )
    if not settings.jwt_audience:
        detail = "CHAT_JWT_AUDIENCE is not set: tokens for the provider's other applications are accepted"
        found.append(warning("jwks", detail, "Set it to the provider's identifier of this API."))
    return [*found, await _fetch(url)]


async def _fetch(url: str) -> Finding:
    try:
        document = await download(url, timeout=FETCH_TIMEOUT, max_bytes=MAX_SET_BYTES)
        keys, ignored = published_keys(document)
    except DownloadError as error:
        return wrong("jwks", f"cannot fetch {_redacted(url)}: {error}", "Check CHAT_JWKS_URL and the network.")
    except UnusableSetError as error:
        advice = f"It must return JSON as in RFC 7517, with a key for {' or '.join(PUBLISHED_ALGORITHMS)}."
        return wrong("jwks", f"{_redacted(url)} is not a usable key set: {error}", advice)
    detail = f"{_redacted(url)} has {counted(len(keys), 'usable key')}"
    return ok("jwks", f"{detail}; ignored: {', '.join(ignored)}" if ignored else detail)


def _redacted(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
