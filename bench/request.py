"""Where the time of one question goes: the app called by this process as the server calls it, without any network."""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from app import create_app
from bench.served import nearest_paths
from citizen_api.api import warm_up
from citizen_api.care import nearest, present
from citizen_api.care.directory import Directory
from citizen_api.core.settings import Settings

_TIMES = 5


def measure(data_dir: Path, directory: Directory, *, questions: int) -> dict[str, Any]:
    """Microseconds of the processor, median of a few rounds over `questions` different ones."""
    app = create_app(Settings(data_dir=data_dir, rate_limit="", log_level="ERROR"))
    warm_up(app)
    open_now = nearest_paths("&open=now", count=questions)
    asked = [_question(path, directory) for path in open_now]
    answers = [nearest.find_nearest(directory, question) for question in asked]
    return {
        "constant_us": _median_us([lambda: _call(app.wsgi_app, "/healthz")] * questions),
        "nearest_us": _median_us([_calling(app.wsgi_app, path) for path in open_now]),
        "find_us": _median_us([_finding(directory, question) for question in asked]),
        "join_us": _median_us(
            [_joining(directory, question, answer) for question, answer in zip(asked, answers, strict=True)]
        ),
        "questions": questions,
    }


def _question(path: str, directory: Directory) -> nearest.Question:
    told = dict(part.split("=") for part in path.partition("?")[2].split("&"))
    return nearest.Question(
        lat=float(told["lat"]),
        lon=float(told["lon"]),
        categories=(told["category"],),
        at=directory.built_at,
        open_at=directory.built_at,
        open_now=True,
        limit=int(told["limit"]),
    )


def _calling(wsgi: Any, path: str) -> Callable[[], None]:
    return lambda: _call(wsgi, path)


def _finding(directory: Directory, question: nearest.Question) -> Callable[[], object]:
    return lambda: nearest.find_nearest(directory, question)


def _joining(directory: Directory, question: nearest.Question, answer: nearest.Answer) -> Callable[[], object]:
    return lambda: present.answer_json(directory, answer, cursor="next", at=question.moment, lang="en")


def _median_us(calls: Sequence[Callable[[], object]]) -> float:
    rounds = []
    for _ in range(_TIMES):
        started = time.process_time()
        for call in calls:
            call()
        rounds.append((time.process_time() - started) / len(calls) * 1e6)
    return round(statistics.median(rounds), 1)


def _call(wsgi: Any, path: str) -> None:
    target, _, query = path.partition("?")
    environ = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": target,
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1",
        "HTTP_ACCEPT": "application/json",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    statuses: list[str] = []

    def start(status: str, _headers: list[tuple[str, str]], _error: Any = None) -> None:
        statuses.append(status)

    answer = wsgi(environ, start)
    b"".join(answer)
    answer.close()
    assert statuses == ["200 OK"], (path, statuses)
