"""Finds unencoded passwords in URLs: drivers misread them, and report another error."""

import re

UNENCODED = (
    "the special characters of its password must be percent-encoded: / is %2F, # is %23, ? is %3F, @ is %40, % is %25"
)

_PARTS = re.compile(
    r"[\w+]+://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#(?P<fragment>.*))?", re.DOTALL
)
_HOST = r"(?:\[[^\]]*\]|[^:,]*)(?::[0-9]*)?"
_HOSTS = re.compile(f"{_HOST}(?:,{_HOST})*")
_INCOMPLETE_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def check_password(url: str) -> None:
    """Raise ValueError if the URL's password is not encoded; the message contains no part of it."""
    parts = _PARTS.match(url)
    if parts is not None and not _is_encoded(**parts.groupdict(default="")):
        raise ValueError(UNENCODED)


def _is_encoded(authority: str, path: str, query: str, fragment: str) -> bool:
    """Return whether no character ends the password early, so that its rest is read as another part of the URL."""
    user, _, hosts = authority.rpartition("@")
    # The value of an option may contain @, as in ?application_name=a@b.
    has_options = "@" not in query.partition("=")[0] and _HOSTS.fullmatch(hosts) is not None
    return (
        "@" not in user + path + fragment
        and ("@" not in query or has_options)
        and _INCOMPLETE_ESCAPE.search(user) is None
    )
