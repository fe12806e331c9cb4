"""The protocol alone, without sockets: against the `h2` library as the server, and against hostile frames."""

from __future__ import annotations

import hpack
import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded

from notifications.transports import http2_frames as f
from notifications.transports.http2_connection import Connection, Outcome, Request
from notifications.transports.http2_frames import HeadReader, HeadWriter, Lost, ProtocolError, Response, frame

FIELDS = ((":method", "POST"), (":scheme", "https"), (":authority", "double"), (":path", "/send"))
STATUS_200 = b"\x88"
NO_SETTINGS = frame(f.SETTINGS, 0, 0)


class Client:
    """A connection and what became of its requests."""

    def __init__(self, *, ready: bool = True, streams: int = 100) -> None:
        self.outcomes: dict[int, Outcome] = {}
        self.connection = Connection(streams=streams, settle=self._settle, heads=HeadReader())
        if ready:
            self.connection.receive(NO_SETTINGS)
            self.write()

    def _settle(self, request: Request, outcome: Outcome) -> None:
        assert request.index not in self.outcomes
        self.outcomes[request.index] = outcome

    def start(self, *bodies: bytes, fields: f.Fields = FIELDS, deadline: float = 10) -> None:
        for index, body in enumerate(bodies, start=len(self.outcomes) + len(self.connection)):
            self.connection.start(Request(None, index, body, 0), fields, deadline)

    def write(self) -> bytes:
        written = bytes(self.connection.out)
        self.connection.wrote(len(written))
        return written

    def receive(self, *frames: bytes) -> None:
        self.connection.receive(b"".join(frames))


def started(*bodies: bytes) -> Client:
    client = Client()
    client.start(*(bodies or (b"x",)))
    client.write()
    return client


def headers(stream_id: int, block: bytes = STATUS_200, flags: int = f.END_HEADERS) -> bytes:
    return frame(f.HEADERS, flags, stream_id, block)


def data(stream_id: int, body: bytes = b"", flags: int = f.END_STREAM) -> bytes:
    return frame(f.DATA, flags, stream_id, body)


def test_nothing_is_asked_before_the_server_has_told_its_settings():
    client = Client(ready=False)
    assert client.connection.capacity() == 0
    client.receive(NO_SETTINGS)
    assert client.connection.capacity() == 100


@pytest.mark.parametrize("step", [1, 2, 7, 10_000])
def test_answers_may_come_in_pieces_of_any_size(step):
    client = started(b"x", b"y")
    answers = headers(3) + headers(1) + data(1, b"one") + data(3, b"three")
    for at in range(0, len(answers), step):
        client.receive(answers[at : at + step])
    assert client.outcomes == {0: Response(200, None, b"one"), 1: Response(200, None, b"three")}


def test_the_h2_library_understands_what_we_say():
    server = H2Connection(H2Configuration(client_side=False))
    server.initiate_connection()
    client = Client(ready=False)
    client.receive(server.data_to_send())
    fields = (*FIELDS, ("authorization", "Bearer " + "t" * 1_000))
    client.start(b"a" * 30_000, b"b", fields=fields)
    client.start(b"c", fields=(*FIELDS, ("authorization", "Bearer other")))
    events = server.receive_data(client.write())
    requests = [event for event in events if isinstance(event, RequestReceived)]
    assert [dict(request.headers)[b"authorization"][-2:] for request in requests] == [b"tt", b"tt", b"er"]
    assert [event.stream_id for event in events if isinstance(event, StreamEnded)] == [1, 3, 5]
    assert b"".join(event.data for event in events if isinstance(event, DataReceived)) == b"a" * 30_000 + b"bc"


@pytest.mark.parametrize("table", [0, 100, 4_096, 100_000])
def test_header_blocks_can_be_read_whatever_table_the_server_allows(table):
    writer, decoder = HeadWriter(), hpack.Decoder()
    decoder.max_allowed_table_size = max(table, 4_096)
    decoder.decode(writer.block(FIELDS, 5))
    writer.limit_table(table)
    decoder.max_allowed_table_size = table
    other = (*FIELDS, ("authorization", "Bearer " + "t" * 200))
    for fields in (FIELDS, FIELDS, other, other, other, FIELDS):
        assert tuple(decoder.decode(writer.block(fields, 12_345))) == (*fields, ("content-length", "12345"))


def test_the_header_costs_few_bytes_after_the_first_time():
    writer = HeadWriter()
    fields = (*FIELDS, ("authorization", "Bearer " + "t" * 1_000))
    assert len(writer.block(fields, 500)) > 600
    assert len(writer.block(fields, 500)) < 16


def test_the_window_of_the_whole_connection_is_respected():
    client = Client()
    client.start(*[b"x" * 16_000] * 4)
    assert client.connection.capacity()
    client.start(b"y" * 16_000)
    assert not client.connection.capacity()
    before = len(client.write())
    assert 65_535 < before < 65_535 + 500
    client.receive(f.long_frame(f.WINDOW_UPDATE, 0, 100_000))
    assert len(client.write()) == 5 * 16_000 - 65_535 + f.FRAME_HEADER_BYTES
    assert client.connection.capacity()


def test_a_window_made_smaller_under_way_is_respected():
    client = Client()
    client.receive(f.settings_frame({f.INITIAL_WINDOW_SIZE: 10}))
    client.start(b"x" * 25)
    client.receive(f.settings_frame({f.INITIAL_WINDOW_SIZE: 4}))  # the window of the stream is now -6
    client.write()
    client.receive(f.long_frame(f.WINDOW_UPDATE, 1, 6))
    assert client.write() == b""
    client.receive(f.long_frame(f.WINDOW_UPDATE, 1, 15))
    assert client.write() == frame(f.DATA, f.END_STREAM, 1, b"x" * 15)


def test_a_request_not_wholly_written_cannot_have_arrived():
    client = Client()
    client.start(b"first", b"second")
    client.connection.wrote(len(client.connection.out) - 1)
    client.connection.lose()
    assert client.outcomes == {0: Lost.CUT, 1: Lost.UNSENT}


def test_a_request_that_waits_for_a_window_cannot_have_arrived():
    client = Client()
    client.receive(f.settings_frame({f.INITIAL_WINDOW_SIZE: 3}))
    client.start(b"xxxxx")
    client.write()
    client.connection.lose()
    assert client.outcomes == {0: Lost.UNSENT}


def test_a_large_window_is_opened_for_answers_and_kept_open():
    assert f.long_frame(f.WINDOW_UPDATE, 0, 2**24 - 65_535) in Client(ready=False).write()
    client = started()
    client.receive(headers(1, STATUS_200, f.END_HEADERS | f.END_STREAM))
    whole = data(1, b"x" * 16_384, 0)  # of a settled stream: it counts all the same
    client.receive(*[whole] * 512)
    assert client.write() == b""
    client.receive(whole)
    assert client.write() == f.long_frame(f.WINDOW_UPDATE, 0, 513 * 16_384)


def test_a_settled_request_is_not_settled_again():
    client = started()
    client.receive(headers(1), data(1), data(1, b"late"), f.long_frame(f.RST_STREAM, 1, 0))
    assert client.outcomes == {0: Response(200, None, b"")}


@pytest.mark.parametrize(("code", "lost"), [(f.REFUSED_STREAM, Lost.REFUSED), (f.CANCEL, Lost.RESET)])
def test_a_reset_says_whether_the_request_was_looked_at(code, lost):
    client = started()
    client.receive(f.long_frame(f.RST_STREAM, 1, code))
    assert client.outcomes == {0: lost}


def test_after_a_goaway_nothing_is_started_and_what_it_spares_is_answered():
    client = started(b"x", b"y")
    client.receive(frame(f.GOAWAY, 0, 0, (1).to_bytes(4) + bytes(4)))
    assert client.connection.capacity() == 0
    client.receive(headers(1), data(1, b"z"))
    assert client.outcomes == {1: Lost.REFUSED, 0: Response(200, None, b"z")}


def test_a_ping_is_answered_with_its_own_bytes():
    client = Client()
    client.receive(frame(f.PING, 0, 0, b"12345678"), frame(f.PING, f.ACK, 0, b"87654321"))
    assert client.write() == frame(f.PING, f.ACK, 0, b"12345678")


def test_settings_are_acknowledged_and_unknown_ones_ignored():
    client = Client()
    client.receive(f.settings_frame({f.MAX_CONCURRENT_STREAMS: 7, 0x77: 1}), frame(f.SETTINGS, f.ACK, 0))
    assert client.write() == frame(f.SETTINGS, f.ACK, 0)
    assert client.connection.capacity() == 7


def test_padding_priority_and_continuations_are_taken_away():
    client = started()
    block = b"\x02" + b"12345" + STATUS_200 + b"\0\0"
    retry_after = hpack.Encoder().encode([hpack.NeverIndexedHeaderTuple("retry-after", "9")])
    client.receive(
        headers(1, block, f.PADDED | f.WITH_PRIORITY),
        frame(f.CONTINUATION, 0, 1, retry_after[:3]),
        frame(f.CONTINUATION, f.END_HEADERS, 1, retry_after[3:]),
        data(1, b"\x03body\0\0\0", f.PADDED | f.END_STREAM),
    )
    assert client.outcomes == {0: Response(200, "9", b"body")}


def test_informational_answers_and_trailers_are_passed_over():
    client = started()
    early = hpack.Encoder().encode([hpack.NeverIndexedHeaderTuple(":status", "103")])
    trailers = hpack.Encoder().encode([hpack.NeverIndexedHeaderTuple("grpc-status", "0")])
    client.receive(headers(1, early), headers(1), data(1, b"z", 0), headers(1, trailers, f.END_HEADERS | f.END_STREAM))
    assert client.outcomes == {0: Response(200, None, b"z")}


def test_unknown_frames_are_passed_over():
    client = started()
    client.receive(frame(0x42, 0xFF, 1, b"whatever"), headers(1), frame(f.PRIORITY, 0, 1, bytes(5)), data(1))
    assert 0 in client.outcomes


def test_of_an_endless_answer_only_the_beginning_is_read():
    client = started()
    client.receive(headers(1), *[data(1, b"x" * 16_000, 0)] * 3)
    outcome = client.outcomes[0]
    assert isinstance(outcome, Response)
    assert len(outcome.body) == 32_768
    assert client.write() == f.long_frame(f.RST_STREAM, 1, f.CANCEL)


def test_an_answer_before_the_request_is_sent_ends_it():
    client = Client()
    client.receive(f.settings_frame({f.INITIAL_WINDOW_SIZE: 3}))
    client.start(b"xxxxx")
    client.write()
    client.receive(headers(1, STATUS_200, f.END_HEADERS | f.END_STREAM))
    assert client.outcomes == {0: Response(200, None, b"")}
    assert client.write() == f.long_frame(f.RST_STREAM, 1, f.NO_ERROR)
    assert client.connection.capacity()


def test_only_requests_whose_time_is_over_are_given_up():
    client = Client()
    client.start(b"x", deadline=1)
    client.start(b"y", deadline=2)
    client.write()
    client.connection.time_out(1.5)
    assert client.outcomes == {0: Lost.TIMEOUT}
    assert client.connection.capacity() == 0
    client.receive(headers(1), data(1), headers(3), data(3, b"z"))
    assert client.outcomes[1] == Response(200, None, b"z")


def test_equal_header_blocks_are_decoded_once(monkeypatch):
    reader = HeadReader()
    first = reader.read(STATUS_200)
    monkeypatch.setattr(hpack, "Decoder", None)
    assert reader.read(STATUS_200) is first


def test_the_memory_of_header_blocks_is_bounded():
    reader = HeadReader()
    for number in range(3_000):
        encoder = hpack.Encoder()
        reader.read(encoder.encode([hpack.NeverIndexedHeaderTuple(":status", "200"), ("x", str(number), True)]))
    assert len(reader._read) <= 1_024


_TABLED = hpack.Encoder().encode([(":status", "299")])

HOSTILE = {
    "frame too large": f.FRAME_HEADER.pack(64, 1, f.DATA, 0, 1),
    "push": frame(f.PUSH_PROMISE, f.END_HEADERS, 1, bytes(4)),
    "stream never opened": headers(9),
    "stream of the server": headers(2),
    "body before the header": data(1, b"x"),
    "padding beyond the frame": data(1, b"\x09x", f.PADDED),
    "padding without length": data(1, b"", f.PADDED),
    "no status": headers(1, hpack.Encoder().encode([("x", "y")])),
    "odd status": headers(1, hpack.Encoder().encode([(":status", "2e2")])),
    "header block not to be read": headers(1, b"\xff\xff\xff\xff\xff\xff"),
    "reference to a table we forbid": headers(1, b"\xbe"),
    "table made larger than we allow": headers(1, b"\x3f\xe1\x1f" + STATUS_200),
    "something between header and continuation": headers(1, STATUS_200, 0) + data(1),
    "continuation of nothing": frame(f.CONTINUATION, f.END_HEADERS, 1, STATUS_200),
    "continuation of another stream": headers(1, STATUS_200, 0) + frame(f.CONTINUATION, f.END_HEADERS, 3, b""),
    "endless continuations": headers(1, STATUS_200, 0) + frame(f.CONTINUATION, 0, 1, b"x" * 16_000) * 5,
    "empty continuations": headers(1, STATUS_200, 0) + frame(f.CONTINUATION, 0, 1),
    "second header that is no trailer": headers(1) + headers(1),
    "settings on a stream": frame(f.SETTINGS, 0, 1),
    "settings cut": frame(f.SETTINGS, 0, 0, b"12345"),
    "settings acknowledged with content": frame(f.SETTINGS, f.ACK, 0, bytes(6)),
    "window beyond the largest": f.settings_frame({f.INITIAL_WINDOW_SIZE: 2**31}),
    "frame size below the least": f.settings_frame({f.MAX_FRAME_SIZE: 100}),
    "connection window beyond the largest": f.long_frame(f.WINDOW_UPDATE, 0, 2**31 - 1),
    "window enlarged by nothing": f.long_frame(f.WINDOW_UPDATE, 0, 0),
    "reset cut": frame(f.RST_STREAM, 0, 1, b"123"),
    "ping cut": frame(f.PING, 0, 0, b"123"),
    "ping on a stream": frame(f.PING, 0, 1, bytes(8)),
    "goaway cut": frame(f.GOAWAY, 0, 0, b"123"),
    "flood of pings": frame(f.PING, 0, 0, bytes(8)) * 300_000,
}


@pytest.mark.parametrize("frames", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_peer_that_breaks_the_protocol_loses_the_connection_and_the_request_may_have_arrived(frames):
    client = started(b"x", b"y")
    with pytest.raises(ProtocolError):
        client.receive(frames)
    client.connection.lose()
    assert client.outcomes == {0: Lost.CUT, 1: Lost.CUT}


def test_the_first_word_of_a_server_must_be_its_settings():
    client = Client(ready=False)
    with pytest.raises(ProtocolError):
        client.receive(frame(f.PING, 0, 0, bytes(8)))
