"""The log transport, the default: what would stand on a screen stands in the log, and nothing is sent."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Final

from citizen_api.core.clock import Clock, system_clock
from notifications.transports.base import ACCEPTED, Answer, Parcel

_log = logging.getLogger("alentours.push")
_EXPIRED: Final = Answer("again", "expired")
_BATCH: Final = 500


class LogTransport:
    """Writes one line for each message: its words and what they are about, never whose they are."""

    platform = "log"

    def __init__(self, *, clock: Clock = system_clock) -> None:
        self._clock = clock

    def send(self, parcels: Sequence[Parcel]) -> Iterator[list[tuple[int, Answer]]]:
        """Write each parcel that is not over, in batches, so that a million of them are never held at once."""
        for start in range(0, len(parcels), _BATCH):
            yield [(index, self._write(parcels[index])) for index in range(start, min(start + _BATCH, len(parcels)))]

    def _write(self, parcel: Parcel) -> Answer:
        note = parcel.note
        if note.expires_at <= self._clock():
            return _EXPIRED
        if _log.isEnabledFor(logging.INFO):
            _log.info(
                "push",
                extra={
                    "title": note.title,
                    "body": note.body,
                    "language": note.language,
                    "kind": note.kind,
                    "reason": note.reason,
                    "wave": note.data.get("message"),
                    "tag": note.tag,
                    "urgent": note.urgent,
                    "expires_at": note.expires_at.isoformat(),
                },
            )
        return ACCEPTED

    def close(self) -> None:
        """Nothing is held."""
