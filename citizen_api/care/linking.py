"""Puts every record where it belongs: the stage of an import after its batches.

The places are a function of the set of records (`care/placing`), so the stage reads them all, computes where each
belongs, and writes only what differs: batch by batch, each one transaction that leaves every place whole. A killed
run leaves some records where they were; `Linking` remembers that, and the next import does the rest.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from citizen_api.care import actions, queries, record_queries, rules
from citizen_api.care.matching import Item
from citizen_api.care.placing import Placement, place_records
from citizen_api.care.spelling import read_street, telling_words
from citizen_api.core.db import Database

RULES: Final = 2
"""Moves with the rules of matching and merging: every place is then merged anew."""

BATCH_ROWS: Final = 1_000

Progress = Callable[[str, int, int], None]
_Order = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Standing:
    """A record, where it stands, and how sure that is said to be."""

    id: int
    item: Item
    placement: Placement


@dataclass(frozen=True, slots=True)
class _Move:
    """A record that belongs elsewhere, or whose confidence differs. `own`: ids that a place of it alone would have."""

    id: int
    order: _Order
    old: str
    new: str
    confidence: float
    own: tuple[str, ...]


def link_records(database: Database, *, now: datetime, progress: Progress = lambda *_: None) -> int:
    """Put every record where it belongs; give how many rows that changed. Does nothing where nothing changed.

    To be called by whoever holds the right to import (`importing.only_import`).
    """
    with database.session(write=False) as session:
        state = record_queries.linking(session)
        changed, records, known_rules = state.changed, record_queries.count_records(session), state.rules
        if (state.linked, state.records, known_rules) == (changed, records, RULES):
            return 0
        standing = _read(session)
    if known_rules != RULES:
        _merge_all(database, {each.placement.facility_id for each in standing}, now=now, progress=progress)
    belongs = place_records(each.item for each in standing)
    moves = [
        _Move(each.id, each.item.order, each.placement.facility_id, to.facility_id, to.confidence, _own_ids(each.item))
        for each in standing
        if (to := belongs[each.item.order]) != each.placement
    ]
    done = 0
    for batch in _batches(moves):
        with database.session() as session:
            _apply(session, batch, now=now)
        done += len(batch)
        progress("linking", done, len(moves))
    with database.session() as session:
        state = record_queries.linking(session)
        state.linked, state.records, state.rules = changed, records, RULES
    return len(moves)


def _read(session: Session) -> list[_Standing]:
    towns = record_queries.towns(session)
    return [
        _Standing(
            record.id,
            item_of(record.source_id, record.key, record.facts, is_open=record.closed_at is None, towns=towns),
            Placement(record.facility_id, record.confidence),
        )
        for record in record_queries.all_records(session)
    ]


def _own_ids(item: Item) -> tuple[str, ...]:
    """Ids that a place of this record alone has, or had before it was identified."""
    return tuple(rules.facility_id(pairs, source_id=item.source_id, key=item.key) for pairs in {(), item.identity})


def item_of(
    source_id: str, key: str, facts: Mapping[str, Any], *, is_open: bool, towns: Mapping[str, tuple[str, str | None]]
) -> Item:
    """Read what matching needs of a record's facts. `towns`: `record_queries.towns`."""
    identity = rules.identifying((scheme, value) for scheme, value in facts.get("identifiers", ()))
    code = facts.get("commune_code")
    commune, district = towns.get(code, (code, None)) if code else (None, None)
    street = facts.get("street")
    same_as = (
        "" if identity else hashlib.blake2b(json.dumps(facts, sort_keys=True).encode(), digest_size=12).hexdigest()
    )
    return Item(
        source_id=source_id,
        key=key,
        identity=identity,
        categories=frozenset(queries.categories_of(facts)),
        commune=commune,
        district=district,
        street=read_street(street) if street else None,
        name=telling_words(facts.get("name") or ""),
        lat=facts.get("lat"),
        lon=facts.get("lon"),
        exact=facts.get("lat") is not None and not facts.get("position_approximate"),
        is_open=is_open,
        same_as=same_as,
    )


def _merge_all(database: Database, ids: set[str], *, now: datetime, progress: Progress) -> None:
    ordered = sorted(ids)
    for start in range(0, len(ordered), BATCH_ROWS):
        with database.session() as session:
            if actions.merge_facilities(session, ordered[start : start + BATCH_ROWS], now=now):
                actions.move_directory_version(session, now=now)
        progress("merging", min(start + BATCH_ROWS, len(ordered)), len(ordered))


def _batches(moves: Sequence[_Move]) -> Iterator[list[_Move]]:
    """Cut the moves so that places which exchange records change in one transaction."""
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.setdefault(name, name) != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    for move in moves:
        leader[find(move.old)] = find(move.new)
    groups: dict[str, list[_Move]] = defaultdict(list)
    for move in sorted(moves, key=lambda each: each.order):
        groups[find(move.new)].append(move)
    batch: list[_Move] = []
    for group in groups.values():
        batch += group
        if len(batch) >= BATCH_ROWS:
            yield batch
            batch = []
    if batch:
        yield batch


def _apply(session: Session, moves: Sequence[_Move], *, now: datetime) -> None:
    old, new = {move.old for move in moves}, {move.new for move in moves}
    actions.create_facilities(session, dict.fromkeys(new, ""), now=now)
    placed = [{"id": move.id, "facility_id": move.new, "confidence": move.confidence} for move in moves]
    actions.place_records(session, placed)
    emptied = old - record_queries.still_described(session, old)
    homes = {name: move.new for move in reversed(moves) for name in move.own}
    followed: dict[str, str] = {}
    for move in moves:
        followed.setdefault(move.old, move.new)  # the smallest record of a place that vanishes leads its id
    targets = {name: homes.get(name, followed[name]) for name in emptied}
    known = record_queries.aliases(session, homes, emptied)
    kept = {alias: homes.get(alias) or targets[target] for alias, target in known.items()}
    actions.name_aliases(session, kept | targets)
    actions.move_reports(session, targets)
    actions.merge_facilities(session, old | new, now=now)
    actions.move_directory_version(session, now=now)
