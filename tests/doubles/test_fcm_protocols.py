import contextlib
import io
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import uuid
from collections import Counter

import firebase_admin
import h2.config
import h2.connection
import h2.events
import httpx
import pycurl
import pytest
import requests
from firebase_admin import credentials, exceptions, messaging
from google.auth.transport.requests import AuthorizedSession, Request
from hpack import Encoder

from tests.doubles.fcm import FcmDouble
from tests.doubles.fcm_http2 import CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PREFACE, frame

PATH = "/v1/projects/synthetic-project/messages:send"


def note(address="a-token"):
    return json.dumps({"message": {"token": address, "notification": {"title": "Air", "body": "Bon"}}}).encode()


def headers_for(double, method="POST", path=PATH):
    names = {":method": method, ":scheme": "https", ":authority": "127.0.0.1", ":path": path}
    return [*names.items(), ("authorization", f"Bearer {double.issue_token()}")]


def connect(double, protocol="h2"):
    context = ssl.create_default_context(cafile=str(double.ca_file))
    context.set_alpn_protocols([protocol])
    plain = socket.create_connection(("127.0.0.1", int(double.origin.rsplit(":", 1)[1])), timeout=5)
    return context.wrap_socket(plain, server_hostname="localhost")


class Http2Client:
    """The `h2` library on a blocking socket: an implementation that is not ours."""

    def __init__(self, double, **settings):
        self.socket = connect(double)
        self.connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.connection.initiate_connection()
        if settings:
            names = {"window": h2.settings.SettingCodes.INITIAL_WINDOW_SIZE}
            self.connection.update_settings({names[name]: value for name, value in settings.items()})
        self.statuses, self.bodies = {}, Counter()
        self.ended, self.reset, self.events = [], {}, []
        self.over = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def post(self, headers, body=None):
        stream = self.connection.get_next_available_stream_id()
        self.connection.send_headers(stream, headers, end_stream=body is None)
        if body is not None:
            self.connection.send_data(stream, body, end_stream=True)
        return stream

    def flush(self):
        self.socket.sendall(self.connection.data_to_send())

    def read_until(self, condition):
        self.flush()
        while not condition(self):
            data = self.socket.recv(65_536)
            if not data:
                self.over = True
                return
            for event in self.connection.receive_data(data):
                self._note(event)
            self.flush()

    def _note(self, event):
        self.events.append(type(event).__name__)
        match event:
            case h2.events.ResponseReceived():
                self.statuses[event.stream_id] = dict(event.headers)[":status"]
            case h2.events.DataReceived():
                self.bodies[event.stream_id] += len(event.data)
                self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.StreamEnded():
                self.ended.append(event.stream_id)
            case h2.events.StreamReset():
                self.reset[event.stream_id] = event.error_code


@pytest.fixture
def double():
    with FcmDouble() as running:
        yield running


def test_many_streams_in_one_write_are_all_answered(double):
    with Http2Client(double) as client:
        headers = headers_for(double)
        streams = [client.post(headers, note(f"token-{number}")) for number in range(100)]
        client.read_until(lambda seen: len(seen.ended) == 100)
    assert client.statuses == dict.fromkeys(streams, "200")
    assert double.shown == {(f"token-{number}", ""): 1 for number in range(100)}
    assert double.service.counts.most_streams == 100


def test_more_streams_than_allowed_are_refused_and_not_counted():
    with FcmDouble(max_streams=2) as double, Http2Client(double) as client:
        double.fail("hang", times=2)
        streams = [client.post(headers_for(double), note()) for _ in range(3)]
        client.read_until(lambda seen: seen.reset)
        assert client.reset == {streams[2]: 7}
        assert client.connection.remote_settings.max_concurrent_streams == 2
    assert double.count == 2


def test_a_refused_stream_leaves_the_others_alone(double):
    double.fail("refused_stream", token="unlucky")
    with Http2Client(double) as client:
        streams = [client.post(headers_for(double), note(address)) for address in ("a", "unlucky", "b")]
        client.read_until(lambda seen: len(seen.ended) == 2 and seen.reset)
    assert client.reset == {streams[1]: 7}
    assert double.accepted == 2


def test_goaway_answers_what_came_before_and_looks_at_nothing_after(double):
    double.latency_s = 0.02
    double.fail("goaway", token="last")
    with Http2Client(double) as client:
        for address in ("a", "b", "last", "c", "d"):
            client.post(headers_for(double), note(address))
        client.flush()
        received = b""
        while data := client.socket.recv(65_536):
            received += data
    going = next(payload for kind, _, payload in frames_of(received) if kind == GOAWAY)
    answered = [stream for kind, stream, _ in frames_of(received) if kind == DATA]
    assert (int.from_bytes(going[:4]), int.from_bytes(going[4:])) == (3, 0)
    assert answered == [1, 3]
    assert (double.count, double.accepted) == (3, 2)


def frames_of(data):
    while len(data) >= 9:
        length = int.from_bytes(data[:3])
        yield data[3], int.from_bytes(data[5:9]), data[9 : 9 + length]
        data = data[9 + length :]


def test_goaway_while_a_later_stream_is_open_refuses_the_one_in_between(double):
    double.fail("goaway", times=1)
    with Http2Client(double) as client:
        slow, quick = (client.connection.get_next_available_stream_id() + offset for offset in (0, 2))
        client.connection.send_headers(slow, headers_for(double))
        client.connection.send_headers(quick, headers_for(double))
        client.connection.send_data(slow, note(), end_stream=True)
        client.connection.send_data(quick, note(), end_stream=True)
        client.flush()
        received = b""
        while data := client.socket.recv(65_536):
            received += data
    assert [stream for kind, stream, _ in frames_of(received) if kind == DATA] == [quick]
    assert double.accepted == 1


def test_frames_may_come_byte_by_byte_padded_and_with_continuations(double):
    block = Encoder().encode(headers_for(double))
    opening = frame(HEADERS, 0, 1, block[:20]) + frame(CONTINUATION, END_HEADERS, 1, block[20:])
    padded = frame(
        HEADERS, END_HEADERS | 0x8 | 0x20, 3, b"\x02" + bytes(5) + Encoder().encode(headers_for(double)) + b"\0\0"
    )
    body = note()
    parts = frame(DATA, 0, 1, body[:9]) + frame(DATA, END_STREAM | 0x8, 1, b"\x03" + body[9:] + bytes(3))
    with connect(double) as raw:
        for byte in PREFACE + frame(4, 0, 0) + opening + parts + padded + frame(DATA, END_STREAM, 3, body):
            raw.sendall(bytes((byte,)))
        received = b""
        while len([kind for kind, _, _ in frames_of(received) if kind == DATA]) < 2:
            received += raw.recv(65_536)
    assert double.accepted == 2
    assert list(double.received) == [json.loads(body)["message"]] * 2


def test_header_blocks_that_refer_to_the_table_are_understood(double):
    encoder, headers = Encoder(), headers_for(double)
    with connect(double) as raw:
        raw.sendall(PREFACE + frame(4, 0, 0))
        for stream in range(1, 21, 2):
            changing = [*headers, ("x-number", str(stream % 3))]
            raw.sendall(frame(HEADERS, END_HEADERS, stream, encoder.encode(changing)))
            raw.sendall(frame(DATA, END_STREAM, stream, note()))
        received = b""
        while len([kind for kind, _, _ in frames_of(received) if kind == DATA]) < 10:
            received += raw.recv(65_536)
    assert double.accepted == 10


def test_small_windows_are_respected(double):
    with Http2Client(double, window=16) as client:
        client.read_until(lambda seen: "SettingsAcknowledged" in seen.events)
        post = client.post(headers_for(double), note())
        client.read_until(lambda seen: post in seen.ended)
        get = client.post(headers_for(double, "GET", "/screens"))
        client.read_until(lambda seen: get in seen.ended)
    assert client.statuses == {post: "200", get: "200"}
    assert client.bodies[get] > 16


def test_an_answer_larger_than_the_connections_window_comes_whole(double):
    with Http2Client(double) as client:
        headers = headers_for(double)
        for number in range(600):
            client.post(headers, note(f"token-{number}"))
            client.read_until(lambda seen, number=number: len(seen.ended) > number)
        get = client.post(headers_for(double, "GET", "/screens"))
        client.read_until(lambda seen: get in seen.ended)
    assert client.bodies[get] > 65_535


def test_a_stream_that_the_client_gave_up_is_not_answered(double):
    double.latency_s = 0.05
    with Http2Client(double) as client:
        given_up = client.post(headers_for(double), note("given up"))
        kept = client.post(headers_for(double), note("kept"))
        client.connection.reset_stream(given_up)
        client.connection.ping(b"12345678")
        client.read_until(lambda seen: kept in seen.ended and "PingAckReceived" in seen.events)
    assert client.statuses == {kept: "200"}


@pytest.mark.parametrize(
    "noise", [b"GET / HTTP/1.1\r\n" * 3, PREFACE + b"\xff" * 20, PREFACE + frame(1, 4, 1, b"\xff" * 9)]
)
def test_noise_ends_the_connection_and_nothing_else(double, noise):
    with connect(double) as raw:
        raw.sendall(noise)
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while raw.recv(65_536):
                pass
    with Http2Client(double) as client:
        client.post(headers_for(double), note())
        client.read_until(lambda seen: seen.ended)
    assert double.accepted == 1


def test_http1_requests_may_follow_each_other_without_waiting(double):
    double.latency_s = 0.01
    request = (
        f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {double.issue_token()}\r\n"
        f"Content-Length: {len(note())}\r\n"
    ).encode()
    with connect(double, "http/1.1") as raw:
        raw.sendall((request + b"\r\n" + note()) * 2 + request + b"Connection: close\r\n\r\n" + note())
        answers = b""
        while data := raw.recv(65_536):
            answers += data
    assert answers.count(b"HTTP/1.1 200 OK") == 3


def test_libcurl_multiplexes_over_one_connection(double):
    multi = pycurl.CurlMulti()
    multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
    multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, 1)
    bearer, handles = double.issue_token(), []
    for number in range(150):
        handle = pycurl.Curl()
        handle.setopt(pycurl.URL, double.origin + PATH)
        handle.setopt(pycurl.CAINFO, str(double.ca_file))
        handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
        handle.setopt(pycurl.PIPEWAIT, 1)
        handle.setopt(pycurl.HTTPHEADER, [f"authorization: Bearer {bearer}"])
        handle.setopt(pycurl.POSTFIELDS, note(f"token-{number}"))
        handle.setopt(pycurl.WRITEDATA, io.BytesIO())
        multi.add_handle(handle)
        handles.append(handle)
    active = len(handles)
    while active:
        _, active = multi.perform()
        multi.select(0.5)
    seen = {(handle.getinfo(pycurl.RESPONSE_CODE), handle.getinfo(pycurl.INFO_HTTP_VERSION)) for handle in handles}
    for handle in handles:
        multi.remove_handle(handle)
        handle.close()
    multi.close()
    assert seen == {(200, pycurl.CURL_HTTP_VERSION_2_0)}
    assert (double.accepted, len(double.screens), double.connections) == (150, 150, 1)


@pytest.fixture
def firebase(double, tmp_path):
    certificate = credentials.Certificate(str(double.write_credentials(tmp_path)))
    app = firebase_admin.initialize_app(certificate, name=uuid.uuid4().hex)
    service = messaging._get_messaging_service(app)
    inner = requests.Session()
    session = AuthorizedSession(certificate.get_credential(), auth_request=Request(session=inner))
    for each in (inner, session):
        # Without `trust_env` off, a certificate bundle named by the environment would win over `verify`.
        each.trust_env, each.verify = False, str(double.ca_file)
    service._client.session.close()
    service._client._session = session
    service._fcm_url = double.origin + PATH
    yield app
    session.close()
    inner.close()
    firebase_admin.delete_app(app)


def test_firebase_admin_sends_and_reads_the_errors(double, firebase):
    double.fail("unregistered", token="gone")
    double.fail("wrong_sender", token="foreign")
    double.fail("bad_token", token="broken")
    double.fail("bad_credentials", token="iphone")
    texts = ["a", "gone", "foreign", "broken", "iphone", "b"]
    notification = messaging.Notification("Air", "Mauvais")
    android = messaging.AndroidConfig(
        priority="high", ttl=3_600, collapse_key="air", notification=messaging.AndroidNotification(tag="air")
    )
    answer = messaging.send_each(
        [messaging.Message(fid=text, notification=notification, android=android) for text in texts], app=firebase
    )
    errors = [type(response.exception) for response in answer.responses]
    assert errors == [
        type(None),
        messaging.UnregisteredError,
        messaging.SenderIdMismatchError,
        exceptions.InvalidArgumentError,
        messaging.ThirdPartyAuthError,
        type(None),
    ]
    # Each thread that finds no current token asks for one, and each 401 makes it ask again.
    assert double.service.counts.tokens_issued >= 1
    assert list(double.invalid) == []
    assert double.shown == {("a", "air"): 1, ("b", "air"): 1}


def test_the_program_says_how_to_reach_it_shows_what_comes_and_counts_at_the_end(tmp_path):
    command = [sys.executable, "-m", "tests.doubles.fcm", "--port", "0", "--folder", str(tmp_path)]
    command += ["--fail", "unregistered:0", "--latency", "0.01"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as program:
        try:
            settings = {}
            while "ALENTOURS_PUSH_FCM_CA_FILE" not in settings:
                line = program.stdout.readline()
                assert line
                name, _, value = line.removeprefix("export ").strip().partition("=")
                settings[name] = value
            origin = settings["ALENTOURS_PUSH_FCM_URL"]
            ca_file = settings["ALENTOURS_PUSH_FCM_CA_FILE"]
            account = credentials.Certificate(settings["ALENTOURS_PUSH_FCM_CREDENTIALS"]).get_credential()
            with requests.Session() as session:
                session.trust_env, session.verify = False, ca_file
                account.refresh(Request(session=session))
            with httpx.Client(verify=ssl.create_default_context(cafile=ca_file), http2=True) as client:
                bearer = {"authorization": f"Bearer {account.token}"}
                assert client.post(origin + PATH, content=note(), headers=bearer).status_code == 200
            program.send_signal(signal.SIGTERM)
            printed, _ = program.communicate(timeout=10)
        finally:
            program.kill()
    assert "Air: Bon" in printed
    assert json.loads(printed.splitlines()[-1])["accepted"] == 1
    assert program.returncode == 0


def test_the_program_refuses_an_unknown_fault(tmp_path):
    command = [sys.executable, "-m", "tests.doubles.fcm", "--folder", str(tmp_path), "--fail", "flood:0.5"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "flood is not one of" in done.stderr
