"""Every route of moving, and what they share."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from citizen_api.mobility import departure_views, outing_views, reach_views, station_views, trip_views
from citizen_api.mobility.networks import FOLDER, Networks
from citizen_api.web.blueprint import Blueprint
from citizen_api.web.services import Services

BLUEPRINTS: Final[tuple[Blueprint, ...]] = (
    trip_views.blp,
    departure_views.blp,
    station_views.blp,
    reach_views.blp,
    outing_views.blp,
)


def install(services: Services) -> None:
    """Give the app its networks, and what the routes need of each other."""
    services.ports.setdefault(Networks, Networks(services.settings.data_dir / FOLDER))
    services.readiness["networks"] = partial(_tell_networks, services)
    reach_views.install(services)
    station_views.install(services)


def _tell_networks(services: Services) -> dict[str, Any]:
    """Facts for `/readyz`. A city that is damaged, or none at all, does not make the process less ready."""
    networks = services.port(Networks)
    return {
        "cities": {
            network.city: {
                "built_on": network.built_on.isoformat(),
                "extract_date": network.extract_date.isoformat() if network.extract_date else None,
            }
            for network in networks.all()
        },
        "damaged": networks.damaged(),
    }
