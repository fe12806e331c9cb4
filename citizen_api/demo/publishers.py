"""Serves what the demo city publishes, over loopback, to this very process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Self

from citizen_api.core.outgoing import allow_origin, forget_origin


class DemoPublishers:
    """Loopback HTTP server of the demo feeds. Use as a context manager, or `start` and leave it running."""

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

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True, name="demo")

    def __enter__(self) -> Self:
        """Serve, and let this process read its own feeds."""
        allow_origin("127.0.0.1", self.port)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        forget_origin("127.0.0.1", self.port)

    def url(self, path: str) -> str:
        """Address of a feed."""
        return f"http://127.0.0.1:{self.port}{path}"
