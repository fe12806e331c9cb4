"""Routes of places of care."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Response

from citizen_api.care import actions, nearest, present, queries, reading, report_schemas, schemas
from citizen_api.care import features as named
from citizen_api.care.categories import CATEGORIES
from citizen_api.care.directory import Directory
from citizen_api.care.keeper import FOLDER, DirectoryKeeper, choose_compiled_folder, run_builder
from citizen_api.care.picture import NearestPicture
from citizen_api.care.services import SERVICES
from citizen_api.core.geo import check_position
from citizen_api.core.problems import (
    CursorInvalid,
    NotAcceptable,
    OutsideTerritory,
    PositionMissing,
    PositionOutOfRange,
    PositionSwapped,
    Problem,
)
from citizen_api.people import actions as people_actions
from citizen_api.people import rules as people_rules
from citizen_api.territory import queries as territory_queries
from citizen_api.territory.problems import CommuneUnknown, CommuneWithoutPosition
from citizen_api.web.auth import Staff, current_staff
from citizen_api.web.blueprint import Blueprint
from citizen_api.web.fields import check_one_place
from citizen_api.web.language import language
from citizen_api.web.negotiation import preferred_type
from citizen_api.web.pictures import SVG
from citizen_api.web.services import Services, end_session, now, services, session

blp = Blueprint("care", __name__, description="Places of care: nearest, open now, on a map.")
GEOJSON = "application/geo+json"
OFFERED = ("application/json", GEOJSON)
DRAWN = (*OFFERED, SVG)
MAX_ON_MAP = 200
MAX_REPORT_ID = 2**31 - 1


class CategoryUnknown(Problem):
    """See `content/problems.yaml`."""

    name, status = "category-unknown", 422


class ServiceUnknown(Problem):
    """See `content/problems.yaml`."""

    name, status = "service-unknown", 422


class FacilityUnknown(Problem):
    """See `content/problems.yaml`."""

    name, status = "facility-unknown", 404


class ReportUnknown(Problem):
    """See `content/problems.yaml`."""

    name, status = "report-unknown", 404


class BoxInvalid(Problem):
    """See `content/problems.yaml`."""

    name, status = "bbox-invalid", 422


NEAREST_PROBLEMS: tuple[type[Problem], ...] = (
    PositionMissing,
    PositionOutOfRange,
    PositionSwapped,
    CategoryUnknown,
    ServiceUnknown,
    CommuneUnknown,
    CommuneWithoutPosition,
    CursorInvalid,
)
"""What can be wrong with a question for the nearest."""


def install(services: Services) -> None:
    """Give the app its directory."""
    choose_compiled_folder(services.settings)

    def read_stamp() -> str:
        with services.database.session(write=False) as session:
            return reading.stamp(session)

    keeper = DirectoryKeeper(
        services.settings.data_dir / FOLDER,
        read_stamp=read_stamp,
        read_places=lambda: reading.open_places(services.database),
        clock=services.clock,
        check_every_s=services.settings.directory_check_s,
        start_builder=lambda: run_builder(services.settings),
    )
    services.ports.setdefault(DirectoryKeeper, keeper)

    def check_directory() -> dict[str, Any]:
        directory = services.port(DirectoryKeeper).current()
        age = services.clock() - directory.built_at
        return {
            "facilities": len(directory),
            "version": directory.stamp,
            "age_s": round(age.total_seconds(), 1),
        }

    services.readiness["directory"] = check_directory


@blp.get("/v1/care/nearest")
@blp.arguments(schemas.NearestArgs, location="query")
@blp.response(200, schemas.NearestView)
@blp.alt_response(
    200, schema={"type": "object", "description": "The same as a FeatureCollection."}, content_type=GEOJSON
)
@blp.alt_response(200, schema={"type": "string", "description": "The same on a map."}, content_type=SVG)
@blp.problems(*NEAREST_PROBLEMS, NotAcceptable)
def nearest_care(args: dict[str, Any]) -> Any:
    """Find places of care, nearest first.

    With `open`, `items` holds those known to be open at that moment and `hours_unknown` the five nearest whose
    hours nobody told; closed ones are left out. The order is distance on the ellipsoid, then id: nobody can pay
    for a place. Ask for `application/geo+json` to get a GeoJSON FeatureCollection, for `image/svg+xml` to get a map.
    """
    picture = services().ports.get(NearestPicture)
    wanted = preferred_type(OFFERED if picture is None else DRAWN)
    directory, question, answer = find_nearest(args)
    if picture is not None and wanted == SVG:
        return picture.draw(directory, question, answer)
    cursor = nearest.next_cursor(directory, question, answer)
    body = present.answer_json(directory, answer, cursor=cursor, at=question.moment, lang=language())
    return geojson(body, "hours_unknown", "instead") if wanted == GEOJSON else ready_json(body)


def find_nearest(args: dict[str, Any]) -> tuple[Directory, nearest.Question, nearest.Answer]:
    """Answer the arguments of "nearest". Raises NEAREST_PROBLEMS."""
    directory = current_directory()
    question, centre_notice = _question(args, directory)
    answer = nearest.find_nearest(directory, question)
    answer.notices.extend(centre_notice)
    return directory, question, answer


@blp.get("/v1/care/within")
@blp.arguments(schemas.WithinArgs, location="query")
@blp.response(200, schemas.WithinView)
@blp.alt_response(
    200, schema={"type": "object", "description": "The same as a FeatureCollection."}, content_type=GEOJSON
)
@blp.problems(BoxInvalid, CategoryUnknown, NotAcceptable)
def care_within(args: dict[str, Any]) -> Any:
    """Show the places in a box of the map; grouped when there are more than 200."""
    as_geojson = preferred_type(OFFERED) == GEOJSON
    west, south, east, north = _box(args["bbox"])
    categories = known_categories(args["category"])
    directory = current_directory()
    body = present.within_json(
        directory,
        directory.within(south=south, west=west, north=north, east=east, categories=categories),
        categories=categories,
        at=now(),
        lang=language(),
        box=(west, south, east, north),
        most=MAX_ON_MAP,
    )
    return geojson(body) if as_geojson else ready_json(body)


@blp.get("/v1/care/categories")
@blp.response(200, schemas.CategoriesView)
@blp.cacheable(300)
def categories() -> dict[str, Any]:
    """List what can be looked for, in a resident's words."""
    return {"items": present.category_views(language(), current_directory().counts()), "next": None}


@blp.get("/v1/care/services")
@blp.response(200, schemas.ServicesView)
@blp.cacheable(300)
def offered_services() -> dict[str, Any]:
    """List what a place may be asked to offer, in a resident's words."""
    lang = language()
    return {
        "items": [
            {"id": service.id, "label": getattr(service, lang), "hint": getattr(service, f"hint_{lang}")}
            for service in SERVICES.values()
        ],
        "next": None,
    }


@blp.get("/v1/emergency")
@blp.response(200, schemas.EmergenciesView)
@blp.cacheable(3600)
def emergency() -> dict[str, Any]:
    """List the numbers to call, or to write to, in an emergency."""
    return {"items": present.emergency_view(language(), short=False), "next": None}


@blp.get("/v1/care/reports")
@blp.arguments(report_schemas.ReportsArgs, location="query")
@blp.response(200, report_schemas.ReportsView)
@blp.staff("moderator", "reader")
def reports(args: dict[str, Any]) -> dict[str, Any]:
    """List residents' reports in the territory of one's organisation, oldest first."""
    staff = current_staff()
    rows = queries.reports(
        session(),
        settled=args["settled"],
        territory=(staff.territory_kind, staff.territory_code),
        after_id=args["cursor"],
        limit=args["limit"] + 1,
    )
    page = rows[: args["limit"]]
    return {
        "items": [present.report_view(*row) for row in page],
        "next": page[-1][0].id if len(rows) > len(page) else None,
    }


@blp.post(f"/v1/care/reports/<int(max={MAX_REPORT_ID}):report_id>/settlement")
@blp.arguments(report_schemas.SettlementBody)
@blp.response(200, report_schemas.ReportView)
@blp.staff("moderator")
@blp.problems(ReportUnknown, OutsideTerritory, actions.ReportSettled)
def settle(args: dict[str, Any], report_id: int) -> dict[str, Any]:
    """Settle a report: accepted (the list will be corrected at its source) or rejected."""
    row = queries.report_to_settle(session(), report_id)
    facility = queries.facility(session(), row.facility_id) if row else None
    if row is None or facility is None:
        raise ReportUnknown
    staff = current_staff()
    if not _acts_in(staff, facility.commune_code):
        raise OutsideTerritory
    actions.settle_report(session(), row, settlement=args["settlement"], note=args.get("note"), now=now())
    people_actions.record_staff_change(
        session(),
        staff,
        action="care.report.settle",
        subject=f"report {row.id}",
        details={"facility": facility.id, "settlement": args["settlement"]},
        now=now(),
    )
    return present.report_view(row, facility)


@blp.get("/v1/care/<string(maxlength=16):facility_id>")
@blp.response(200, schemas.FacilityPageView)
@blp.problems(FacilityUnknown)
@blp.cacheable(60)
def facility(facility_id: str) -> dict[str, Any]:
    """Show one place; one that closed for good keeps answering, and says so."""
    directory = current_directory()
    place = queries.place(session(), facility_id)
    if place is None:
        raise FacilityUnknown
    return present.page_view(place, at=now(), lang=language(), demo=directory.has_demo)


@blp.post("/v1/care/<string(maxlength=16):facility_id>/reports")
@blp.arguments(report_schemas.ReportBody)
@blp.response(202, report_schemas.ReportReceivedView)
@blp.limited("rate_limit_reports")
@blp.problems(FacilityUnknown)
def report(args: dict[str, Any], facility_id: str) -> dict[str, str]:
    """Report what is wrong about a place; a moderator looks at it. Nothing tells who reported.

    The same kind on the same place waits once, with how often it was reported and the ten newest comments.
    """
    if queries.facility(session(), facility_id) is None:
        raise FacilityUnknown
    actions.report_facility(
        session(), facility_id=facility_id, kind=args["kind"], comment=args.get("comment"), now=now()
    )
    return {"status": "queued"}


def current_directory() -> Directory:
    """Give the directory of this moment."""
    return services().port(DirectoryKeeper).current()


def _question(
    args: dict[str, Any], directory: Directory
) -> tuple[nearest.Question, list[tuple[str, dict[str, object]]]]:
    lat, lon, notices = _position(args)
    open_at = args.get("open")
    question = nearest.Question(
        lat=lat,
        lon=lon,
        categories=known_categories(args["category"]),
        at=now(),
        open_at=now() if open_at == "now" else open_at,
        open_now=open_at == "now",
        wheelchair=args["wheelchair"],
        features=_features(args),
        radius_m=args.get("radius_m"),
        limit=args["limit"],
    )
    if "cursor" in args:
        question = nearest.turn_page(directory, question, args["cursor"])
    return question, notices


def _features(args: dict[str, Any]) -> frozenset[str]:
    """What else a place must be known to have."""
    wishes = [name for wish, name in _WISHES if args[wish]]
    if "service" in args:
        wishes += map(named.service, _known_services(args["service"]))
    if "sector" in args:
        wishes.append(named.sector(args["sector"]))
    if "spoken" in args:
        wishes.append(named.language(args["spoken"]))
    return frozenset(wishes)


_WISHES = (
    ("new_patients", named.NEW_PATIENTS),
    ("home_visits", named.HOME_VISITS),
    ("third_party_payment", named.THIRD_PARTY_PAYMENT),
)


def _position(args: dict[str, Any]) -> tuple[float, float, list[tuple[str, dict[str, object]]]]:
    """Where the question stands: the position, or the centre of the commune with a notice that says so."""
    check_one_place(args)
    if "commune" not in args:
        check_position(lat=args["lat"], lon=args["lon"])
        return args["lat"], args["lon"], []
    centre = territory_queries.position_of_commune(session(), args["commune"])
    end_session(success=True)
    return centre.lat, centre.lon, [("approximate_centroid", {})]


def known_categories(names: list[str]) -> tuple[str, ...]:
    """Give each category once. Raises CategoryUnknown."""
    for name in names:
        if name not in CATEGORIES:
            raise CategoryUnknown(category=name)
    return tuple(dict.fromkeys(names))


def _known_services(names: list[str]) -> list[str]:
    for name in names:
        if name not in SERVICES:
            raise ServiceUnknown(service=name)
    return names


def _box(box: list[float]) -> tuple[float, float, float, float]:
    west, south, east, north = box
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):  # noqa: PLR2004 - degrees
        raise BoxInvalid
    return west, south, east, north


def _acts_in(staff: Staff, commune_code: str | None) -> bool:
    place: set[tuple[str, str]] = set()
    if commune_code is not None:
        place = territory_queries.lies_in(session(), commune_code)
    return people_rules.covers(staff.territory_kind, staff.territory_code, place)


def ready_json(body: bytes) -> Response:
    """Answer with a body that is JSON already."""
    return Response(body, content_type="application/json")


def geojson(body: bytes, *lists: str) -> Response:
    """Answer the same as a FeatureCollection; `lists` are further lists of places in it."""
    return Response(orjson.dumps(present.collection(orjson.loads(body), *lists)), content_type=GEOJSON)
