"""What every transport takes and answers. A transport knows no database: it sends, and says what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

Verdict = Literal["accepted", "retire", "quarantine", "malformed", "again", "stop_platform"]
"""What an answer asks for.

`accepted`: the push service took it. `retire`: this registration is gone for good. `quarantine`: it belongs to another
sender; it is kept, and not used. `malformed`: our message is wrong: the wave stops, no registration is touched.
`again`: not now. `stop_platform`: our credentials are refused: nothing goes out on this platform, somebody must look.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What stands on a screen, the same object for every device that reads the same.

    `tag` names the place on the screen: a later note with the same tag replaces an earlier one. `expires_at`: after it
    nothing is sent and nothing delivered. `urgent`: it may wake the phone. `reason`: the code of why it is told, which
    goes nowhere but into the log. `data`: small strings for the app.
    """

    title: str
    body: str
    language: str
    tag: str
    kind: str
    expires_at: datetime
    urgent: bool
    reason: str = ""
    data: Mapping[str, str] = field(default_factory=dict)

    def __hash__(self) -> int:
        """By identity: one note is shared, and what is encoded of it is kept beside it."""
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other


@dataclass(frozen=True, slots=True)
class Parcel:
    """One note for one registration (a row of `people.device_models.Registration`).

    `kind`: fcm_token, fcm_fid, webpush or log. `value`: token, installation id, endpoint or "". `p256dh` and `auth`
    are a browser's keys, base64url without padding.
    """

    registration_id: int
    kind: str
    value: str
    note: Note
    p256dh: str | None = None
    auth: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one parcel. `code`: short and stable, for people and counts (`UNREGISTERED`, `timeout`, `201`).

    `retry_after_s`: what the service asked for. `maybe_delivered`: it was written to the service and no answer tells
    that it was refused. `slow_down`: everybody should send less.
    """

    verdict: Verdict
    code: str
    retry_after_s: float | None = None
    maybe_delivered: bool = False
    slow_down: bool = False


ACCEPTED = Answer("accepted", "ok")


class Transport(Protocol):
    """Sends to one push service. Safe to use from several threads at once."""

    platform: str
    """fcm, webpush or log."""

    def send(self, parcels: Sequence[Parcel]) -> Iterator[list[tuple[int, Answer]]]:
        """Send each parcel once, and give (its index, what came of it) in batches as answers come.

        Every index comes exactly once, within a bounded time, whatever the service does; nothing is retried in here.
        Raises nothing for what a service or the network does. Closing the iterator early abandons the rest.
        """

    def close(self) -> None:
        """Let go of connections and threads."""
