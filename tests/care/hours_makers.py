"""Asks for opening hours by a wall-clock time, for the tests of hours and holidays."""

from datetime import datetime

from citizen_api.care.hours import Opening, parse_hours

PARIS, LYON, MARSEILLE, STRASBOURG, AJACCIO = "75056", "69123", "13055", "67482", "2A004"


def make_opening(expression, at, insee_code=PARIS, **where) -> Opening:
    """The answer at a wall-clock time such as "2026-11-23 10:00", or at an instant."""
    hours = parse_hours(expression, insee_code=insee_code, **where)
    at = datetime.fromisoformat(at) if isinstance(at, str) else at
    return hours.at(at if at.tzinfo else at.replace(tzinfo=hours.zone))


def make_state(expression, at, insee_code=PARIS, **where) -> str:
    return make_opening(expression, at, insee_code, **where).state


def make_until(expression, at, insee_code=PARIS, **where) -> str | None:
    until = make_opening(expression, at, insee_code, **where).until
    return until.isoformat(timespec="minutes") if until else None
