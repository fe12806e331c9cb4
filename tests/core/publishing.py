"""A server of one file over loopback, that can cut, change and refuse."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from citizen_api.core.outgoing import allow_origin, forget_origin

BODY = bytes(range(256)) * 4_000  # about 1 MB


@dataclass
class Publisher:
    """A server of one file, that can cut, change and refuse."""

    port: int = 0
    body: bytes = BODY
    etag: str | None = '"one"'
    cut_after: list[int] = field(default_factory=list)
    """Bytes after which each next answer is cut."""
    status: int = 200
    location: str | None = None
    says_length: bool = True
    ranges_lie: bool = False
    asked: list[dict[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/list.csv?token=secret"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        publisher = self.server.publisher
        publisher.asked.append(dict(self.headers))
        body, status, start = publisher.body, publisher.status, 0
        asked_range = self.headers.get("Range")
        if asked_range and self.headers.get("If-Range") == publisher.etag:
            start = int(asked_range.removeprefix("bytes=").rstrip("-"))
            status = 206 if start < len(body) else 416
        rest = body[start:] if status in (200, 206) else b""
        self.send_response(status)
        if publisher.etag:
            self.send_header("ETag", publisher.etag)
        if publisher.location:
            self.send_header("Location", publisher.location)
        if status == 206:
            begin = 0 if publisher.ranges_lie else start
            self.send_header("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}")
        if publisher.says_length:
            self.send_header("Content-Length", str(len(rest)))
        else:
            self.send_header("Connection", "close")
        self.end_headers()
        if publisher.cut_after:
            rest = rest[: publisher.cut_after.pop(0)]
            self.close_connection = True
        self.wfile.write(rest)

    def log_message(self, *_args):
        """Say nothing."""


@contextmanager
def make_publisher() -> Iterator[Publisher]:
    """Publish over loopback, and let this process call that origin."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.publisher = Publisher(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    allow_origin("127.0.0.1", server.publisher.port)
    yield server.publisher
    forget_origin("127.0.0.1", server.publisher.port)
    server.shutdown()
    thread.join()
    server.server_close()
