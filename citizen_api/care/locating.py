"""Asks the outside geocoder for the addresses of places that no source positions: a stage after an import.

The address of a practice leaves the installation, and nothing else. No transaction is open while it is asked for;
what a batch of answers tells is written in one, with the places that move. A run that is killed, stopped by its time
or by a geocoder that is down has lost a batch at most: the next one asks for the rest. Until then these places stand
at the centre of their commune, flagged approximate.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from citizen_api.care import actions, addresses, record_queries
from citizen_api.care.addresses import Address
from citizen_api.core.db import Database
from citizen_api.sources.ban import FoundAddress
from citizen_api.territory.geocoding import GeocoderState, GuardedGeocoder

BATCH_ADDRESSES: Final = 50
PAUSE_S: Final = 0.1
"""Between two questions: half as often as the geocoder's guard allows."""

FAILURES: Final = 3
"""So many questions in a row without an answer, and it is left alone."""

AFTER_IMPORT_S: Final = 600.0
"""How long an import goes on asking; `care place` does the rest."""


@dataclass(slots=True)
class LocatingReport:
    """What came of the addresses: places moved to theirs, addresses not known, addresses still to be asked for."""

    places: int = 0
    not_known: int = 0
    waiting: int = 0


def locate_places(
    database: Database,
    geocoder: GuardedGeocoder,
    *,
    now: datetime,
    most_s: float | None = None,
    progress: Callable[[str, int, int], None] = lambda *_: None,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> LocatingReport:
    """Place by their addresses what no source positions, for `most_s` seconds at most.

    To be called by whoever holds the right to import (`importing.only_import`).
    """
    with database.session(write=False) as session:
        wanted = addresses.to_ask(session, now=now)
        towns = record_queries.towns(session)
    report = LocatingReport(waiting=len(wanted))
    if geocoder.off:
        return report
    deadline = None if most_s is None else monotonic() + most_s

    def told() -> Iterator[tuple[Address, FoundAddress | None]]:
        failures = 0
        for address in wanted:
            if failures == FAILURES or (deadline is not None and monotonic() >= deadline):
                return
            answer = geocoder.search(address.text)
            if answer.state is GeocoderState.ANSWERED:
                failures = 0
                yield address, addresses.believed(answer.addresses, address, towns)
            else:
                failures += 1
            sleep(PAUSE_S)

    answers = told()
    while batch := list(islice(answers, BATCH_ADDRESSES)):
        _write(database, batch, wanted, report, now=now)
        progress("placing", len(wanted) - report.waiting, len(wanted))
    return report


def _write(
    database: Database,
    answers: list[tuple[Address, FoundAddress | None]],
    wanted: dict[Address, list[str]],
    report: LocatingReport,
    *,
    now: datetime,
) -> None:
    ids = [facility_id for address, found in answers if found for facility_id in wanted[address]]
    with database.session() as session:
        addresses.remember(session, answers, now=now)
        if actions.merge_facilities(session, ids, now=now):
            actions.move_directory_version(session, now=now)
    report.places += len(ids)
    report.not_known += sum(found is None for _, found in answers)
    report.waiting -= len(answers)
