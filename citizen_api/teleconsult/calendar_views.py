"""The calendar file of a handoff, under its short link."""

from __future__ import annotations

from typing import Final

import flask
from flask import Response

from citizen_api.core.problems import Problem
from citizen_api.teleconsult import calendar_queries, handoff_queries
from citizen_api.teleconsult import handoff_rules as rules
from citizen_api.teleconsult.calendar import Appointment, calendar_file, has_file
from citizen_api.teleconsult.handoff_pages import LIMIT, on_problem, page
from citizen_api.web.http import count_against
from citizen_api.web.language import language
from citizen_api.web.services import now, services
from content.catalogue import catalogue

pages = flask.Blueprint("handoff_calendar", __name__, template_folder="templates")
pages.register_error_handler(Problem, on_problem)

FILE_NAME: Final = "alentours.ics"
_TITLES: Final = dict.fromkeys((rules.MADE, rules.OPENED), "calendar_unconfirmed")


@pages.get("/h/<token>.ics")
def calendar(token: str) -> Response:
    """Give the appointment as a calendar file; the page of a link that is over, where there is none (any more).

    Nothing moves by it. One that is only being booked is tentative: a calendar knows it by its name when it is booked.
    """
    with services().database.session(write=False) as own:
        handoff = handoff_queries.handoff_of(own, token)
        state = rules.EXPIRED if handoff is None else rules.state_at(handoff.state, handoff.expires_at, now())
        if handoff is None:
            count_against(LIMIT)  # somebody may be guessing
        if handoff is None or not has_file(state, handoff.starts_s):
            return page("over")
        appointment = Appointment(
            uid=handoff.id,
            state=state,
            sequence=handoff.sequence,
            starts_s=handoff.starts_s,
            ends_s=handoff.ends_s,
            lang=language(),
            summary=catalogue().booking["insight"][_TITLES.get(state, "calendar_summary")].say(language()),
            address=calendar_queries.address_of(own, handoff),
        )
    response = Response(calendar_file(appointment, now=now()), content_type="text/calendar; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Disposition"] = f'attachment; filename="{FILE_NAME}"'
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response
