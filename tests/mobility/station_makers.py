"""Synthetic bike share: stations as answers know them, records as feeds give them, systems that a test makes speak."""

from datetime import timedelta

from citizen_api.mobility import station_actions as actions
from citizen_api.mobility.station_rules import StationNow
from citizen_api.sources.gbfs import BikeReading, BikeStationRecord, BikeSystemRecord
from tests.conftest import SUNDAY_NIGHT

NOW = SUNDAY_NIGHT


def make_record(code="1", *, age_s=30, **facts):
    """Make a station in the middle of Paris, heard of half a minute before NOW."""
    plain = {
        "name": f"Synthetic {code}",
        "lat": 48.86,
        "lon": 2.35,
        "capacity": 20,
        "bikes": 5,
        "ebikes": 2,
        "docks": 15,
        "is_installed": True,
        "is_renting": True,
        "is_returning": True,
        "last_reported": NOW - timedelta(seconds=age_s),
    }
    return BikeStationRecord(code=code, **plain | facts)


def make_station(code="1", *, age_s=30, **facts):
    """Make a station that is heard of, as rules and searches know it."""
    record = make_record(code, age_s=age_s)
    plain = {name: getattr(record, name) for name in record.__dataclass_fields__}
    return StationNow(**plain | {"system_id": "synthetic", "age_s": age_s, "made_up": False} | facts)


def make_reading(*items, ttl_s=60.0, **said):
    system = BikeSystemRecord(**{"title": "Synthetic bikes"} | said)
    return BikeReading(system=system, items=list(items), ttl_s=ttl_s, updated_at=None)


def store(database, *records, system_id="synthetic", at=NOW, **said):
    """Have a system that was read at a moment, with these stations."""
    with database.session() as session:
        row = actions.keep_system(session, system_id)
        actions.describe_system(row, BikeSystemRecord(**said))
        row.fetched_at = at
        actions.store_stations(session, system_id, records, fetched_at=at)


class SyntheticSystem:
    """A system whose next answers a test says: readings, or errors that are raised; the last again and again."""

    def __init__(self, *answers):
        self.answers = list(answers) or [make_reading(make_record())]
        self.asked_at = []

    def read(self, now):
        self.asked_at.append(now)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer
