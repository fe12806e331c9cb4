"""The adapter of the national geocoder, against a double on loopback that answers in its documented form."""

import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from citizen_api.core.outgoing import allow_origin, forget_origin, make_client
from citizen_api.core.settings import Settings
from citizen_api.sources import ban
from citizen_api.sources.ban import BanGeocoder, GeocoderBusyError, GeocoderDownError


def make_feature(**properties):
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [2.3539, 48.8589]},
        "properties": {
            "label": "26 Rue du Temple 75004 Paris",
            "score": 0.97,
            "type": "housenumber",
            "postcode": "75004",
            "citycode": "75104",
            "city": "Paris",
        }
        | properties,
    }


class Double:
    """Remembers what it was asked; answers what it is told."""

    def __init__(self):
        self.asked = []
        self.released = threading.Event()
        self.released.set()
        self.status = 200
        self.headers = {}
        self.body = json.dumps({"type": "FeatureCollection", "features": [make_feature()]}).encode()
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                double.asked.append(urlsplit(self.path))
                double.released.wait()
                self.send_response(double.status)
                for name, value in double.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(double.body)))
                self.end_headers()
                self.wfile.write(double.body)

            def log_message(self, *args):
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *args):
                """A client that gave up waiting is what some tests are about."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def answer(self, *features):
        self.body = json.dumps({"type": "FeatureCollection", "features": list(features)}).encode()

    def stop(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def double():
    running = Double()
    allow_origin("127.0.0.1", running.port)
    yield running
    forget_origin("127.0.0.1", running.port)
    running.stop()


@pytest.fixture
def geocoder(double):
    with make_client(Settings()) as client:
        yield BanGeocoder(client, domain=f"127.0.0.1:{double.port}/geocodage", timeout_s=2.0, scheme="http")


def test_it_asks_under_the_path_of_the_national_geocoder(double, geocoder):
    geocoder.search("26 rue du temple, paris & co")
    [asked] = double.asked
    assert asked.path == "/geocodage/search"
    assert parse_qs(asked.query) == {"q": ["26 rue du temple, paris & co"], "limit": ["20"]}


def test_an_address_comes_with_its_commune_and_its_score(geocoder):
    [found] = geocoder.search("26 rue du temple")
    assert (found.kind, found.label) == ("address", "26 Rue du Temple 75004 Paris")
    assert (found.lat, found.lon) == (48.8589, 2.3539)
    assert (found.postcode, found.city, found.commune_code, found.score) == ("75004", "Paris", "75104", 0.97)


@pytest.mark.parametrize(
    ("kind", "ours"),
    [("street", "street"), ("locality", "locality"), ("municipality", "commune"), ("new kind", "address")],
)
def test_kinds_are_ours(double, geocoder, kind, ours):
    double.answer(make_feature(type=kind))
    assert geocoder.search("temple")[0].kind == ours


def test_nothing_found_is_an_empty_list(double, geocoder):
    double.answer()
    assert geocoder.search("nowhere") == []


def test_a_text_that_it_refuses_finds_nothing(double, geocoder):
    double.status = 400
    assert geocoder.search("?") == []


def test_a_longer_text_than_it_takes_is_cut(double, geocoder):
    geocoder.search("a" * 500)
    assert len(parse_qs(double.asked[0].query)["q"][0]) == 200


def test_a_broken_feature_does_not_spoil_the_others(double, geocoder):
    double.answer(
        {"type": "Feature", "geometry": None, "properties": {"label": "no position"}},
        make_feature(label=None),
        {"geometry": {"coordinates": [2.3]}, "properties": {"label": "half a position"}},
        {"geometry": {"coordinates": ["x", "y"]}, "properties": {"label": "no numbers"}},
        {"geometry": {"coordinates": [2.3, 148.8]}, "properties": {"label": "off the globe"}},
        "not a feature",
        make_feature(score="high", postcode=None, citycode=75104),
    )
    [found] = geocoder.search("temple")
    assert (found.score, found.postcode, found.commune_code) == (0.0, None, None)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 403, 302, 204])
def test_anything_but_an_answer_means_down(double, geocoder, status):
    double.status, double.body = status, b""
    double.headers = {"Location": "http://elsewhere.test/"} if status == 302 else {}
    with pytest.raises(GeocoderDownError):
        geocoder.search("temple")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"features": 3}', b"null", b"\xff\xfe"])
def test_another_form_means_down(double, geocoder, body):
    double.body = body
    with pytest.raises(GeocoderDownError):
        geocoder.search("temple")


def test_an_endless_answer_means_down(geocoder, monkeypatch):
    monkeypatch.setattr(ban, "ANSWER_MAX_BYTES", 50)
    with pytest.raises(GeocoderDownError):
        geocoder.search("temple")


def test_a_dripping_answer_means_down(double):
    with make_client(Settings()) as client:
        hasty = BanGeocoder(client, domain=f"127.0.0.1:{double.port}", timeout_s=2.0, scheme="http")
        ticks = iter([0.0, 3.0])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ban.time, "monotonic", lambda: next(ticks, 9.0))
            with pytest.raises(GeocoderDownError):
                hasty.search("temple")


def test_a_late_answer_means_down(double):
    double.released.clear()
    with make_client(Settings()) as client:
        hasty = BanGeocoder(client, domain=f"127.0.0.1:{double.port}", timeout_s=0.05, scheme="http")
        with pytest.raises(GeocoderDownError):
            hasty.search("temple")
    double.released.set()


def test_slow_down_is_told_with_its_delay(double, geocoder):
    double.status, double.headers = 429, {"Retry-After": "7"}
    with pytest.raises(GeocoderBusyError) as caught:
        geocoder.search("temple")
    assert caught.value.retry_after_s == 7


def test_nobody_there_means_down():
    with make_client(Settings()) as client:
        geocoder = BanGeocoder(client, domain="127.0.0.1:1", timeout_s=1.0, scheme="http")
        with pytest.raises(GeocoderDownError):
            geocoder.search("temple")


def test_what_was_typed_is_in_no_log_and_no_error(double, geocoder, caplog):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("httpcore").setLevel(logging.WARNING)
    geocoder.search("secret street")
    double.status, double.body = 500, b"secret street not found"
    with pytest.raises(GeocoderDownError) as caught:
        geocoder.search("secret street")
    assert "secret" not in caplog.text
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__
