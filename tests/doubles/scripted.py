"""A push service that answers by a script, and knows what stands on each screen. It listens nowhere."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from notifications.transports.base import ACCEPTED, Answer, Note, Parcel

RETIRE = Answer("retire", "UNREGISTERED")
QUARANTINE = Answer("quarantine", "SENDER_ID_MISMATCH")
MALFORMED = Answer("malformed", "INVALID_ARGUMENT")
AGAIN = Answer("again", "UNAVAILABLE")
MAYBE = Answer("again", "timeout", maybe_delivered=True)
STOP_PLATFORM = Answer("stop_platform", "UNAUTHENTICATED")
SLOW_DOWN = Answer("again", "QUOTA_EXCEEDED", retry_after_s=60.0, slow_down=True)


class ScriptedTransport:
    """Answers each registration (by its value) with what its script says next; the last answer stays.

    `sent`: every parcel in order. `screens`: by registration, what each tag shows; `shown` counts how often a note
    came to stand there. `before_answers` is called when a call's parcels are there, before the first answer.
    `goes_on`: cleared, the service hangs.
    """

    def __init__(
        self,
        platform: str = "log",
        script: Mapping[str, Sequence[Answer]] | None = None,
        *,
        otherwise: Answer = ACCEPTED,
        at_once: int = 500,
        before_answers: Callable[[Sequence[Parcel]], object] = lambda _: None,
    ) -> None:
        self.platform = platform
        self.script = {value: list(answers) for value, answers in (script or {}).items()}
        self.otherwise = otherwise
        self.at_once = at_once
        self.before_answers = before_answers
        self.sent: list[Parcel] = []
        self.screens: dict[str, dict[str, Note]] = {}
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.is_sending = threading.Event()
        self.is_closed = False
        self._lock = threading.Lock()

    def send(self, parcels: Sequence[Parcel]) -> Iterator[list[tuple[int, Answer]]]:
        """As `base.Transport.send`; a call that hangs ends when it `goes_on`."""
        with self._lock:
            self.sent += parcels
        self.before_answers(parcels)
        self.is_sending.set()
        for start in range(0, len(parcels), self.at_once):
            self.goes_on.wait(30)
            yield [(index, self._answer(parcels[index])) for index in range(start, len(parcels))[: self.at_once]]

    def close(self) -> None:
        """Nothing is held."""
        self.is_closed = True

    def values(self) -> list[str]:
        """The registrations to which something was sent, in order."""
        return [parcel.value for parcel in self.sent]

    def _answer(self, parcel: Parcel) -> Answer:
        with self._lock:
            left = self.script.get(parcel.value, [self.otherwise])
            answer = left.pop(0) if len(left) > 1 else left[0]
            if answer.verdict == "accepted" or answer.maybe_delivered:
                self.screens.setdefault(parcel.value, {})[parcel.note.tag] = parcel.note
        return answer


def as_many(transport: ScriptedTransport, values: Iterable[str]) -> bool:
    """Whether exactly these registrations were sent to, each once."""
    return sorted(transport.values()) == sorted(values)
