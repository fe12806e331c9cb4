"""Starts the demo city beside the server: the bundled sample, and publishers of made-up facts."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

from citizen_api.care import reading, stocks, sync
from citizen_api.care.rules import DEMO_SOURCE
from citizen_api.core.clock import system_clock
from citizen_api.core.db import Database
from citizen_api.core.downloads import download
from citizen_api.core.outgoing import allow_origin, forget_origin
from citizen_api.core.settings import Settings
from citizen_api.demo.rules import demo_hours
from citizen_api.sources.generic_csv import parse_mapping

Say = Callable[[str], None]
_HOURS_PATH: Final = "/pharmacy-hours.csv"
_MAPPING: Final = """
source:
  id: {source}
  title: Ville de démonstration (horaires fictifs)
  producer: Alentours
  licence: aucune, faits fictifs
  date: {today:%Y-%m-%d}
complete: true
columns: {{finess: finess, nom: name, horaires: opening_hours}}
category: pharmacy
delimiter: ","
encoding: utf-8
"""


class DemoPublishers:
    """Loopback HTTP server of the demo feeds. Use as a context manager, or `start` and leave it running."""

    def __init__(self, feeds: Mapping[str, Callable[[], bytes]]) -> None:
        published = MappingProxyType(dict(feeds))

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                feed = published.get(self.path)
                body = feed() if feed else b""
                self.send_response(200 if feed else 404)
                self.send_header("Content-Type", "text/csv; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
                """Say nothing: the server's log has one format."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True, name="demo")

    def __enter__(self) -> Self:
        """Serve, and let this process read its own feeds."""
        allow_origin("127.0.0.1", self.port)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        forget_origin("127.0.0.1", self.port)

    def url(self, path: str) -> str:
        """Address of a feed."""
        return f"http://127.0.0.1:{self.port}{path}"


def start_demo_city(settings: Settings, database: Database, *, say: Say) -> None:
    """Import the bundled sample and what the demo city publishes now; says what is made up.

    Of the sample only the sources that were never imported: an operator's newer file is not undone.
    Raises ImportRunningError, TooManyVanishingError.
    """
    now = system_clock()
    sample = stocks.sample_stock()
    if missing := sync.never_imported(database, sample):
        say("Demo city: importing the bundled sample (once) …")
        part = stocks.part_of(sample, missing)
        sync.run_import(database, part, now=now, reports_dir=settings.data_dir / "imports")
    feeds = {_HOURS_PATH: lambda: hours_feed(database)}
    with DemoPublishers(feeds) as publishers:
        path = download(publishers.url(_HOURS_PATH), settings)
        stock = hours_stock(path, now)
        report = sync.run_import(database, stock, now=now, reports_dir=settings.data_dir / "imports", force=True)
    total = report.counts.total() - report.counts["closed"]
    say(f"Demo city: the opening hours of {total} pharmacies are MADE UP (source “demo”). Do not rely on them.")


def hours_stock(path: Path, now: datetime) -> sync.Stock:
    """Describe the demo feed of hours, dated today, as any city's list is described."""
    return stocks.mapped_stock(path, parse_mapping(_MAPPING.format(source=DEMO_SOURCE, today=now)))


def hours_feed(database: Database) -> bytes:
    """Publish made-up hours for most pharmacies that have a FINESS number."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["finess", "nom", "horaires"])
    with database.session(write=False) as session:
        for place in reading.places(session):
            finess = dict(place.identifiers).get("finess")
            if finess and "pharmacy" in place.categories and (hours := demo_hours(finess)):
                writer.writerow([finess, place.name, hours])
    return text.getvalue().encode()
