"""Synthetic publications in the form of SMART Scheduling Links, and servers that misbehave below HTTP."""

import json
import socket
import threading
import tracemalloc
from contextlib import contextmanager

from citizen_api.core.outgoing import allow_origin, forget_origin
from citizen_api.sources.scheduling_links import read_lines
from tests.sources.air_makers import Answer

EXTENSION = "http://fhir-registry.smarthealthit.org/StructureDefinition"
LINK = "https://synthetic-clinic.example/book?slot=1"
PHONE = "+33123456789"
START_S = 1_795_595_400
"""2026-11-25T08:30:00Z."""


def extension(name, base=EXTENSION, **value):
    return {"url": f"{base}/{name}", **value}


def make_slot(slot_id="s1", **changes):
    """Make a free slot with everything that the guide knows."""
    return {
        "resourceType": "Slot",
        "id": slot_id,
        "schedule": {"reference": "Schedule/c1"},
        "status": "free",
        "start": "2026-11-25T09:30:00.000+01:00",
        "end": "2026-11-25T09:50:00.000+01:00",
        "extension": [
            extension("booking-deep-link", valueUrl=LINK),
            extension("booking-phone", valueString=PHONE),
            extension("slot-capacity", valueInteger=3),
        ],
    } | changes


def make_schedule(**changes):
    """Make a calendar of a general practitioner, at a place."""
    return {
        "resourceType": "Schedule",
        "id": "c1",
        "serviceType": [concept("124", "http://terminology.hl7.org/CodeSystem/service-type")],
        "actor": [{"reference": "Practitioner/p1"}, {"reference": "Location/l1"}],
    } | changes


def make_location(location_id="l1", **changes):
    return {
        "resourceType": "Location",
        "id": location_id,
        "name": "Cabinet d'essai",
        "telecom": [{"system": "url", "value": LINK}, {"system": "phone", "value": "01 23 45 67 89"}],
        "address": {"line": ["2 RUE DE L'ESSAI", "Bâtiment B"], "city": "PARIS 16", "postalCode": "75016"},
        "position": {"latitude": 48.863_412_345_678_9, "longitude": 2.274_6},
        "identifier": [{"system": "http://finess.sante.gouv.fr", "value": "750000018"}],
    } | changes


def concept(code, system="", display=""):
    return {"coding": [{"system": system, "code": code, "display": display}]}


def lines(*documents):
    return b"".join(json.dumps(document).encode() + b"\n" for document in documents)


def read(*documents):
    return list(read_lines([lines(*documents)]))


def read_one(document):
    (item,) = read(document)
    return item


def refused_code(document):
    """Code of the reason for which a line is rejected, a good one standing beside it."""
    item, _ = read(document, make_slot("beside"))
    return item.code


def make_manifest(**changes):
    output = [{"type": kind, "url": f"{kind.lower()}s.ndjson"} for kind in ("Slot", "Location", "Schedule")]
    return json.dumps({"transactionTime": "2026-11-25T08:00:00.123Z", "output": output, "error": []} | changes).encode()


def make_publication(**headers):
    """Answers of a publisher: a manifest, three files."""
    return {
        "/$bulk-publish": [Answer(make_manifest(), headers=headers)],
        "/locations.ndjson": [Answer(lines(make_location()), headers=headers)],
        "/schedules.ndjson": [Answer(lines(make_schedule()), headers=headers)],
        "/slots.ndjson": [Answer(lines(make_slot(), make_slot("s2", status="busy")), headers=headers)],
    }


def peak_bytes(task):
    """Give the most memory that Python held at once for a task, beyond what it held before."""
    tracemalloc.start()
    task()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


@contextmanager
def make_raw_server(answer):
    """Serve loopback connections by `answer(connection)`, once the request has been read; give the address."""
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]

    def serve():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.recv(65_536)
                try:
                    answer(connection)
                except OSError:
                    """The client gave up, which is what some tests are about."""

    thread = threading.Thread(target=serve)
    thread.start()
    allow_origin("127.0.0.1", port)
    yield f"http://127.0.0.1:{port}"
    forget_origin("127.0.0.1", port)
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()
