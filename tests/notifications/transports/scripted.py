"""An HTTP/2 server over TLS on 127.0.0.1 whose every gesture is written in the test."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

import h2.config
import h2.connection
import h2.events
import h2.settings

from tests.doubles.certificates import make_certificate

OK = b'{"name": "projects/p/messages/1"}'
_PATIENCE_S = 10


class Peer:
    """One connection, seen from the server."""

    def __init__(self, sock: ssl.SSLSocket, settings: dict[int, int]) -> None:
        self.sock = sock
        self.bodies: dict[int, bytes] = {}
        self.headers: dict[int, dict[str, str]] = {}
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self.h2.local_settings = h2.settings.Settings(client=False, initial_values=settings)
        self.h2.initiate_connection()
        self.flush()

    def flush(self) -> None:
        self.sock.sendall(self.h2.data_to_send())

    def requests(self, count: int = 1) -> list[int]:
        """Read until so many whole requests came; give their streams. Fewer, if the client ended the connection."""
        complete: list[int] = []
        while len(complete) < count:
            data = self.sock.recv(65_536)
            if not data:
                return complete
            for event in self.h2.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    self.bodies[event.stream_id] = b""
                    self.headers[event.stream_id] = {name.decode(): value.decode() for name, value in event.headers}
                elif isinstance(event, h2.events.DataReceived):
                    self.bodies[event.stream_id] += event.data
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2.events.StreamEnded):
                    complete.append(event.stream_id)
            self.flush()
        return complete

    def answer(self, stream_id: int, status: int = 200, body: bytes = OK, **headers: str) -> None:
        extra = [(name.replace("_", "-"), value) for name, value in headers.items()]
        self.h2.send_headers(stream_id, [(":status", str(status)), *extra])
        self.h2.send_data(stream_id, body, end_stream=True)
        self.flush()

    def wait_for_end(self) -> None:
        with suppress(OSError):
            while self.sock.recv(65_536):
                pass


class ScriptedServer:
    """Runs `script(peer)` for each connection, in a thread; the connection is closed at its end."""

    def __init__(
        self,
        folder: Path,
        script: Callable[[Peer], None],
        *,
        settings: dict[int, int] | None = None,
        protocols: tuple[str, ...] = ("h2",),
        certificate: Path | None = None,
    ) -> None:
        served = certificate or make_certificate(folder)
        self.ca_file = folder / "ca.pem"
        self._script, self._settings = script, settings or {}
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(served)
        self._context.set_alpn_protocols(list(protocols))
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        self.failures: list[Exception] = []

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        # Closing a listener does not wake a thread that accepts on it: a last connection does.
        self._listening = False
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        for thread in self._threads:
            thread.join(_PATIENCE_S)
        self._listener.close()
        assert not any(thread.is_alive() for thread in self._threads)
        assert not self.failures, self.failures

    _listening = True

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            raw, _ = self._listener.accept()
            if not self._listening:
                raw.close()
                return
            self.connections += 1
            self._start(self._serve, raw)

    def _serve(self, raw: socket.socket) -> None:
        raw.settimeout(_PATIENCE_S)
        try:
            sock = self._context.wrap_socket(raw, server_side=True)
        except OSError:
            raw.close()
            return
        with sock:
            try:
                self._script(Peer(sock, self._settings))
            except OSError:
                pass
            except Exception as error:  # noqa: BLE001  shown by the test's end
                self.failures.append(error)
