"""Reads every publisher in a process of its own: `python -m bench.slots_ingest FOLDER PUBLISHERS SLOTS`.

The folder keeps the database afterwards. Memory is that of this process alone, sampled while it reads.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from sqlalchemy import func, select, update

from bench.slots_files import FolderTransport, Size, host_of, manifest_url, write_publishers
from citizen_api.background import Queueing
from citizen_api.core.clock import system_clock
from citizen_api.core.db import Database, make_engine
from citizen_api.core.settings import Settings
from citizen_api.preparing import prepare_database
from citizen_api.teleconsult.feed_sync import Turn, feed_turns
from citizen_api.teleconsult.models import Feed, Provider, Slot

ROOT = Path(__file__).resolve().parents[1]
_SAMPLED_EVERY_S = 0.05
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_LANGUAGES = (["fr"], ["fr", "en"], ["fr", "ar"])
_SECTORS = ("1", "2_optam", "2", None)


def measure(folder: Path, size: Size) -> dict[str, Any]:
    """Measure in a process of its own, and leave the database in the folder."""
    command = [sys.executable, "-m", "bench.slots_ingest", str(folder), str(size.publishers), str(size.slots)]
    found = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    measured: dict[str, Any] = json.loads(found.stdout)
    return measured


def main() -> None:
    """Measure in this process."""
    logging.disable(logging.INFO)
    folder, size = Path(sys.argv[1]), Size(int(sys.argv[2]), int(sys.argv[3]))
    print(json.dumps(ingest(folder, size)))


def ingest(folder: Path, size: Size) -> dict[str, Any]:
    """Write what is published, read all of it, and ask again."""
    files = folder / "published"
    write_publishers(files, size, now=system_clock())
    published_mb = sum(path.stat().st_size for path in files.rglob("*") if path.is_file()) / 1e6
    settings = Settings(data_dir=folder)
    database = Database(make_engine(settings))
    prepare_database(database)
    _make_providers(database, size)
    transport = FolderTransport(files)
    with httpx.Client(transport=transport) as client, Memory() as memory:
        first_s, turns = _read_all(settings, database, client)
        memory.stop()
        stored = _check(database, turns, size)
        _make_due(database)
        asked = transport.asked
        again_s, again = _read_all(settings, database, client)
    assert [turn.written for turn in again if turn.written or turn.problem] == []
    assert (len(again), transport.asked - asked) == (size.publishers, size.publishers)
    database.engine.dispose()
    shutil.rmtree(files)
    return {
        "publishers": size.publishers,
        "slots": stored,
        "published_mb": round(published_mb),
        "first_s": round(first_s, 3),
        "again_s": round(again_s, 4),
        "questions_again": transport.asked - asked,
        "unchanged_again": transport.unchanged,
        "database_mb": round(sum(path.stat().st_size for path in folder.glob("alentours.db*")) / 1e6),
        "memory": memory.told(),
    }


def _make_providers(database: Database, size: Size) -> None:
    with database.session() as session:
        for number in range(size.publishers):
            host = host_of(number)
            provider = Provider(
                id=f"p{number:04d}",
                kind="practice",
                name=f"Cabinet d'essai {number}",
                origin="staff",
                modalities=["practice", "home", "video"],
                specialties=["general-practice"],
                languages=_LANGUAGES[number % len(_LANGUAGES)],
                sector=_SECTORS[number % len(_SECTORS)],
                third_party=number % 2 == 0,
                audience="everybody",
                allowed_domains=[host],
                granularity="slot",
                have_ready=[],
                territory_kind="country",
                source="synthetic",
                as_of=date(2026, 11, 1),
                webhook_secrets=[],
                updated_at=system_clock(),
            )
            session.add(provider)
            session.flush()
            session.add(Feed(name=provider.id, provider_id=provider.id, kind="smart", url=manifest_url(number)))


def _keep(turn: Callable[[], Any], done: list[Turn]) -> None:
    done.extend(turn())


def _read_all(settings: Settings, database: Database, client: httpx.Client) -> tuple[float, list[Turn]]:
    """Read all feeds that are due, by as many threads as the background process has; seconds, and what came of it."""
    done: list[Turn] = []
    # As the background process does it: writers of one process wait for each other.
    threads = [
        threading.Thread(target=_keep, args=(turn, done))
        for turn in feed_turns(settings, Queueing(database.engine), client, system_clock)
    ]
    began_s = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began_s, done


def _check(database: Database, turns: Sequence[Turn], size: Size) -> int:
    """That everything published is known; give how much that is."""
    unwell = [turn for turn in turns if turn.problem or turn.rejected]
    assert not unwell, unwell
    with database.session(write=False) as session:
        stored = session.scalar(select(func.count()).select_from(Slot)) or 0
    assert stored == sum(turn.written for turn in turns) == size.publishers * size.slots_each
    return stored


def _make_due(database: Database) -> None:
    with database.session() as session:
        session.execute(update(Feed).values(next_try_at=None))


class Memory:
    """Samples the memory of this process (RSS) in a thread of its own, from its start until `stop`."""

    def __init__(self) -> None:
        self._samples: list[int] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        """Begin."""
        self._samples.append(_resident_bytes())
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, if it has not ended."""
        self.stop()

    def stop(self) -> None:
        """Sample no more."""
        self._stop.set()
        self._thread.join()
        self._samples.append(_resident_bytes())

    def told(self) -> dict[str, float | list[float]]:
        """MB before, at most, and the mean of each quarter of the time."""
        quarter = max(1, len(self._samples) // 4)
        parts = [self._samples[at * quarter : (at + 1) * quarter] or self._samples[-1:] for at in range(4)]
        return {
            "before_mb": _mb(self._samples[0]),
            "peak_mb": _mb(max(self._samples)),
            "quarters_mb": [_mb(statistics.mean(part)) for part in parts],
        }

    def _sample(self) -> None:
        while not self._stop.wait(_SAMPLED_EVERY_S):
            self._samples.append(_resident_bytes())


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * _PAGE_BYTES


def _mb(size: float) -> float:
    return round(size / 1e6, 1)


if __name__ == "__main__":
    main()
