"""The log transport: the words stand in the log, and nobody's name."""

import json
import logging
import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest

from citizen_api.web.logs import SilentFormatter
from notifications.transports.base import ACCEPTED, Answer, Parcel
from notifications.transports.log import LogTransport
from tests.notifications.transports.webpush_makers import make_note, sent

NOW = datetime(2026, 11, 26, 18, tzinfo=UTC)


class Repeated:
    """A sequence of one parcel, many times."""

    def __init__(self, parcel, length):
        self._parcel = parcel
        self._length = length

    def __len__(self):
        return self._length

    def __getitem__(self, index):
        return self._parcel


@pytest.fixture
def transport():
    transport = LogTransport(clock=lambda: NOW)
    yield transport
    transport.close()


def make_log_parcel(**changed):
    note = make_note(**{"expires_at": NOW + timedelta(hours=1)} | changed)
    return Parcel(4711, "log", "endpoint-or-token", note, p256dh="a-key", auth="a-secret")


def test_a_message_is_read_in_the_log_and_nothing_says_whose_it_is(transport, caplog):
    caplog.set_level(logging.INFO)
    parcel = make_log_parcel(reason="above_wish", data={"message": "synthetic-wave"})
    assert sent(transport, [parcel]) == {0: ACCEPTED}
    line = json.loads(SilentFormatter().format(caplog.records[0]))
    del line["time"]
    assert line == {
        "level": "INFO",
        "logger": "alentours.push",
        "message": "push",
        "title": "Pollution demain à Paris 4e",
        "body": "Indice mauvais : préférez la marche par les petites rues.",
        "language": "fr",
        "kind": "alert",
        "reason": "above_wish",
        "wave": "synthetic-wave",
        "tag": "air-75104",
        "urgent": True,
        "expires_at": "2026-11-26T19:00:00+00:00",
    }


def test_words_over_several_lines_stay_one_line(transport, caplog):
    caplog.set_level(logging.INFO)
    sent(transport, [make_log_parcel(body="one\n{two}\r\x1b[31m %s")])
    assert SilentFormatter().format(caplog.records[0]).isprintable()


def test_a_note_that_is_over_is_not_shown(transport, caplog):
    caplog.set_level(logging.INFO)
    assert sent(transport, [make_log_parcel(expires_at=NOW)]) == {0: Answer("again", "expired")}
    assert caplog.records == []


def test_a_million_messages_are_never_held_at_once(transport, monkeypatch):
    monkeypatch.setattr(logging.getLogger("alentours.push"), "disabled", True)
    parcels = Repeated(make_log_parcel(), 1_000_000)
    tracemalloc.start()
    try:
        counted = sum(len(batch) for batch in transport.send(parcels))
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert counted == 1_000_000
    assert peak_bytes < 1_000_000


def test_nothing_to_send_is_nothing_to_answer(transport):
    assert list(transport.send([])) == []
