"""The double's door: TLS, the choice between HTTP/2 and HTTP/1.1, and a thread of its own."""

from __future__ import annotations

import asyncio
import ssl
import threading
from pathlib import Path
from typing import cast

from tests.doubles.fcm_http1 import Http1Connection
from tests.doubles.fcm_http2 import Http2Connection
from tests.doubles.fcm_service import FcmService

STOP_WITHIN_S = 10.0


class _Doorway(asyncio.Protocol):
    """A connection whose TLS is settled: it is handed over to the protocol that the two agreed upon."""

    def __init__(self, server: FcmServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand over."""
        agreed = transport.get_extra_info("ssl_object").selected_alpn_protocol()
        inner = self._server.connect(agreed, cast("asyncio.Transport", transport))
        transport.set_protocol(inner)
        inner.connection_made(transport)


class FcmServer:
    """Serves one FcmService on 127.0.0.1, from an event loop in a thread of its own."""

    def __init__(self, service: FcmService, certificate: Path, *, port: int, max_streams: int) -> None:
        self._service = service
        self._max_streams = max_streams
        self.port = port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._context.set_alpn_protocols(["h2", "http/1.1"])
        self._context.load_cert_chain(certificate)
        self._transports: set[asyncio.Transport] = set()
        self._thread: threading.Thread | None = None
        self._failures: list[OSError] = []

    def connect(self, agreed: str | None, transport: asyncio.Transport) -> asyncio.Protocol:
        """The protocol for a new connection."""
        self._service.counts.connections += 1
        self._transports = {known for known in self._transports if not known.is_closing()} | {transport}
        if agreed == "h2":
            return Http2Connection(self._service, max_streams=self._max_streams)
        return Http1Connection(self._service)

    def start(self) -> None:
        """Listen. The port, once given by the system, is kept. Raises OSError when it is taken."""
        if self._thread is not None:
            return
        listening = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(listening,), name="fcm-double", daemon=True)
        self._thread.start()
        listening.wait()
        if self._failures:
            self._thread.join()
            self._thread = None
            raise self._failures.pop()

    def stop(self) -> None:
        """Cut every connection and stop listening, as a crash would."""
        if self._thread is None:
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(STOP_WITHIN_S)
        self._thread = None

    def _run(self, listening: threading.Event) -> None:
        try:
            asyncio.run(self._serve(listening))
        except OSError as error:
            self._failures.append(error)
            listening.set()

    async def _serve(self, listening: threading.Event) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(
            lambda: _Doorway(self),
            "127.0.0.1",
            self.port,
            ssl=self._context,
            backlog=1_024,
            reuse_address=True,
        )
        self.port = server.sockets[0].getsockname()[1]
        listening.set()
        await self._stopping.wait()
        server.close()
        for transport in self._transports:
            transport.abort()
        self._transports = set()
        # A connection that is cut is closed in the loop's next round.
        await asyncio.sleep(0.01)
