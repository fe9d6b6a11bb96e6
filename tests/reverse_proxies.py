"""Debian's nginx and HAProxy in front of the service, configured as their manuals say."""

import signal
import socket
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from chat_sessions.dev.embedded import Server
from tests.programs import installed

# All clients of a proxy share this one connection to the service.
NGINX = """
daemon off;
master_process off;
pid {home}/pid;
error_log stderr;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    upstream service {{
        server 127.0.0.1:{service};
        keepalive 1;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://service;
            proxy_http_version 1.1;
            proxy_set_header Host $host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "upgrade";
            proxy_request_buffering {buffering};
        }}
    }}
}}
"""
HAPROXY = """
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    http-reuse always
frontend clients
    bind 127.0.0.1:{port}
    default_backend service
backend service
    server only 127.0.0.1:{service} maxconn 1
"""


class ReverseProxy(Server):
    """A proxy whose clients share one connection to the service."""

    stop_signal = signal.SIGTERM
    death_signal = "KILL"
    configuration: str
    options: dict[str, str]

    def __init__(self, home: Path, service_url: str) -> None:
        super().__init__(home, durable=False)
        self._service = urlsplit(service_url).port

    @property
    def url(self) -> str:
        """The URL for clients."""
        return f"http://127.0.0.1:{self.port}"

    def _prepare(self) -> None:
        self.data.mkdir(exist_ok=True)
        given = {"home": self.home, "port": self.port, "service": self._service, **self.options}
        (self.home / "configuration").write_text(self.configuration.format(**given))

    def _is_ready(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False


class Nginx(ReverseProxy):
    """With the lines from its manual that forward WebSockets."""

    name = "nginx"
    configuration = NGINX
    options = {"buffering": "on"}  # noqa: RUF012  never changed

    def _command(self) -> list[str]:
        return [installed("nginx"), "-p", str(self.home), "-c", str(self.home / "configuration")]


class StreamingNginx(Nginx):
    """Forwards a body while it arrives."""

    options = {"buffering": "off"}  # noqa: RUF012  never changed


class HAProxy(ReverseProxy):
    """With default settings, except that it reuses connections eagerly."""

    name = "HAProxy"
    configuration = HAPROXY
    options = {}  # noqa: RUF012  never changed

    def _command(self) -> list[str]:
        return [installed("haproxy"), "-f", str(self.home / "configuration")]
