"""Static files in memory: compressed once, with an ETag."""

import gzip
from dataclasses import dataclass
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.responses import Response

from chat_sessions.contract import etags

# Smaller ones fit into one packet anyway.
MIN_COMPRESSED_BYTES = 1024
COMPRESSIBLE = ("text/", "image/svg", "application/json", "application/javascript", "application/manifest")
# They mean nothing to the API's clients, and each costs a response about 1 µs.
DOCUMENT_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file, ready to serve."""

    body: bytes
    compressed: bytes | None
    media_type: str
    etag: str

    @classmethod
    def of(cls, body: bytes, media_type: str) -> "StaticFile":
        """Compress a file if that is worth it."""
        is_compressible = len(body) >= MIN_COMPRESSED_BYTES and media_type.startswith(COMPRESSIBLE)
        compressed = gzip.compress(body, mtime=0) if is_compressible else None
        return cls(body, compressed, media_type, etags.of_body(body))

    def response(self, request: Headers, cache_control: str) -> Response:
        """Return the file, compressed if the client can read that, or 304."""
        headers = DOCUMENT_HEADERS | {"ETag": self.etag, "Cache-Control": cache_control}
        body = self.body
        if self.compressed is not None:
            headers["Vary"] = "Accept-Encoding"
            if accepts_gzip(request.get("accept-encoding", "")):
                headers["Content-Encoding"] = "gzip"
                headers["ETag"] = etags.of_compressed(self.etag)
                body = self.compressed
        known = request.get("if-none-match")
        if known is not None and etags.matches(known, self.etag):
            headers.pop("Content-Encoding", None)
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return Response(body, media_type=self.media_type, headers=headers)


def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether Accept-Encoding names gzip, without a weight of zero (RFC 9110, 12.5.3)."""
    for each in accept_encoding.lower().split(","):
        coding, *weight = (part.strip() for part in each.split(";"))
        if coding == "gzip":
            return not weight or weight[0].removeprefix("q=").strip("0.") != ""
    return False
