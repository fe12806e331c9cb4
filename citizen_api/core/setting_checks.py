"""Checks of single settings: what each value must look like."""

from __future__ import annotations

import re
from typing import Final

from limits import parse_many
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

PREFIX: Final = "ALENTOURS_"
DATABASES: Final = ("sqlite", "postgresql")
LAST_PORT: Final = 65_535
SOURCE: Final = re.compile(r"[A-Za-z0-9.-]{1,40}")
"""What the address of a booking service may say of where a resident comes from."""
ORIGIN: Final = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")
REGIONS: Final = frozenset(
    {"01", "02", "03", "04", "06", "11", "24", "27", "28", "32", "44", "52", "53", "75", "76", "84", "93", "94"}
)
"""INSEE codes of the regions."""
PLACES: Final = re.compile(r"\{(from_lat|from_lon|to_lat|to_lon)\}")
"""What the address of a planner of public transport may hold."""
_LINK: Final = re.compile(
    # A host by its public name: no user, no number, no place in it.
    r"(?P<region>[0-9]{2})=https://(?P<host>([a-z0-9-]+\.)+[a-z][a-z0-9-]+)(:(?P<port>[0-9]{1,5}))?"
    r"(?P<rest>[/?#][!-\[\]-~]*)?",
    re.IGNORECASE,
)
_OWN_HOSTS: Final = ("localhost", "local", "internal", "intranet", "lan", "home", "arpa")
FILE: Final = re.compile(r"[a-z-]+=https://\S+")


class SettingsError(ValueError):
    """A setting has a value that cannot be read; the message names it in one line."""


def check_files(files: tuple[str, ...]) -> None:
    """Check files to read. Raises SettingsError."""
    for named in files:
        if not FILE.fullmatch(named):
            # The address may hold a key: it is not shown.
            raise SettingsError(f"{PREFIX}AIR_FILES must be like uv=https://files.example/{{date}}.csv")


def check_links(links: tuple[str, ...]) -> None:
    """Check links to planners. Raises SettingsError."""
    name = f"{PREFIX}MOBILITY_TRANSIT_LINKS"
    seen: set[str] = set()
    for link in links:
        read = _LINK.fullmatch(link)
        own = read is None or read["host"].lower().rpartition(".")[2] in _OWN_HOSTS
        if read is None or own or int(read["port"] or 0) > LAST_PORT:
            raise SettingsError(f"{name} must be like 11=https://planner.example/, with the public name of a host")
        region, rest = read["region"], PLACES.sub("", read["rest"] or "")
        if region not in REGIONS or region in seen:
            raise SettingsError(f"{name}: {region} is not the INSEE code of a region, or is there twice")
        if "{" in rest or "}" in rest:
            raise SettingsError(
                f"{name}: the address of {region} holds another place than {{from_lat}}, {{from_lon}}, …"
            )
        seen.add(region)


def check_limit(name: str, text: str) -> None:
    """Check a limit such as `240 per minute`; none at all is fine. Raises SettingsError."""
    if not text:
        return
    try:
        parse_many(text)
    except ValueError as error:
        raise SettingsError(f"{name} must be a limit such as `240 per minute`, not {text!r}") from error


def check_database(url: str) -> None:
    """Check the address of the database. Raises SettingsError, which does not show it."""
    try:
        known = make_url(url).get_backend_name() in DATABASES
    except (ArgumentError, ValueError):
        known = False
    if not known:
        raise SettingsError(f"{PREFIX}DATABASE_URL must be an address of sqlite or postgresql")
