"""Synthetic GBFS feeds of each version, and Vélib's."""

import json

REPORTED_S = 1_764_020_000
REPORTED = "2025-11-24T22:33:20+01:00"
"""The same moment as RFC 3339 has it."""
URL = "https://bikes.example"


def feed(data, *, version=None, **more):
    document = {"last_updated": REPORTED_S, "ttl": 60, "data": data} | more
    return json.dumps(document | ({} if version is None else {"version": version})).encode()


def listed(*names, url=URL):
    return [{"name": name, "url": f"{url}/{name}.json"} for name in names]


def make_discovery(*names, url=URL, language="fr"):
    """Auto-discovery; 3.x with `language=None`."""
    feeds = {"feeds": listed(*(names or ("system_information", "station_information", "station_status")), url=url)}
    return feed(feeds if language is None else {language: feeds})


def make_place(code="1", **changes):
    return {"station_id": code, "name": "Synthetic", "lat": 48.86, "lon": 2.35, "capacity": 20} | changes


def make_status(code="1", **changes):
    """A status of 1.x."""
    return {
        "station_id": code,
        "num_bikes_available": 5,
        "num_docks_available": 15,
        "is_installed": 1,
        "is_renting": 1,
        "is_returning": 1,
        "last_reported": REPORTED_S,
    } | changes


def make_status_2(code="1", **changes):
    states = {"is_installed": True, "is_renting": True, "is_returning": True}
    types = [{"vehicle_type_id": "plain", "count": 2}, {"vehicle_type_id": "assisted", "count": 3}]
    return make_status(code) | states | {"vehicle_types_available": types} | changes


def make_status_3(code="1", **changes):
    status = make_status_2(code, last_reported=REPORTED, num_vehicles_available=5)
    del status["num_bikes_available"]
    return status | changes


def make_velib_status(code=1, **changes):
    return {
        "stationCode": "16107",
        "station_id": code,
        "num_bikes_available": 5,
        "numBikesAvailable": 5,
        "num_bikes_available_types": [{"mechanical": 2}, {"ebike": 3}],
        "num_docks_available": 15,
        "numDocksAvailable": 15,
        "is_installed": 1,
        "is_returning": 1,
        "is_renting": 1,
        "last_reported": REPORTED_S,
    } | changes


def make_type(code, form="bicycle", propulsion="human"):
    return {"vehicle_type_id": code, "form_factor": form, "propulsion_type": propulsion}


TYPES = (
    make_type("plain"),
    make_type("assisted", propulsion="electric_assist"),
    make_type("kick", form="scooter_standing", propulsion="electric"),
)


def information(*places, **more):
    return feed({"stations": list(places)}, **more)


def status(*stations, **more):
    return feed({"stations": list(stations)}, **more)


def vehicle_types(*types):
    return feed({"vehicle_types": list(types)}, version="2.3")


def system(**said):
    return feed({"system_id": "synthetic", "name": "Synthetic bikes", "timezone": "Europe/Paris"} | said)
