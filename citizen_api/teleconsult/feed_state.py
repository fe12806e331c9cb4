"""What is kept of a feed's last readings (`Feed.state`): validators of its files, and when it was read how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from citizen_api.sources.slot_source import FileState
from citizen_api.teleconsult.models import Feed
from citizen_api.teleconsult.slot_ids import slot_key

_ACCEPTS: Final = "accepts_shrink"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadState:
    """`manifest`: of the last whole reading; `files`: what is known of its files, by their keys.

    `published_at`: of the last reading, by the publisher's word. `whole_at`: when it was last read whole, or had not
    changed. `has_changes`: changes were read since, so that files that did not change do not say all.
    `changes_since`, `changes`: what was asked for last, and the manifest that answered.
    """

    manifest: FileState | None = None
    files: Mapping[int, FileState] = field(default_factory=dict)
    published_at: datetime | None = None
    whole_at: datetime | None = None
    has_changes: bool = False
    changes_since: datetime | None = None
    changes: FileState | None = None


def state_of(feed: Feed) -> ReadState:
    """What is kept of a feed; nothing, if it is kept of another address."""
    kept = feed.state
    if kept.get("of") != _address_key(feed):
        return ReadState()
    return ReadState(
        manifest=_file(kept.get("manifest")),
        files={int(key): FileState(*values) for key, values in kept.get("files", {}).items()},
        published_at=_moment(kept.get("published_at")),
        whole_at=_moment(kept.get("whole_at")),
        has_changes=kept.get("has_changes", False),
        changes_since=_moment(kept.get("changes_since")),
        changes=_file(kept.get("changes")),
    )


def keep_state(feed: Feed, state: ReadState) -> None:
    """Keep it. What staff accepted is over."""
    feed.state = {
        "of": _address_key(feed),
        "manifest": _values(state.manifest),
        "files": {str(key): _values(file) for key, file in state.files.items()},
        "published_at": state.published_at and state.published_at.isoformat(),
        "whole_at": state.whole_at and state.whole_at.isoformat(),
        "has_changes": state.has_changes,
        "changes_since": state.changes_since and state.changes_since.isoformat(),
        "changes": _values(state.changes),
    }


def accepts_shrink(feed: Feed) -> bool:
    """Whether staff said that a suspicious answer is true."""
    return bool(feed.state.get(_ACCEPTS))


def note_accepted(feed: Feed) -> None:
    """Note that staff said so; for the next reading."""
    feed.state = {**feed.state, _ACCEPTS: True}


def _address_key(feed: Feed) -> int:
    return slot_key(f"{feed.kind} {feed.url}")


def _values(state: FileState | None) -> list[str | None] | None:
    return None if state is None else [state.etag, state.modified, state.digest]


def _file(values: Any) -> FileState | None:
    return None if values is None else FileState(*values)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
