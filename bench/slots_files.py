"""Synthetic publishers of slots: NDJSON in a folder, served to the product's own HTTP client by a transport.

A transport answers inside the process: what is measured is the product, not a server that shares its cores. All of the
reading stays as it is: the manifest, conditional questions, pieces of 64 KiB, limits, digests. Every fact is made up.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import numpy as np

from bench.synthetic import Communes, read_communes, spread
from citizen_api.demo.clinic_feed import PARIS

SEED = 8
OF_ONE_CALENDAR, CALENDARS_OF_ONE_PLACE, SLOTS_OF_ONE_FILE = 100, 5, 100_000
DAYS = 14
SPECIALTIES = {
    # HL7's service types, and how many of 1,000 calendars are for each.
    ("124", "General Practice"): 400,
    ("88", "General Dental"): 120,
    ("200", "Paediatric Medicine"): 80,
    ("186", "Gynaecology"): 60,
    ("217", "Ophthalmology"): 60,
    ("168", "Dermatology"): 50,
    ("57", "Immunization"): 50,
    ("65", "Physiotherapy"): 50,
    ("141", "Psychiatry"): 40,
    ("165", "Cardiology"): 30,
    ("182", "Rheumatology"): 20,
    ("177", "Neurology"): 20,
    ("184", "Respiratory Medicine"): 15,
    ("172", "Allergy"): 5,
}
MODALITIES = {"AMB": 650, "VR": 300, "HH": 50}
_PIECE = 65_536


@dataclass(frozen=True, slots=True)
class Size:
    """How much is published."""

    publishers: int
    slots: int

    @property
    def slots_each(self) -> int:
        """Of one publisher."""
        return self.slots // self.publishers


def host_of(publisher: int) -> str:
    """Where a publisher is found."""
    return f"p{publisher:04d}.synthetic-slots.example"


def manifest_url(publisher: int) -> str:
    """Where it says what it publishes."""
    return f"https://{host_of(publisher)}/$bulk-publish"


def write_publishers(folder: Path, size: Size, *, now: datetime) -> None:
    """Write everything that the publishers say of the two weeks after `now`."""
    draw = np.random.default_rng(SEED)
    communes = read_communes()
    first = now.astimezone(PARIS).replace(hour=8, minute=0, second=0, microsecond=0) + timedelta(days=1)
    starts = [first + timedelta(days=day, minutes=15 * quarter) for day in range(DAYS) for quarter in range(48)]
    ends = [(start + timedelta(minutes=15)).isoformat() for start in starts]
    times = list(zip([start.isoformat() for start in starts], ends, strict=True))
    for publisher in range(size.publishers):
        _write_publisher(folder / host_of(publisher), publisher, size.slots_each, times, communes, draw, now)


def _write_publisher(
    folder: Path,
    publisher: int,
    slots: int,
    times: list[tuple[str, str]],
    communes: Communes,
    draw: np.random.Generator,
    now: datetime,
) -> None:
    folder.mkdir(parents=True)
    calendars = max(1, slots // OF_ONE_CALENDAR)
    places = max(1, calendars // CALENDARS_OF_ONE_PLACE)
    chosen, positions = spread(communes, places, seed=SEED + publisher)
    _write(folder / "Location.ndjson", (_location(at, communes, chosen, positions) for at in range(places)))
    _write(folder / "Schedule.ndjson", _schedules(calendars, places, draw))
    files = [f"Slot-{number}.ndjson" for number in range(-(-slots // SLOTS_OF_ONE_FILE))]
    for number, name in enumerate(files):
        begins, ends = number * SLOTS_OF_ONE_FILE, min((number + 1) * SLOTS_OF_ONE_FILE, slots)
        drawn = draw.integers(len(times), size=ends - begins).tolist()
        host = host_of(publisher)
        with (folder / name).open("w", encoding="utf-8") as file:
            file.writelines(
                _slot(at, calendars, times[time], host) for at, time in zip(range(begins, ends), drawn, strict=True)
            )
    output = [
        {"type": name.split(".")[0].split("-")[0], "url": name}
        for name in ("Location.ndjson", "Schedule.ndjson", *files)
    ]
    said = {"transactionTime": now.isoformat(), "request": manifest_url(publisher), "output": output, "error": []}
    (folder / "$bulk-publish").write_text(json.dumps(said), encoding="utf-8")


def _location(at: int, communes: Communes, chosen: np.ndarray, positions: np.ndarray) -> dict[str, object]:
    lat, lon = positions[at].tolist()
    commune = chosen[at]
    return {
        "resourceType": "Location",
        "id": f"place-{at}",
        "name": f"Cabinet d'essai {at}",
        "address": {
            "line": [f"{at + 1} rue d'Essai"],
            "city": communes.names[commune],
            "postalCode": communes.postcodes[commune],
        },
        "position": {"latitude": lat, "longitude": lon},
    }


def _schedules(calendars: int, places: int, draw: np.random.Generator) -> Iterator[dict[str, object]]:
    kinds, ways = list(SPECIALTIES), list(MODALITIES)
    shares = np.array(list(SPECIALTIES.values())) / sum(SPECIALTIES.values())
    way_shares = np.array(list(MODALITIES.values())) / sum(MODALITIES.values())
    drawn = zip(
        draw.choice(len(kinds), calendars, p=shares), draw.choice(len(ways), calendars, p=way_shares), strict=True
    )
    for number, (kind, way) in enumerate(drawn):
        code, display = kinds[kind]
        actor = [] if ways[way] == "VR" else [{"reference": f"Location/place-{number % places}"}]
        yield {
            "resourceType": "Schedule",
            "id": f"calendar-{number}",
            "serviceType": [
                {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/service-type",
                            "code": code,
                            "display": display,
                        }
                    ]
                },
                {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": ways[way]}]},
            ],
            "actor": actor,
        }


def _slot(at: int, calendars: int, time: tuple[str, str], host: str) -> str:
    start, end = time
    # As a publisher writes it; put together by hand, for a million are written.
    return (
        f'{{"resourceType":"Slot","id":"slot-{at}","schedule":{{"reference":"Schedule/calendar-{at % calendars}"}},'
        f'"status":"free","start":"{start}","end":"{end}","extension":[{{"url":"http://fhir-registry.smarthealthit.org/'
        f'StructureDefinition/booking-deep-link","valueUrl":"https://{host}/book?slot=slot-{at}"}},'
        '{"url":"http://fhir-registry.smarthealthit.org/StructureDefinition/slot-capacity","valueInteger":1}]}\n'
    )


def _write(path: Path, documents: Iterable[dict[str, object]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(document, ensure_ascii=False) + "\n" for document in documents)


class FolderTransport(httpx.BaseTransport):
    """Serves the folder of `write_publishers`, with ETags; counts what it was asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.asked = 0
        self.unchanged = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one question."""
        self.asked += 1
        path = self._folder / request.url.host / request.url.path.lstrip("/")
        if not path.is_file():
            return httpx.Response(404)
        told = path.stat()
        etag = f'"{told.st_mtime_ns:x}-{told.st_size:x}"'
        if request.headers.get("If-None-Match") == etag:
            self.unchanged += 1
            return httpx.Response(304, headers={"ETag": etag})
        return httpx.Response(200, headers={"ETag": etag, "Content-Length": str(told.st_size)}, stream=_Pieces(path))


class _Pieces(httpx.SyncByteStream):
    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece
