"""What is known of each push service while the process runs: our signed header for it, and whether it wants a rest."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02  # type: ignore[import-untyped]

from citizen_api.core.clock import Clock

SIGNED_FOR: Final = timedelta(hours=12)
"""How long a header is good for; RFC 8292 allows 24 h."""
RENEWED_AFTER: Final = timedelta(hours=6)
MOST_ORIGINS: Final = 1_000
"""Beyond that the one unused for longest is forgotten."""
ENOUGH: Final = 3
"""So many refusals or failures one after the other, and the service is left alone for a while."""
REST_S: Final = 30.0
"""How long a service that cannot be reached is left alone."""
_SERVICES: Final = {
    "fcm.googleapis.com": "Google",
    "updates.push.services.mozilla.com": "Mozilla",
    "web.push.apple.com": "Apple",
    "notify.windows.com": "Microsoft",
}


def service_name(origin: str) -> str:
    """Name a large push service for the log. Of another one nothing is said: its name may tell whose it is."""
    host = origin.partition("://")[2].partition(":")[0]
    return next((name for end, name in _SERVICES.items() if f".{host}".endswith(f".{end}")), "another")


@dataclass(slots=True)
class _Origin:
    header: str
    signed_at: datetime
    longest_taken: int = -1
    """Bytes of the longest message taken under this header; -1: none yet."""
    doubts_us: bool = False
    """It refused a message, and takes no others like it."""
    too_many_in_a_row: int = 0
    failures_in_a_row: int = 0
    rests_until: float = 0.0
    """By `time.monotonic`."""


class Origins:
    """Safe to use from several threads. An origin is scheme, host and port, as in `aud` of RFC 8292."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, *, subject: str, clock: Clock) -> None:
        # py_vapid would refuse subjects with a path, and takes some that are none: `check_subject` has looked.
        self._vapid = Vapid02(key, conf={"no-strict": True})
        self._subject = subject
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[str, _Origin] = OrderedDict()

    def header(self, origin: str) -> str:
        """Give `Authorization` for a request to it, signed anew every few hours. Raises VapidException."""
        now = self._clock()
        with self._lock:
            known = self._known.get(origin)
            # A clock that was set back would make the end of an older header lie more than a day ahead.
            if known is None or not timedelta() <= now - known.signed_at < RENEWED_AFTER:
                header = self._signed(origin, now)
                known = self._known.setdefault(origin, _Origin(header, now))
                known.header, known.signed_at, known.longest_taken, known.doubts_us = header, now, -1, False
                if len(self._known) > MOST_ORIGINS:
                    self._known.popitem(last=False)
            self._known.move_to_end(origin)
            return known.header

    def _signed(self, origin: str, now: datetime) -> str:
        claims = {"aud": origin, "exp": int((now + SIGNED_FOR).timestamp()), "sub": self._subject}
        return str(self._vapid.sign(claims)["Authorization"])

    def rest_s(self, origin: str) -> float:
        """How long it is still to be left alone, in seconds; 0: not."""
        with self._lock:
            known = self._known.get(origin)
            return max(0.0, known.rests_until - time.monotonic()) if known else 0.0

    def took(self, origin: str, size: int) -> None:
        """It took a message of so many bytes."""
        with self._lock:
            if known := self._known.get(origin):
                known.too_many_in_a_row = known.failures_in_a_row = 0
                known.longest_taken = max(known.longest_taken, size)

    def takes(self, origin: str, size: int) -> bool:
        """Whether it took a message at least so long under the present header.

        Of a message a push service sees nothing but its length. When it takes others like it, then neither our key, our
        clock nor our message is at fault, but the one subscription that it refuses.
        """
        with self._lock:
            known = self._known.get(origin)
            return known is not None and known.longest_taken >= size

    def answered(self, origin: str) -> None:
        """It gave some other answer: it is there."""
        with self._lock:
            if known := self._known.get(origin):
                known.too_many_in_a_row = known.failures_in_a_row = 0

    def doubts(self, origin: str) -> bool:
        """It refused a message, and takes no others like it. Whether that is new since the header was signed."""
        with self._lock:
            known = self._known.get(origin)
            if known is None or known.doubts_us:
                return False
            known.doubts_us = True
            return True

    def said_too_many(self, origin: str, retry_after_s: float) -> None:
        """It asked for less. Once may be about a single phone; several times in a row is about all of us."""
        with self._lock:
            if known := self._known.get(origin):
                known.failures_in_a_row = 0
                known.too_many_in_a_row += 1
                if known.too_many_in_a_row >= ENOUGH:
                    known.rests_until = time.monotonic() + retry_after_s

    def failed(self, origin: str) -> None:
        """It could not be reached, or did not answer."""
        with self._lock:
            if known := self._known.get(origin):
                known.failures_in_a_row += 1
                if known.failures_in_a_row >= ENOUGH:
                    known.rests_until = time.monotonic() + REST_S
                    known.failures_in_a_row = 0
