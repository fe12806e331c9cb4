"""Serves what the demo city publishes, over loopback, to this very process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseServer
from types import MappingProxyType
from typing import Final, Self

from citizen_api.core.outgoing import allow_origin, forget_origin

HOST: Final = "127.0.0.1"


class LoopbackServer:
    """Serves over loopback while a block runs, and lets this process read it meanwhile."""

    def __init__(self, server: BaseServer, *, port: int) -> None:
        self.port = port
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, daemon=True, name="demo")

    def __enter__(self) -> Self:
        """Serve, and let this process read it."""
        allow_origin(HOST, self.port)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        forget_origin(HOST, self.port)

    def url(self, path: str) -> str:
        """Address of what is served."""
        return f"http://{HOST}:{self.port}{path}"


class DemoPublishers(LoopbackServer):
    """Loopback HTTP server of the demo feeds: a body by path."""

    def __init__(self, feeds: Mapping[str, Callable[[], bytes]]) -> None:
        published = MappingProxyType(dict(feeds))

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                feed = published.get(self.path)
                body = feed() if feed else b""
                self.send_response(200 if feed else 404)
                self.send_header("Content-Type", "text/csv; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                """Say nothing: the server's log has one format."""

        server = ThreadingHTTPServer((HOST, 0), Handler)
        server.daemon_threads = True
        super().__init__(server, port=server.server_address[1])
