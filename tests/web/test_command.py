"""How commands tell the progress of long work."""

import io
import sys

from citizen_api.web.command import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def told_on(stream, monkeypatch, tell) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    tell()
    return stream.getvalue()


def work(progress):
    for done in range(0, 100, 10):
        progress("reading", done, 100)
    progress("writing", 100, 100)
    progress.close()


def test_elsewhere_than_on_a_terminal_there_is_a_plain_line_now_and_then(monkeypatch):
    told = told_on(io.StringIO(), monkeypatch, lambda: work(Progress(plain_every=40)))
    assert told.splitlines() == [
        "reading",
        "reading: 40 of 100 rows",
        "reading: 80 of 100 rows",
        "writing: 100 of 100 rows",
    ]


def test_on_a_terminal_there_is_a_bar(monkeypatch):
    told = told_on(Terminal(), monkeypatch, lambda: work(Progress()))
    assert "reading:" in told
    assert "\r" in told
    assert "\n" not in told


def test_a_download_counts_bytes(monkeypatch):
    told = told_on(io.StringIO(), monkeypatch, lambda: Progress("bytes")("downloading", 10, 0))
    assert told == "downloading: 10 bytes\n"
