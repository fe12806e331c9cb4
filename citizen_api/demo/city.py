"""Starts the demo city beside the server: the bundled sample, and publishers of made-up facts."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from citizen_api.care import reading, stocks, sync
from citizen_api.care.rules import DEMO_SOURCE
from citizen_api.core.clock import system_clock
from citizen_api.core.db import Database
from citizen_api.core.downloads import download
from citizen_api.core.locks import TakenError
from citizen_api.core.settings import Settings
from citizen_api.demo.air import read_demo_air
from citizen_api.demo.bikes import read_demo_bikes
from citizen_api.demo.clinic import count_demo_slots, read_demo_clinic
from citizen_api.demo.publishers import DemoPublishers
from citizen_api.demo.rules import demo_hours
from citizen_api.mobility.local_factors import read_table
from citizen_api.mobility.networks import FOLDER as NETWORKS
from citizen_api.mobility.sample import build_sample
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
    read_demo_air(settings, database, system_clock)
    factors = Path(settings.mobility_local_factors) if settings.mobility_local_factors else None
    with suppress(TakenError):  # another start builds the same
        build_sample(settings.data_dir / NETWORKS, now=now, table=read_table(factors))
    bikes = read_demo_bikes(settings, database, system_clock)
    if bikes and bikes.stations:
        say(
            f"Demo city: {bikes.stations} bike share stations with MADE-UP counts, and the streets of central Paris "
            "(© OpenStreetMap contributors). Try docs/moving.md"
        )
    read_demo_clinic(settings, database, system_clock)
    with database.session(write=False) as session:
        slots = count_demo_slots(session)
    say(f"Demo city: {slots} MADE-UP slots of clinics that do not exist. Try /v1/teleconsultations/slots?commune=75104")
    say("Demo city: its air, pollen, UV and weather warnings are MADE UP too. Try /v1/air?commune=75104")
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
