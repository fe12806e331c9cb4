"""Synthetic publications of air facts in their documented forms, and a publisher of them over loopback."""

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from citizen_api.core.outgoing import allow_origin, forget_origin


def make_index(**properties):
    return {
        "aasqa": "11",
        "date_maj": "2023/12/18 14:32:34.817+01",
        "code_no2": 2,
        "code_o3": 1,
        "code_pm10": 2,
        "code_pm25": 3,
        "code_so2": 1,
        "code_qual": 3,
        "lib_qual": "Dégradé",
        "coul_qual": "#F0E641",
        "code_zone": "75104",
        "lib_zone": "Paris 4e Arrondissement",
        "type_zone": "commune",
        "date_dif": "2023-12-18",
        "date_ech": "2023-12-19",
        "source": "Airparif",
        "x_wgs84": 2.35,
        "y_wgs84": 48.85,
    } | properties


def make_pollen(**properties):
    return {
        "alerte": False,
        "pollen_resp": "BETULA GRAMINEE",
        "code_qual": 3,
        "code_aul": 1,
        "code_boul": 3,
        "code_oliv": 0,
        "code_gram": 2,
        "code_arm": 1,
        "code_ambr": 1,
        "conc_boul": 41.5,
        "code_zone": "75056",
        "type_zone": "commune",
        "date_ech": "2026-04-21",
        "date_maj": "2026-04-21T10:01:02.983Z",
        "source": "Airparif",
    } | properties


def make_episode(**properties):
    return {
        "etat": "INFORMATION ET RECOMMANDATION",
        "lib_pol": "Particules PM10",
        "code_pol": "5",
        "code_zone": "13",
        "lib_zone": "BOUCHES-DU-RHONE",
        "date_ech": "2026-10-05",
        "date_maj": "2026-10-04T13:20:00.000Z",
        "date_dif": "2026-10-05T00:00:00Z",
    } | properties


def geojson(*features):
    collection = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "geometry": None, "properties": each} for each in features],
    }
    return json.dumps(collection).encode()


def make_place(**changes):
    """Build what Open-Meteo answers for one place: two hours."""
    hourly = {
        "time": ["2026-10-06T00:00", "2026-10-06T01:00"],
        "pm2_5": [8.5, None],
        "pm10": [12.0, 13.0],
        "nitrogen_dioxide": [20.5, 21.0],
        "ozone": [40.0, 41.0],
        "sulphur_dioxide": [1.0, 1.1],
        "european_aqi": [20, 21],
    }
    return {
        "latitude": 48.85,
        "longitude": 2.35,
        "utc_offset_seconds": 0,
        "timezone": "GMT",
        "hourly_units": {"time": "iso8601"} | dict.fromkeys(hourly.keys() - {"time", "european_aqi"}, "μg/m³"),
        "hourly": hourly,
    } | changes


def make_phenomenon(number="6", *parts, worst=None):
    """Build a phenomenon of the vigilance map; `parts`: (begin, end, colour) with times of day on 2026-07-01, UTC."""
    items = [
        {"begin_time": f"2026-07-01T{begin}:00Z", "end_time": f"2026-07-01T{end}:00Z", "color_id": colour}
        for begin, end, colour in parts
    ]
    worst = worst or max((colour for _, _, colour in parts), default=1)
    return {"phenomenon_id": number, "phenomenon_max_color_id": worst, "timelaps_items": items}


def make_map(domains, **period):
    """Build a vigilance map of one period, {domain: phenomena}."""
    domain_ids = [{"domain_id": code, "phenomenon_items": items} for code, items in domains.items()]
    return {
        "product": {
            "warning_type": "vigilance",
            "update_time": "2026-07-01T04:00:12Z",
            "periods": [
                {
                    "echeance": "J",
                    "begin_validity_time": "2026-07-01T04:00:00Z",
                    "end_validity_time": "2026-07-01T22:00:00Z",
                    "timelaps": {"domain_ids": domain_ids},
                }
                | period
            ],
        }
    }


@dataclass
class Answer:
    """What the publisher says next."""

    body: bytes = b"{}"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Call:
    """What it was asked."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


class AirPublisher:
    """Answers each path from its list, the last answer again and again; remembers every call."""

    def __init__(self):
        self.answers: dict[str, list[Answer]] = {}
        self.calls: list[Call] = []
        self.released = threading.Event()
        self.released.set()
        self.port = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def paths(self):
        return [call.path for call in self.calls]


class Handler(BaseHTTPRequestHandler):
    def _answer(self):
        publisher = self.server.publisher
        asked = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        publisher.calls.append(Call(self.command, asked.path, parse_qs(asked.query), dict(self.headers), body))
        publisher.released.wait()
        waiting = publisher.answers.get(asked.path, [Answer(status=404)])
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = _answer  # noqa: N815 - the name that http.server calls
    do_POST = _answer  # noqa: N815

    def log_message(self, *_args):
        """Say nothing."""


class Server(ThreadingHTTPServer):
    def handle_error(self, *_args):
        """A client that gave up is what some tests are about."""


@contextmanager
def make_air_publisher():
    """Publish over loopback, and let this process call that origin."""
    publisher = AirPublisher()
    server = Server(("127.0.0.1", 0), Handler)
    server.publisher = publisher
    publisher.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    allow_origin("127.0.0.1", publisher.port)
    yield publisher
    forget_origin("127.0.0.1", publisher.port)
    publisher.released.set()
    server.shutdown()
    thread.join()
    server.server_close()
