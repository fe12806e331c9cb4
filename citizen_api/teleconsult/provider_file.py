"""The registry of providers: files of YAML, read at each start and by `alentours providers load`.

What comes with Alentours is in `data/providers.yaml`; a city has its own besides, whose entries go before those of the
same id. An entry that cannot be used is told with its reason, and the rest goes on; what it was before stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import marshmallow as ma
import yaml
from sqlalchemy.orm import Session

from citizen_api.core.db import Database
from citizen_api.core.settings import PREFIX, Settings, SettingsError
from citizen_api.people.actions import record_change
from citizen_api.teleconsult import provider_actions as actions
from citizen_api.teleconsult import provider_queries as queries
from citizen_api.teleconsult.models import Provider
from citizen_api.teleconsult.provider_rules import FILE, ProviderFacts
from citizen_api.teleconsult.provider_schemas import ProviderBody, ProviderIdBody

BUNDLED: Final = Path(__file__).parent / "data" / "providers.yaml"
ACTOR: Final = "registry file"
TWICE: Final = "stands twice in this file"
_BODY: Final = ProviderBody()
_ID: Final = ProviderIdBody()


class RegistryFileError(Exception):
    """A file cannot be read as a registry at all; the message is one line."""


@dataclass(frozen=True, slots=True)
class RejectedEntry:
    """An entry that was not used: `entry` is its id, or its number in the file (from 1) where it has none."""

    file: str
    entry: str
    reasons: Sequence[str]

    def __str__(self) -> str:
        """One line for an operator."""
        return f"{self.file}: {self.entry}: {'; '.join(self.reasons)}"


@dataclass(slots=True)
class ReadRegistry:
    """What files say: providers by id, what was rejected, and every id that they name, rejected or not."""

    providers: dict[str, tuple[str, ProviderFacts]] = field(default_factory=dict)
    """By id: the file, and what it says."""
    rejected: list[RejectedEntry] = field(default_factory=list)
    named: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedRegistry:
    """What a loading did, by id. `of_staff`: left as they are, for staff (or the demo city) keeps them."""

    added: Sequence[str]
    changed: Sequence[str]
    retired: Sequence[str]
    of_staff: Sequence[str]
    rejected: Sequence[RejectedEntry]


def load_registry(
    database: Database, *, now: datetime, settings: Settings, own_file: Path | None = None
) -> LoadedRegistry:
    """Bring the providers of the files into the tables; those that left the files are retired.

    `own_file`: instead of the setting's. Raises RegistryFileError; SettingsError when it is the setting's that cannot
    be read. Nothing has changed then.
    """
    files = [BUNDLED]
    if own_file is not None:
        files.append(own_file)
    elif settings.teleconsult_providers:
        files.append(Path(settings.teleconsult_providers))
    try:
        registry = read_registry(files)
    except RegistryFileError as error:
        if own_file is None:
            raise SettingsError(f"{PREFIX}TELECONSULT_PROVIDERS: {error}") from error
        raise
    with database.session() as session:
        return _store(session, registry, now=now)


def read_registry(files: Sequence[Path]) -> ReadRegistry:
    """Read files; in the later ones stand the entries that count. Raises RegistryFileError."""
    registry = ReadRegistry()
    for file in files:
        seen: set[str] = set()
        for number, raw in enumerate(_entries(file), start=1):
            _read_entry(registry, raw, seen, file=file.name, number=number)
    return registry


def _entries(file: Path) -> list[Any]:
    try:
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise RegistryFileError(f"{file}: {error.strerror or error}") from error
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise RegistryFileError(f"{file}: not YAML ({' '.join(str(error).split())})") from error
    entries = raw.get("providers") if isinstance(raw, dict) and set(raw) == {"providers"} else None
    if not isinstance(entries, list):
        raise RegistryFileError(f"{file}: must hold a list named providers, and nothing besides")
    return entries


def _read_entry(registry: ReadRegistry, raw: Any, seen: set[str], *, file: str, number: int) -> None:
    entry = {name: _as_written(value) for name, value in raw.items()} if isinstance(raw, dict) else {}
    provider_id = entry.pop("id", None)
    named = f"entry {number}"
    try:
        _ID.load({} if provider_id is None else {"id": provider_id})
        named = provider_id
        registry.named.add(provider_id)
        facts = _BODY.load(entry)
    except ma.ValidationError as error:
        registry.rejected.append(RejectedEntry(file, named, _reasons(error.messages)))
        return
    if provider_id in seen:
        registry.rejected.append(RejectedEntry(file, named, [TWICE]))
        return
    seen.add(provider_id)
    registry.providers[provider_id] = (file, facts)


def _as_written(value: Any) -> Any:
    """YAML reads a day as a date, which JSON does not have."""
    return value.isoformat() if isinstance(value, date) else value


def _reasons(messages: Any, path: str = "") -> list[str]:
    """Flatten what marshmallow says into `field: message`."""
    if isinstance(messages, Mapping):
        return [
            reason
            for key, value in messages.items()
            for reason in _reasons(value, f"{path}.{key}" if path else f"{key}")
        ]
    return [f"{path}: {message}" for message in messages]


def _store(session: Session, registry: ReadRegistry, *, now: datetime) -> LoadedRegistry:
    rows = {row.id: row for row in queries.providers(session)}
    rejected = list(registry.rejected)
    added: list[str] = []
    changed: list[str] = []
    of_staff: list[str] = []
    for provider_id, (file, facts) in sorted(registry.providers.items()):
        row = rows.get(provider_id)
        if row is not None and row.origin != FILE:
            of_staff.append(provider_id)
        elif faults := actions.faults(session, facts, now=now):
            rejected.append(RejectedEntry(file, provider_id, _reasons(faults)))
        else:
            located = actions.located(session, facts)
            if row is None or _differs(row, located):
                (added if row is None else changed).append(provider_id)
                actions.keep_files_provider(session, provider_id, located, now=now)
    retired = sorted(
        row.id
        for row in rows.values()
        if row.origin == FILE and row.retired_at is None and row.id not in registry.named
    )
    actions.retire_files_providers(session, retired, now=now)
    done = {"added": added, "changed": changed, "retired": retired}
    if any(done.values()):
        record_change(session, actor=ACTOR, action="provider.load", subject="providers", details=dict(done), now=now)
    return LoadedRegistry(**done, of_staff=of_staff, rejected=rejected)


def _differs(row: Provider, facts: ProviderFacts) -> bool:
    return row.retired_at is not None or any(getattr(row, name) != value for name, value in facts.columns().items())
