"""A stand-in for FCM: a class for tests, and a program that anybody can start and aim Alentours at.

    python -m tests.doubles.fcm --port 9443 --folder /tmp/double

No emulator of FCM exists. This one speaks HTTP v1 over TLS (HTTP/2 and HTTP/1.1), hands out access tokens, refuses
what Google's own description of the interface refuses, shows what each device's screen would show, and fails on
demand. It listens on 127.0.0.1 only.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import threading
from collections import Counter, deque
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast, get_args

import click
import orjson

from tests.doubles.certificates import make_certificate, make_service_account
from tests.doubles.fcm_faults import Kind
from tests.doubles.fcm_schema import TARGETS, Violation
from tests.doubles.fcm_server import FcmServer
from tests.doubles.fcm_service import FcmService, tag_of

PROJECT_ID = "synthetic-project"


class FcmDouble:
    """FCM for as long as the context lasts.

    `validate_every`: one message in so many is checked against `fcm.v1.json`. `track`: whether screens are kept, which
    means reading each message. `keep`: how many messages and violations are remembered. `folder`: where the
    certificate and the service account are kept; without one, a temporary folder, removed by `close`.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        project_id: str = PROJECT_ID,
        folder: Path | None = None,
        latency_s: float = 0.0,
        rate_per_s: float | None = None,
        validate_every: int = 1,
        track: bool = True,
        keep: int = 10_000,
        max_streams: int = 100,
    ) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="fcm-double-") if folder is None else None
        self.folder = folder if self._temporary is None else Path(self._temporary.name)
        assert self.folder is not None
        certificate = make_certificate(self.folder)
        self._account = make_service_account(project_id, self.folder)
        self.service = FcmService(self._account, validate_every=validate_every, track=track, keep=keep)
        self.latency_s, self.rate_per_s = latency_s, rate_per_s
        self._server = FcmServer(self.service, certificate, port=port, max_streams=max_streams)
        self.ca_file = self.folder / "ca.pem"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Listen, after `stop` on the same port; what was received before is still known."""
        self._server.start()
        self.service.token_uri = f"{self.origin}/token"

    def stop(self) -> None:
        """Cut all connections and refuse new ones."""
        self._server.stop()

    def close(self) -> None:
        """Stop for good."""
        self.stop()
        if self._temporary is not None:
            self._temporary.cleanup()

    @property
    def origin(self) -> str:
        """The address to aim at."""
        return f"https://127.0.0.1:{self._server.port}"

    @property
    def project_id(self) -> str:
        """The only project that it knows."""
        return self._account.project_id

    @property
    def latency_s(self) -> float:
        """How long a message waits for its answer; may be set while running."""
        return self.service.latency_s

    @latency_s.setter
    def latency_s(self, value: float) -> None:
        self.service.latency_s = value

    @property
    def rate_per_s(self) -> float | None:
        """Above it messages are answered 429; may be set while running."""
        return self.service.rate_per_s

    @rate_per_s.setter
    def rate_per_s(self, value: float | None) -> None:
        self.service.rate_per_s = value

    @property
    def connections(self) -> int:
        """How many were opened since the last `reset`."""
        return self.service.counts.connections

    def write_credentials(self, folder: Path) -> Path:
        """Write the service account's file, which leads to this double's token endpoint."""
        return self._account.write(folder, f"{self.origin}/token")

    def issue_token(self, lifetime_s: float = 3_599) -> str:
        """An access token without asking the token endpoint."""
        return self.service.issue_token(lifetime_s)

    def revoke_tokens(self) -> None:
        """Make every access token unknown."""
        self.service.revoke_tokens()

    @property
    def received(self) -> deque[dict[str, Any]]:
        """The last messages that were well formed, refused or not."""
        return self.service.received

    @property
    def invalid(self) -> deque[Violation]:
        """What was wrong with the last messages that were not."""
        return self.service.violations

    @property
    def count(self) -> int:
        """How many messages came."""
        return self.service.counts.count

    @property
    def accepted(self) -> int:
        """How many of them were taken."""
        return self.service.counts.accepted

    @property
    def refused(self) -> Counter[str]:
        """How many met which fault."""
        return self.service.counts.refused

    @property
    def screens(self) -> dict[str, dict[str, dict[str, Any]]]:
        """What each device shows: by token, by tag, the last message."""
        return self.service.screens()

    @property
    def shown(self) -> Counter[tuple[str, str]]:
        """How often a message for this token with this tag was accepted."""
        return self.service.shown()

    def fail(
        self,
        kind: Kind,
        *,
        times: int | None = None,
        token: str | None = None,
        share: float | None = None,
        retry_after: float | None = None,
        delivered: bool = False,
    ) -> None:
        """Let messages meet a fault until `heal`; see `Faults.add`."""
        self.service.faults.add(
            kind, times=times, token=token, share=share, retry_after_s=retry_after, delivered=delivered
        )

    def heal(self) -> None:
        """End all faults."""
        self.service.faults.heal()

    def reset(self) -> None:
        """Forget what was received."""
        self.service.reset()

    def settings(self) -> dict[str, str]:
        """The environment variables that aim Alentours at it; writes the credentials beside the certificate."""
        assert self.folder is not None
        return {
            "ALENTOURS_PUSH_FCM_CREDENTIALS": str(self.write_credentials(self.folder).absolute()),
            "ALENTOURS_PUSH_FCM_URL": self.origin,
            "ALENTOURS_PUSH_FCM_CA_FILE": str(self.ca_file.absolute()),
        }


def describe(message: dict[str, Any]) -> str:
    """One line that a person can read; the address only by its ends."""
    note = message.get("notification") or (message.get("android") or {}).get("notification") or {}
    target = next((str(message[name]) for name in TARGETS if name in message), "")
    short = target if len(target) <= 12 else f"{target[:4]}…{target[-4:]}"
    title, body = (" ".join(str(note.get(name, "")).split()) for name in ("title", "body"))
    return f"{datetime.now().astimezone():%H:%M:%S}  {title}: {body}  [{tag_of(message)}] to {short}"


def begins(token: str) -> bytes:
    """How a request for a token that begins so begins, as our transport writes it."""
    return b'{"message":{"token":"' + token.encode()


def _read_fault(text: str) -> tuple[Kind, float]:
    kind, _, share = text.partition(":")
    if kind not in get_args(Kind):
        raise click.BadParameter(f"{kind} is not one of {', '.join(get_args(Kind))}")
    try:
        return cast("Kind", kind), float(share or 1)
    except ValueError:
        raise click.BadParameter(f"{share} is not a share such as 0.05") from None


@click.command()
@click.option("--port", default=9_443, help="Port on 127.0.0.1; 0: any that is free.")
@click.option("--folder", type=click.Path(path_type=Path), required=True, help="Where credentials are written.")
@click.option("--latency", "latency_s", default=0.0, help="Seconds before a message is answered.")
@click.option("--rate", "rate_per_s", type=float, help="Messages per second above which it answers 429.")
@click.option("--validate-every", default=1, help="Check one message in so many.")
@click.option("--track/--no-track", default=True, help="Keep what each screen shows.")
@click.option("--max-streams", default=100, help="Streams at once on a connection.")
@click.option("--fail", "faults", multiple=True, metavar="KIND:SHARE", help="For instance unavailable:0.05.")
@click.option("--quiet", is_flag=True, help="No line per message.")
@click.option("--mark", help="Note when messages for tokens that begin so are accepted: GET /marked.")
def main(*, folder: Path, faults: tuple[str, ...], quiet: bool, mark: str | None, **options: Any) -> None:
    """Stand in for FCM until interrupted."""
    read = [_read_fault(text) for text in faults]
    double = FcmDouble(folder=folder, **options)
    double.service.mark = begins(mark) if mark else None
    for kind, share in read:
        double.fail(kind, share=share)
    _run(double, echo=None if quiet else lambda message: click.echo(describe(message)))


def _run(double: FcmDouble, *, echo: Callable[[dict[str, Any]], None] | None) -> None:
    double.service.echo = echo
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    with double:
        click.echo("FCM double is ready. Aim Alentours at it with:\n")
        for name, value in double.settings().items():
            click.echo(f"export {name}={value}")
        click.echo(f"\ncurl --cacert {double.ca_file} {double.origin}/count   (also /screens, and POST /reset)\n")
        sys.stdout.flush()
        over.wait()
    click.echo(orjson.dumps(double.service.summary()).decode())


if __name__ == "__main__":
    main()
