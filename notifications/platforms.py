"""Push services as a whole: which registrations they reach, and the rest of one that refuses our credentials."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select

from citizen_api.core.db import Database, insert_or_update
from notifications.models import Platform
from notifications.outbox import is_near

PLATFORM_OF: Final = {"fcm_fid": "fcm", "fcm_token": "fcm", "webpush": "webpush", "log": "log"}
"""By the kind of a registration."""
REST: Final = timedelta(minutes=5)
_log = logging.getLogger("alentours.push")


def stop_platform(database: Database, name: str, code: str, *, now: datetime) -> datetime:
    """Let nothing out on a platform for `REST`, and say so loudly, once for each rest: until when.

    `code`: what the service answered.
    """
    until = now + REST
    with database.session() as session:
        known = select(Platform.stopped_until).where(Platform.name == name, is_near(Platform.stopped_until, now, REST))
        resting = session.scalar(known)
        if resting is not None:
            return resting
        changed = {"stopped_until": until, "code": code}
        session.execute(
            insert_or_update(session, Platform)
            .values(name=name, **changed)
            .on_conflict_do_update(index_elements=[Platform.name], set_=changed)
        )
    _log.error("PUSH STOPPED ON %s: our credentials are refused (%s); it is tried again in 5 minutes", name, code)
    return until


class _Alarm:
    """Says something at most once in `REST`."""

    def __init__(self) -> None:
        self._said_at_s: dict[tuple[str, str], float] = {}

    def __call__(self, name: str, code: str) -> None:
        """Say loudly that a service behind a platform refuses the key that we have with it."""
        now_s = time.monotonic()
        if now_s - self._said_at_s.get((name, code), -REST.total_seconds()) >= REST.total_seconds():
            self._said_at_s[name, code] = now_s
            _log.error("PUSH REFUSED BEHIND %s: a service behind it refuses our key (%s); others go on", name, code)


alarm: Final = _Alarm()
