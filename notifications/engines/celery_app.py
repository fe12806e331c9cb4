"""What Celery's broker carries: the ids of chunks, from the background process to workers, and nothing else.

The ledger is in the database. An id that is lost is handed over again, one that comes twice meets the lease.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Final

from celery import Celery
from kombu import Connection, Exchange, Queue
from sqlalchemy.engine import make_url

from citizen_api.core.settings import Settings
from notifications.ledger import LANES

TASK: Final = "alentours.send_chunk"
CONNECT_TIMEOUT_S: Final = 4.0
_HEARTBEAT_S: Final = 20
_VISIBILITY_S: Final = 60
"""When Redis hands an id out again that nobody has answered for. Longer deliveries get theirs twice: see the lease."""
_RETRY_S: Final = 4.0
_START_S: Final = 60.0
"""How long a worker process may take to start: transports read their files."""


class _Connection(Connection):  # type: ignore[misc]  # kombu is read as untyped
    """Tries again every few seconds, not after half a minute, and says once that it must."""

    def ensure_connection(self, errback: Any = None, *args: Any, **said: Any) -> Any:
        told: list[Exception] = []

        def tell(error: Exception, pause_s: float) -> None:
            if errback is not None and not told:
                told.append(error)
                errback(error, pause_s)

        return super().ensure_connection(tell, *args, **{**said, "interval_max": _RETRY_S})


def make_app(settings: Settings, send: Callable[[int], None] | None = None) -> Celery:
    """Make the Celery app of an installation; `send` is what its one task does, in a worker."""
    prefix = installation(settings)
    app = Celery("alentours", broker=settings.broker_url, set_as_current=False, changes=_changes(settings, prefix))
    app.amqp.Connection = _Connection
    app.task(send or _not_here, name=TASK, shared=False)
    return app


def installation(settings: Settings) -> str:
    """Name the installation by where its database is, so that several can share a broker; nobody can read it back.

    Account, password and driver do not count: hosts may have their own.
    """
    url = make_url(settings.database)
    place = [url.get_backend_name(), url.host, url.port, url.database, url.query.get("host"), url.query.get("port")]
    return f"alentours.{hashlib.sha256(repr(place).encode()).hexdigest()[:12]}"


def queue_name(settings: Settings, lane: str) -> str:
    """The queue of a lane."""
    return f"{installation(settings)}.{lane}"


def _not_here(chunk_id: int) -> None:
    raise RuntimeError(f"chunk {chunk_id} came to a process that only hands over")


def _changes(settings: Settings, prefix: str) -> dict[str, Any]:
    exchange = Exchange(prefix, type="direct")
    return {
        "task_queues": [
            Queue(queue_name(settings, lane), exchange, routing_key=queue_name(settings, lane)) for lane in LANES
        ],
        "task_default_queue": queue_name(settings, LANES[-1]),
        "task_create_missing_queues": False,
        # An id that went with a broker is swept: nothing of it needs a disk.
        "task_default_delivery_mode": "transient",
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        "task_store_errors_even_if_ignored": False,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,
        "worker_enable_prefetch_count_reduction": False,
        "worker_proc_alive_timeout": _START_S,
        "worker_send_task_events": False,
        "worker_enable_remote_control": False,
        "broker_use_ssl": _tls(settings),
        "broker_heartbeat": _HEARTBEAT_S,
        "broker_connection_timeout": CONNECT_TIMEOUT_S,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": transport_options(settings),
    }


def transport_options(settings: Settings) -> dict[str, Any]:
    """What is set of the connection itself, which depends on the kind of broker."""
    if not settings.broker_url.startswith("redis"):
        return {}
    return {
        "global_keyprefix": f"{installation(settings)}:",
        "visibility_timeout": _VISIBILITY_S,
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_keepalive": True,
    }


def _tls(settings: Settings) -> dict[str, Any] | None:
    """Have a broker's certificate checked: neither library does so by itself."""
    scheme = settings.broker_url.partition(":")[0]
    if scheme == "rediss":
        return {"ssl_cert_reqs": "required", "ssl_check_hostname": True}
    if scheme == "amqps":
        host = make_url(settings.broker_url.partition(";")[0]).host
        return {"context": {"check_hostname": True}, "server_hostname": host}
    return None
