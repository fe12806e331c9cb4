"""Our HTTP/2 client over real connections: what the peer may do, and what becomes of requests."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from h2.settings import SettingCodes

from notifications.transports import http2, http2_connection
from notifications.transports.http2 import Job, Pool
from notifications.transports.http2_connection import Outcome, Request
from notifications.transports.http2_dial import make_context, read_origin
from notifications.transports.http2_frames import Lost, Response
from tests.doubles.certificates import make_certificate
from tests.notifications.transports.scripted import OK, Peer, ScriptedServer

FIELDS = (
    (":method", "POST"),
    (":scheme", "https"),
    (":authority", "double"),
    (":path", "/send"),
    ("authorization", "Bearer synthetic"),
)
NEVER = 4e9


@contextmanager
def make_pool(port: int, ca_file: Path, *, host: str = "127.0.0.1", **options) -> Iterator[Pool]:
    options = {"connections": 1, "streams": 100, "timeout_s": 5.0, "epoch_s": time.time} | options
    pool = Pool(read_origin(f"https://{host}:{port}"), context=make_context(ca_file), **options)
    try:
        yield pool
    finally:
        pool.close()


def post(pool: Pool, bodies: list[bytes], *, not_after: float = NEVER, timeout_s: float = 5.0) -> dict[int, Outcome]:
    job = Job(FIELDS, size=len(bodies), timeout_s=timeout_s)
    pool.submit(job, [Request(job, index, body, not_after) for index, body in enumerate(bodies)])
    return gather(job, len(bodies))


def gather(job: Job, count: int) -> dict[int, Outcome]:
    outcomes: dict[int, Outcome] = {}
    while len(outcomes) < count:
        for index, outcome in job.answers.get(timeout=20):
            assert index not in outcomes
            outcomes[index] = outcome
    return outcomes


def answer_all(peer: Peer) -> None:
    while streams := peer.requests():
        for stream in streams:
            peer.answer(stream)


def test_each_request_is_answered_once_with_its_own_answer(tmp_path):
    def script(peer: Peer) -> None:
        for stream in reversed(peer.requests(30)):
            peer.answer(stream, body=peer.bodies[stream])
        answer_all(peer)

    with ScriptedServer(tmp_path, script) as server, make_pool(server.port, server.ca_file) as pool:
        bodies = [b"%d" % number for number in range(30)]
        assert post(pool, bodies) == {index: Response(200, None, body) for index, body in enumerate(bodies)}
        assert post(pool, [b"once more"]) == {0: Response(200, None, OK)}
    assert server.connections == 1


def test_the_header_says_the_same_and_the_length_of_each_body(tmp_path):
    seen: list[dict[str, str]] = []

    def script(peer: Peer) -> None:
        for stream in peer.requests(2):
            seen.append(peer.headers[stream])
            peer.answer(stream)
        peer.wait_for_end()

    with ScriptedServer(tmp_path, script) as server, make_pool(server.port, server.ca_file) as pool:
        post(pool, [b"12345", b"1" * 1_000])
    assert seen == [dict(FIELDS) | {"content-length": length} for length in ("5", "1000")]


def test_status_and_retry_after_are_read(tmp_path):
    def script(peer: Peer) -> None:
        peer.answer(peer.requests()[0], 429, b"", retry_after="7")
        peer.wait_for_end()

    with ScriptedServer(tmp_path, script) as server, make_pool(server.port, server.ca_file) as pool:
        assert post(pool, [b"x"]) == {0: Response(429, "7", b"")}


def test_no_more_streams_are_open_than_the_server_allows(tmp_path):
    most: list[int] = []

    def script(peer: Peer) -> None:
        while streams := peer.requests():
            most.append(peer.h2.open_inbound_streams)
            peer.answer(streams[0])
            for stream in streams[1:]:
                peer.answer(stream)

    with (
        ScriptedServer(tmp_path, script, settings={SettingCodes.MAX_CONCURRENT_STREAMS: 3}) as server,
        make_pool(server.port, server.ca_file) as pool,
    ):
        assert len(post(pool, [b"x"] * 50)) == 50
    assert max(most) <= 3


def test_bodies_larger_than_the_windows_go_out_as_the_windows_allow(tmp_path):
    received: list[bytes] = []

    def script(peer: Peer) -> None:
        while streams := peer.requests():
            for stream in streams:
                received.append(peer.bodies[stream])
                peer.answer(stream)

    with (
        ScriptedServer(tmp_path, script, settings={SettingCodes.INITIAL_WINDOW_SIZE: 1_000}) as server,
        make_pool(server.port, server.ca_file) as pool,
    ):
        bodies = [bytes([65 + number]) * 4_000 for number in range(40)]
        assert set(post(pool, bodies).values()) == {Response(200, None, OK)}
    assert sorted(received) == bodies


def test_connections_are_opened_as_they_are_needed_and_not_beyond(tmp_path):
    with (
        ScriptedServer(tmp_path, answer_all) as server,
        make_pool(server.port, server.ca_file, connections=3, streams=10) as pool,
    ):
        post(pool, [b"x"])
        assert server.connections == 1
        post(pool, [b"x"] * 1_000)
        assert 1 < server.connections <= 3


def test_a_request_whose_time_is_over_is_never_written(tmp_path):
    with ScriptedServer(tmp_path, answer_all) as server, make_pool(server.port, server.ca_file) as pool:
        assert post(pool, [b"x"], not_after=time.time() - 1) == {0: Lost.EXPIRED}


def test_a_hanging_server_costs_the_timeout_and_the_request_may_have_arrived(tmp_path):
    with (
        ScriptedServer(tmp_path, lambda peer: peer.wait_for_end()) as server,
        make_pool(server.port, server.ca_file, timeout_s=0.3, streams=2) as pool,
    ):
        outcomes = post(pool, [b"x"] * 5, timeout_s=0.3)
    assert Counter(outcomes.values()) == {Lost.TIMEOUT: 2, Lost.UNREACHABLE: 3}


def test_a_hanging_connection_is_replaced(tmp_path):
    connections: list[Peer] = []

    def script(peer: Peer) -> None:
        connections.append(peer)
        if len(connections) == 1:
            peer.wait_for_end()
        else:
            answer_all(peer)

    with (
        ScriptedServer(tmp_path, script) as server,
        make_pool(server.port, server.ca_file, timeout_s=0.3) as pool,
    ):
        assert post(pool, [b"x"]) == {0: Lost.TIMEOUT}
        assert eventually(lambda: post(pool, [b"y"]) == {0: Response(200, None, OK)})


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether it comes true within 10 s: connecting waits a little after a failure."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_a_cut_after_the_request_was_written_leaves_open_whether_it_arrived(tmp_path):
    with (
        ScriptedServer(tmp_path, lambda peer: peer.requests(3) and None) as server,
        make_pool(server.port, server.ca_file) as pool,
    ):
        assert set(post(pool, [b"x"] * 3).values()) == {Lost.CUT}


def test_a_server_that_cuts_every_connection_is_left_alone_for_a_while(tmp_path):
    with (
        ScriptedServer(tmp_path, lambda peer: peer.requests() and None) as server,
        make_pool(server.port, server.ca_file) as pool,
    ):
        assert post(pool, [b"x"]) == {0: Lost.CUT}
        assert post(pool, [b"y"]) == {0: Lost.UNREACHABLE}
        assert pool.retry_after_s() > 0
        assert pool.trouble == "cut"


def test_streams_beyond_a_goaway_were_not_processed_and_the_others_are_answered(tmp_path):
    def script(peer: Peer) -> None:
        first, *_ = peer.requests(3)
        peer.h2.close_connection(last_stream_id=first)
        goaway = peer.h2.data_to_send()
        # h2 ends with its GOAWAY; the answer that follows it is written by hand: status 200, empty.
        peer.sock.sendall(goaway + b"\0\0\1\1\5" + first.to_bytes(4) + b"\x88")
        peer.wait_for_end()

    with ScriptedServer(tmp_path, script) as server, make_pool(server.port, server.ca_file) as pool:
        outcomes = post(pool, [b"x"] * 3)
    assert outcomes == {0: Response(200, None, b""), 1: Lost.REFUSED, 2: Lost.REFUSED}


def test_after_a_goaway_requests_go_over_a_new_connection(tmp_path):
    def script(peer: Peer) -> None:
        stream = peer.requests()[0]
        peer.answer(stream)
        peer.h2.close_connection(last_stream_id=stream)
        peer.flush()
        peer.wait_for_end()

    with ScriptedServer(tmp_path, script) as server, make_pool(server.port, server.ca_file) as pool:
        for _ in range(3):
            assert eventually(lambda: post(pool, [b"x"]) == {0: Response(200, None, OK)})
    assert server.connections >= 3


def test_when_stream_numbers_are_used_up_a_new_connection_is_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(http2_connection, "LAST_STREAM_ID", 5)
    with ScriptedServer(tmp_path, answer_all) as server, make_pool(server.port, server.ca_file) as pool:
        assert set(post(pool, [b"x"] * 9).values()) == {Response(200, None, OK)}
    assert server.connections == 3


def test_idle_connections_are_closed(tmp_path, monkeypatch):
    monkeypatch.setattr(http2, "_IDLE_S", 0.1)
    ended = threading.Event()

    def script(peer: Peer) -> None:
        answer_all(peer)
        ended.set()

    with ScriptedServer(tmp_path, script) as server, make_pool(server.port, server.ca_file) as pool:
        post(pool, [b"x"])
        assert ended.wait(10)
        assert pool.trouble is None


def test_nobody_listening_is_told_at_once_and_tried_less_and_less(tmp_path):
    make_certificate(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with make_pool(port, tmp_path / "ca.pem") as pool:
        assert set(post(pool, [b"x"] * 3).values()) == {Lost.UNREACHABLE}
        assert pool.trouble == "refused"
        assert 0 < pool.retry_after_s() <= 0.5


@pytest.mark.parametrize(
    ("host", "foreign", "trouble"), [("localhost", False, None), ("127.0.0.1", True, "certificate")]
)
def test_the_certificate_must_be_of_an_authority_we_trust(tmp_path, host, foreign, trouble):
    make_certificate(tmp_path / "ours")
    other = make_certificate(tmp_path / "theirs")
    certificate = other if foreign else None
    with (
        ScriptedServer(tmp_path / "ours", answer_all, certificate=certificate) as server,
        make_pool(server.port, server.ca_file, host=host) as pool,
    ):
        outcome = post(pool, [b"x"])[0]
        assert pool.trouble == trouble
    assert outcome == (Lost.UNREACHABLE if trouble else Response(200, None, OK))


def test_the_certificate_must_name_the_host(tmp_path):
    with (
        ScriptedServer(tmp_path, answer_all) as server,
        make_pool(server.port, server.ca_file, host="127.1") as pool,  # the same address by another name
    ):
        assert post(pool, [b"x"]) == {0: Lost.UNREACHABLE}
        assert pool.trouble == "certificate"


def test_a_server_without_http2_is_not_spoken_to(tmp_path):
    with (
        ScriptedServer(tmp_path, lambda _peer: None, protocols=("http/1.1",)) as server,
        make_pool(server.port, server.ca_file) as pool,
    ):
        assert post(pool, [b"x"]) == {0: Lost.UNREACHABLE}
        assert pool.trouble == "no_h2"


def test_closing_answers_what_is_under_way_and_what_comes_later(tmp_path):
    started = threading.Event()

    def script(peer: Peer) -> None:
        peer.requests()
        started.set()
        peer.wait_for_end()

    with ScriptedServer(tmp_path, script) as server, make_pool(server.port, server.ca_file) as pool:
        job = Job(FIELDS, size=2, timeout_s=5)
        pool.submit(job, [Request(job, 0, b"x", NEVER)])
        assert started.wait(10)
        pool.close()
        pool.submit(job, [Request(job, 1, b"y", NEVER)])
        assert gather(job, 2) == {0: Lost.CUT, 1: Lost.UNSENT}


def test_a_small_job_does_not_wait_for_a_large_one(tmp_path):
    with (
        ScriptedServer(tmp_path, answer_all) as server,
        make_pool(server.port, server.ca_file, streams=1) as pool,
    ):
        large, small = Job(FIELDS, size=2_000, timeout_s=10), Job(FIELDS, size=1, timeout_s=10)
        pool.submit(large, [Request(large, index, b"x", NEVER) for index in range(2_000)])
        pool.submit(small, [Request(small, 0, b"y", NEVER)])
        gather(small, 1)
        assert large.waiting
        gather(large, 2_000)


def test_a_job_that_pauses_is_not_taken_for_one_that_stalls(tmp_path):
    with (
        ScriptedServer(tmp_path, answer_all) as server,
        make_pool(server.port, server.ca_file, streams=1, timeout_s=2.0) as pool,
    ):
        job = Job(FIELDS, size=100_000, timeout_s=2.0)
        job.stalls_at = 0.0  # as after a long pause
        pool.submit(job, [Request(job, index, b"x", NEVER) for index in range(500)])
        assert set(gather(job, 500).values()) == {Response(200, None, OK)}


def test_several_senders_share_the_connections(tmp_path):
    with (
        ScriptedServer(tmp_path, answer_all) as server,
        make_pool(server.port, server.ca_file, connections=2) as pool,
    ):
        outcomes: list[dict[int, Outcome]] = []
        senders = [
            threading.Thread(target=lambda: outcomes.append(post(pool, [b"x"] * 300, timeout_s=20))) for _ in range(4)
        ]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        assert [set(each.values()) for each in outcomes] == [{Response(200, None, OK)}] * 4
        assert server.connections <= 2


def test_a_forked_child_has_connections_of_its_own(tmp_path):
    with ScriptedServer(tmp_path, answer_all) as server, make_pool(server.port, server.ca_file) as pool:
        assert post(pool, [b"x"]) == {0: Response(200, None, OK)}
        child = os.fork()
        if child == 0:  # whatever happens, the child must not come back to pytest
            try:
                os._exit(0 if post(pool, [b"y"] * 20) and pool.trouble is None else 1)
            finally:
                os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
        assert post(pool, [b"z"]) == {0: Response(200, None, OK)}
    assert server.connections == 2


@pytest.mark.parametrize("url", ["http://127.0.0.1", "https://", "https://host/path", "https://user@host", "host:1"])
def test_only_https_origins_are_accepted(url):
    with pytest.raises(ValueError, match="origin"):
        read_origin(url)
