"""The one table of settings: name, default, help. Read once from the environment, then frozen."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any, Final, get_type_hints

from citizen_api.core.setting_checks import (
    FILE,
    LAST_PORT,
    ORIGIN,
    PLACES,
    PREFIX,
    REGIONS,
    SOURCE,
    SettingsError,
    check_database,
    check_files,
    check_limit,
    check_links,
)

__all__ = ("PLACES", "PREFIX", "REGIONS", "Settings", "SettingsError", "settings_page")

ENGINES: Final = ("embedded", "celery")
BROKERS: Final = ("redis://", "rediss://", "amqp://", "amqps://")
_EXPECTED: Final = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    date: "a day such as 2026-12-11",
}
_AT_LEAST: Final = {
    "database_pool_size": 1,
    "database_lock_timeout_ms": 0,
    "port": 0,
    "workers": 1,
    "trusted_proxies": 0,
    "max_body_bytes": 1,
    "directory_check_s": 0,
    "outgoing_timeout_s": 0.001,
    "import_max_bytes": 1,
    "mobility_station_silent_s": 1,
    "teleconsult_stale_s": 60,
    "teleconsult_hidden_s": 60,
    "teleconsult_feed_max_bytes": 1_000,
    "geocoder_timeout_s": 0.001,
    "push_rate_per_s": 1,
    "push_timeout_s": 0.1,
    "push_fcm_connections": 1,
}
_AT_MOST: Final = {"port": LAST_PORT, "mobility_station_silent_s": 86_400}


def _setting(default: Any, help_text: str, *, secret: bool = False) -> Any:
    return field(default=default, metadata={"help": help_text, "secret": secret}, repr=not secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every knob of an installation. Each field is `ALENTOURS_<FIELD>` in the environment.

    Defaults work offline and without secrets. `docs/settings.md` is written from this table.
    """

    data_dir: Path = _setting(
        Path("var"), "Folder of everything the product writes: the SQLite database, import reports."
    )
    database_url: str = _setting(
        "",
        "Database, as an SQLAlchemy URL (`postgresql+psycopg://user@host/name`, `sqlite:///file`). "
        "Empty: `alentours.db` in the data folder.",
        secret=True,
    )
    database_pool_size: int = _setting(5, "Connections that each worker process keeps open to PostgreSQL.")
    database_lock_timeout_ms: int = _setting(
        5_000, "How long a statement waits for a lock (SQLite busy timeout, PostgreSQL lock_timeout)."
    )
    host: str = _setting("127.0.0.1", "Address that `alentours serve` listens on.")
    port: int = _setting(8000, "Port that `alentours serve` listens on.")
    workers: int = _setting(2, "Worker processes of `alentours serve`.")
    trusted_proxies: int = _setting(
        0, "How many reverse proxies in front set X-Forwarded-For; 0: none, the header is ignored."
    )
    cors_origins: tuple[str, ...] = _setting(
        (), "Origins (comma-separated) whose pages may call the API from a browser; `*` for all."
    )
    hsts: bool = _setting(
        default=False,
        help_text="Send Strict-Transport-Security; switch on once the city serves https only.",
    )
    max_body_bytes: int = _setting(262_144, "Largest request body accepted; a larger one is answered 413.")
    rate_limit: str = _setting(
        "240 per minute", "Requests per client address, for all routes together; empty: no limit."
    )
    rate_limit_reports: str = _setting("10 per hour", "Reports (wrong phone, closed for good …) per client address.")
    rate_limit_devices: str = _setting(
        "600 per hour", "New devices per client address: a mobile operator may put many residents behind one."
    )
    rate_limit_transfers: str = _setting(
        "20 per hour", "Codes to move a device to a new phone, asked for or tried, per client address."
    )
    rate_limit_slots: str = _setting(
        "60 per minute", "Searches for slots per client address: a resident asks a few times, a collector all the time."
    )
    rate_limit_handoffs: str = _setting(
        "60 per hour; 200 per day",
        "Handoffs to a booking service made, and unknown links tried, per client address: mobile operators and "
        "libraries put many residents behind one.",
    )
    redis_url: str = _setting(
        "",
        "Redis that shares the rate limits among processes and hosts (`redis://host:6379/0`). "
        "Empty: each worker process counts in its own memory.",
        secret=True,
    )
    log_level: str = _setting("INFO", "Least level that is logged: DEBUG, INFO, WARNING, ERROR.")
    default_language: str = _setting("fr", "Language of answers when the request names none that we have: fr, en.")
    directory_check_s: float = _setting(
        1.0,
        "How often, in seconds, a worker asks the database whether the facilities changed. "
        "0: before every answer, and the directory is packed in memory (for tests and scripts).",
    )
    outgoing_timeout_s: float = _setting(10.0, "Timeout of a request to an outside system, in seconds.")
    import_max_bytes: int = _setting(
        2_000_000_000,
        "Largest file that `care import` accepts, as it lies on the disk or at the address. "
        "What a compressed one unpacks to is bounded by its reader.",
    )
    geocoder_ban_enabled: bool = _setting(
        default=False,
        help_text="Ask the national geocoder (BAN) for addresses that the local gazetteer does not know. "
        "What residents type then leaves the installation, and so do the addresses of practices that no source "
        "positions.",
    )
    geocoder_ban_domain: str = _setting(
        "data.geopf.fr/geocodage", "Host and path of the national geocoder, without `https://`."
    )
    geocoder_timeout_s: float = _setting(
        2.0, "How long a search waits for the national geocoder, in seconds, before it answers without."
    )
    air_atmo_data_user: str = _setting(
        "", "Account of Atmo Data (index, pollen and episodes of all of France); empty: it is not read."
    )
    air_atmo_data_password: str = _setting("", "Password of the account of Atmo Data.", secret=True)
    air_atmo_data_url: str = _setting("https://admindata.atmo-france.org", "Address of Atmo Data.")
    air_airparif_key: str = _setting(
        "", "Key of Airparif's API (communes of Île-de-France); empty: it is not read.", secret=True
    )
    air_airparif_url: str = _setting("https://api.airparif.fr", "Address of Airparif's API.")
    air_meteo_france_key: str = _setting(
        "", "Key of Météo-France's vigilance (heat, cold, storms); empty: it is not read.", secret=True
    )
    air_meteo_france_url: str = _setting(
        "https://public-api.meteofrance.fr/public/DPVigilance/v1", "Address of Météo-France's vigilance."
    )
    air_open_meteo_enabled: bool = _setting(
        default=False,
        help_text="Read hourly forecasts of Open-Meteo for the communes that residents watch, and compute an index "
        "where nobody publishes one. It is told the centres of these communes.",
    )
    air_open_meteo_url: str = _setting("https://air-quality-api.open-meteo.com", "Address of Open-Meteo.")
    air_communes: tuple[str, ...] = _setting(
        (), "INSEE codes (comma-separated) of communes that are always read, besides those that residents watch."
    )
    air_files: tuple[str, ...] = _setting(
        (),
        "Files read every 30 minutes, as `kind=https://…` (comma-separated): kinds are those of `alentours air load`, "
        "and `{date}` in an address is today's date as 20260131.",
        secret=True,
    )
    air_eu_thresholds_on: date = _setting(
        date(2026, 12, 11),
        "Day from which measured days are judged by the thresholds of Directive (EU) 2024/2881 (transposition due on "
        "2026-12-11).",
    )
    mobility_local_factors: str = _setting(
        "",
        "File of local factors (how the air of a street differs from that of the city, by road class and distance to "
        "main roads) with which `alentours network build` works; empty: the one that comes with Alentours.",
    )
    mobility_gbfs: tuple[str, ...] = _setting(
        (),
        "Bike share systems, as `name=https://…/gbfs.json` (comma-separated): the address of GBFS auto-discovery, 1.0 "
        "to 3.x.",
        secret=True,
    )
    mobility_station_silent_s: float = _setting(
        600.0,
        "A bike share station that has not reported for longer than this is not offered. In seconds, from 1 to 86400 "
        "(a day).",
    )
    mobility_transit_links: tuple[str, ...] = _setting(
        (),
        "Public transport planners offered where neither foot nor bicycle is reasonable, as `region=https://…` with "
        "the INSEE code of the region (comma-separated), in place of those that come with Alentours. An address may "
        "hold {from_lat}, {from_lon}, {to_lat} and {to_lon}: who follows it then tells the planner where.",
    )
    teleconsult_providers: str = _setting(
        "",
        "File of providers of appointments (YAML, see docs/teleconsultation.md) read at each start, besides those that "
        "come with Alentours; empty: none.",
    )
    teleconsult_source: str = _setting(
        "alentours", "How a booking service is told where a resident comes from: `source=` of the address."
    )
    teleconsult_stale_s: float = _setting(
        900.0, "Slots whose publisher has confirmed them longer ago than this are marked as stale. In seconds."
    )
    teleconsult_hidden_s: float = _setting(
        21_600.0, "Slots whose publisher has confirmed them longer ago than this are not shown. In seconds."
    )
    teleconsult_feed_max_bytes: int = _setting(
        200_000_000, "Largest file of slots that is read, in bytes; a larger one is left, and what was known stays."
    )
    push_log_enabled: bool = _setting(
        default=True,
        help_text="Let devices register for the log transport, which writes that a message would have been sent "
        "and sends nothing.",
    )
    push_rate_per_s: int = _setting(
        9_000, "Messages sent per second, by all workers together: below the 10,000 that FCM allows a project."
    )
    push_timeout_s: float = _setting(10.0, "How long a push service may take to answer one message, in seconds.")
    push_fcm_credentials: str = _setting(
        "", "File of the service account with which FCM is used (see docs/fcm.md); empty: it is not."
    )
    push_fcm_url: str = _setting("https://fcm.googleapis.com", "Address of FCM; another one for tests with the double.")
    push_fcm_ca_file: str = _setting(
        "", "File of the certificate authority to trust at `PUSH_FCM_URL`; empty: those that the system trusts."
    )
    push_fcm_connections: int = _setting(
        8, "Connections that each worker opens to FCM at most: 100 messages are under way on each."
    )
    push_vapid_key_file: str = _setting(
        "", "File of the key with which browsers know this installation (see docs/webpush.md); empty: no Web Push."
    )
    push_vapid_subject: str = _setting(
        "", "How a browser's push service can reach the operator: `mailto:…` or an https address."
    )
    engine: str = _setting(
        "embedded", "What runs the sending: `embedded` (the background process) or `celery` (workers of their own)."
    )
    broker_url: str = _setting(
        "",
        "Broker of the Celery engine: `redis://host:6379/1` or `amqp://user:password@host:5672//`.",
        secret=True,
    )

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in use."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'alentours.db').absolute()}"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read `ALENTOURS_…` variables.

        Raises SettingsError for a value of the wrong type and for an unknown `ALENTOURS_` name, because a
        misspelt setting that is silently ignored is worse than a refused start.
        """
        environment = os.environ if environment is None else environment
        hints = get_type_hints(cls)
        values: dict[str, Any] = {}
        known = {PREFIX + f.name.upper(): f for f in fields(cls)}
        for name, text in environment.items():
            if not name.startswith(PREFIX) or name.startswith(PREFIX + "TEST_"):
                continue
            if name not in known:
                raise SettingsError(f"{name} is not a setting of Alentours (see docs/settings.md)")
            values[known[name].name] = _parse(name, text, hints[known[name].name])
        return cls(**values)

    def to_environment(self) -> dict[str, str]:
        """Give the variables that `from_environment` reads the same settings from, for a process of our own."""
        return {PREFIX + f.name.upper(): _written(getattr(self, f.name)) for f in fields(self)}

    def __post_init__(self) -> None:
        """Refuse values that could only fail later. Raises SettingsError; a secret value is never shown."""
        self._check_ranges()
        if self.default_language not in {"fr", "en"}:
            raise SettingsError(f"{PREFIX}DEFAULT_LANGUAGE must be fr or en")
        if self.log_level not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
            raise SettingsError(f"{PREFIX}LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR")
        for origin in self.cors_origins:
            # An exact origin: what holds `*` or `?` would be read as a pattern, and match more than was meant.
            if origin != "*" and not ORIGIN.fullmatch(origin):
                raise SettingsError(f"{PREFIX}CORS_ORIGINS must be `*` or origins such as https://ville.example")
        for f in fields(self):
            if f.name.startswith("rate_limit"):
                check_limit(f"{PREFIX}{f.name.upper()}", getattr(self, f.name))
        if self.redis_url and not self.redis_url.startswith(("redis://", "rediss://", "redis+unix://")):
            raise SettingsError(f"{PREFIX}REDIS_URL must begin with redis:// or rediss://")
        if not SOURCE.fullmatch(self.teleconsult_source):
            raise SettingsError(f"{PREFIX}TELECONSULT_SOURCE must be letters, digits, dots and dashes, at most 40")
        self._check_push()
        self._check_mobility()
        check_database(self.database)
        check_files(self.air_files)

    def _check_ranges(self) -> None:
        for name, least in _AT_LEAST.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= least):
                raise SettingsError(f"{PREFIX}{name.upper()} must be at least {least}, not {value}")
        for name, most in _AT_MOST.items():
            if getattr(self, name) > most:
                raise SettingsError(f"{PREFIX}{name.upper()} must be at most {most}, not {getattr(self, name)}")

    def _check_mobility(self) -> None:
        for named in self.mobility_gbfs:
            if not FILE.fullmatch(named):
                # The address may hold a key: it is not shown.
                raise SettingsError(f"{PREFIX}MOBILITY_GBFS must be like velib=https://velib.example/gbfs.json")
        check_links(self.mobility_transit_links)

    def _check_push(self) -> None:
        if self.engine not in ENGINES:
            raise SettingsError(f"{PREFIX}ENGINE must be one of {', '.join(ENGINES)}")
        if self.engine == "celery" and not self.broker_url.startswith(BROKERS):
            raise SettingsError(f"{PREFIX}BROKER_URL must begin with one of {', '.join(BROKERS)}")
        if self.push_vapid_key_file and not self.push_vapid_subject.startswith(("mailto:", "https://")):
            raise SettingsError(f"{PREFIX}PUSH_VAPID_SUBJECT must begin with mailto: or https://")


def _written(value: Any) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _parse(name: str, text: str, kind: Any) -> Any:
    text = text.strip()
    try:
        if kind is bool:
            return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[text.lower()]
        if kind in (int, float, Path, str):
            return kind(text)
        if kind is date:
            return date.fromisoformat(text)
        return tuple(part.strip() for part in text.split(",") if part.strip())
    except (ValueError, KeyError) as error:
        raise SettingsError(f"{name} must be {_EXPECTED[kind]}, not {text!r}") from error


def settings_page() -> str:
    """Markdown table of every setting, as `docs/settings.md` holds it."""
    lines = [
        "# Settings",
        "",
        "Each setting is an environment variable, read once at start. Every default works offline and",
        "without secrets. This page is written by `make openapi` from `citizen_api/core/settings.py`.",
        "",
        "| variable | default | what it does |",
        "|---|---|---|",
    ]
    lines += [f"| `{PREFIX}{f.name.upper()}` | {_shown(f)} | {f.metadata['help']} |" for f in fields(Settings)]
    return "\n".join(lines) + "\n"


def _shown(f: Field[Any]) -> str:
    if f.default in ("", ()):
        return "empty"
    if isinstance(f.default, bool):
        return f"`{str(f.default).lower()}`"
    return f"`{f.default}`"
