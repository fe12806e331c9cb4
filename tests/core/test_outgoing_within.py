"""A request is over in time as a whole, not from byte to byte; and what it may trust can be added to."""

import socket
import threading
from contextlib import contextmanager

import httpcore
import httpx
import pytest

from citizen_api.core import outgoing
from citizen_api.core.outgoing import allow_origin, forget_origin, make_transport, within


@contextmanager
def dripping():
    """A server that sends a byte of its answer's head now and then, for ever."""
    closing = threading.Event()

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            try:
                while not closing.wait(0.02):
                    connection.send(b"H" if not sent else b"T")
                    sent.append(1)
            except OSError:
                pass

    sent: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        thread = threading.Thread(target=serve)
        thread.start()
        allow_origin("127.0.0.1", port)
        yield port
        forget_origin("127.0.0.1", port)
        closing.set()
        thread.join()


@pytest.fixture
def transport():
    with make_transport(connections=2) as transport:
        yield transport


def test_a_server_that_drips_is_cut_off(transport):
    with dripping() as port:
        request = httpx.Request("GET", f"http://127.0.0.1:{port}/", extensions={"timeout": {"read": 60.0}})
        with pytest.raises(httpx.ReadTimeout), within(0.3):
            transport.handle_request(request)


def test_nothing_is_connected_when_the_time_is_over(transport, monkeypatch):
    tried = []
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", lambda *_args: tried.append(1))
    monkeypatch.setattr(outgoing, "_public_addresses", lambda *_: ["93.184.215.14"])
    with pytest.raises(httpx.ConnectTimeout), within(0):
        transport.handle_request(httpx.Request("GET", "https://ville.example/"))
    assert tried == []


def test_the_bound_ends_with_its_block_and_holds_for_its_own_thread_only():
    seen = []
    with within(5):
        other = threading.Thread(target=lambda: seen.append(outgoing._left(7, httpcore.ReadTimeout)))
        other.start()
        other.join()
        assert outgoing._left(7, httpcore.ReadTimeout) <= 5
        assert outgoing._left(1, httpcore.ReadTimeout) == 1
    assert seen == [7]
    assert outgoing._left(7, httpcore.ReadTimeout) == 7
