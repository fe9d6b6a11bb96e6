"""An identity provider whose key set and behaviour the tests control."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DRIP_SECONDS = 0.1


class Provider:
    """Serves `document` (or `body`) with `status`, while `open`; otherwise it drips."""

    def __init__(self) -> None:
        self.document: Any = {"keys": []}
        self.body: bytes | None = None
        self.status = 200
        self.headers: dict[str, str] = {}
        self.requests = 0
        self.received: Message | None = None
        self.drips_headers = False
        self.disconnected = threading.Event()
        self.open = threading.Event()
        self.open.set()
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.requests += 1
                provider.received = self.headers
                body = json.dumps(provider.document).encode() if provider.body is None else provider.body
                self.send_response(provider.status)
                for header in provider.headers.items():
                    self.send_header(*header)
                if not provider.drips_headers:
                    self.end_headers()
                with provider.noting_a_disconnection():
                    while not provider.open.wait(DRIP_SECONDS):
                        # JSON may begin with spaces, so there is always something to read.
                        self.wfile.write(b" ")
                        self.wfile.flush()
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self.url = f"http://127.0.0.1:{self._server.server_port}/jwks.json"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @contextmanager
    def noting_a_disconnection(self) -> Iterator[None]:
        try:
            yield
        except ConnectionError:
            self.disconnected.set()

    def close(self) -> None:
        """Stop serving; calling it twice is harmless."""
        self.open.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
