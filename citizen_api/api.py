"""The API object: every blueprint, put into one Flask app with everything around it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import Flask
from flask_smorest import Api
from sqlalchemy import text

from citizen_api.advice import views as advice_views
from citizen_api.air import views as air_views
from citizen_api.care import views as care_views
from citizen_api.care.gazetteer import FacilitiesGazetteer
from citizen_api.care.keeper import DirectoryKeeper
from citizen_api.core.db import Database
from citizen_api.core.problems import Problem
from citizen_api.core.settings import Settings
from citizen_api.mobility import search
from citizen_api.mobility import views as mobility_views
from citizen_api.mobility.networks import Networks
from citizen_api.people import device_views, wish_views
from citizen_api.people import views as people_views
from citizen_api.people.device_actions import StoredDevices
from citizen_api.people.queries import StoredStaffKeys
from citizen_api.people.wish_actions import Communes
from citizen_api.teleconsult import views as teleconsult_views
from citizen_api.territory import queries as territory_queries
from citizen_api.territory import views as territory_views
from citizen_api.territory.places import Places
from citizen_api.web import system
from citizen_api.web.auth import Devices, StaffKeys
from citizen_api.web.blueprint import Blueprint
from citizen_api.web.http import install_http
from citizen_api.web.limits import Limits
from citizen_api.web.problems import register_problem_handlers
from citizen_api.web.services import Services
from citizen_api.web.system import OpenApi
from content.catalogue import catalogue

VERSION = "0.1.0"
_DESCRIPTION = """\
Where can I be cared for, now, near me? How do I get there on foot or by bike, breathing less? How is the air, and
what should I do differently?

Lists are `{"items": […], "next": cursor or null, "notices": […]}`. Every error is `application/problem+json`
(RFC 9457), in the language of the request (`lang=`, else `Accept-Language`: French or English). Times are RFC 3339
with an offset. Answers to a position are never stored by caches, and positions are neither stored nor logged.
**In an emergency, call 15 or 112.**
"""


class _Api(Api):  # type: ignore[misc]  # it ships no types
    # No default error: each answer is documented by its problem, and none is undocumented.
    DEFAULT_ERROR_RESPONSE_NAME = None

    def _register_error_handlers(self) -> None:
        """Ours are `web.problems`: one shape for every error."""


def services_from(settings: Settings) -> Services:
    """Put together the collaborators of production."""
    return Services(settings=settings, database=Database.from_settings(settings))


def install_api(app: Flask, services: Services, *blueprints: Blueprint) -> None:
    """Make `app` the whole product, with the `blueprints` of those above. Raises ContentError for incomplete words."""
    catalogue()
    app.extensions["alentours"] = services
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.config |= {
        "API_TITLE": "Alentours",
        "API_VERSION": VERSION,
        "OPENAPI_VERSION": "3.1.0",
    }
    services.ports[Limits] = install_http(app, services.settings)
    register_problem_handlers(app)
    _register_capabilities(services)
    api = _Api(
        app,
        spec_kwargs={
            "info": {
                "description": _DESCRIPTION,
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "/"}],
        },
    )
    api.spec.components.security_scheme(
        "staffKey", {"type": "http", "scheme": "bearer", "description": "A staff key (`als_…`)."}
    )
    api.spec.components.security_scheme(
        "deviceToken",
        {"type": "http", "scheme": "bearer", "description": "A device's token (`ald_…`), from `POST /v1/devices`."},
    )
    for blp in (
        care_views.blp,
        air_views.blp,
        advice_views.blp,
        *mobility_views.BLUEPRINTS,
        *teleconsult_views.BLUEPRINTS,
        territory_views.blp,
        device_views.blp,
        wish_views.blp,
        people_views.blp,
        *blueprints,
        system.blp,
    ):
        api.register_blueprint(blp)
    services.ports[OpenApi] = OpenApi(api)
    app.register_blueprint(system.pages)
    for pages in teleconsult_views.PAGES:
        app.register_blueprint(pages)


def warm_up(app: Flask) -> None:
    """Open the directory and the networks before the first resident asks; what cannot be opened is tried again then."""
    services: Services = app.extensions["alentours"]
    with suppress(Problem):
        services.port(DirectoryKeeper).current()
    for network in services.port(Networks).all():
        search.warm_up(network)


def _register_capabilities(services: Services) -> None:
    services.ports.setdefault(StaffKeys, StoredStaffKeys())
    services.ports.setdefault(Devices, StoredDevices())
    services.ports.setdefault(Communes, territory_queries)
    territory_views.install(services)
    care_views.install(services)
    air_views.install(services)
    mobility_views.install(services)
    teleconsult_views.install(services)
    services.port(Places).gazetteers.append(FacilitiesGazetteer(services.port(DirectoryKeeper).current))

    def check_database() -> dict[str, Any]:
        with services.database.session(write=False) as session:
            session.execute(text("SELECT 1"))
        return {}

    services.readiness = {"database": check_database} | services.readiness
