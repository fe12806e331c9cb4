"""Large files from outside: streamed to disk, capped, and resumed where a cut connection left them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx

from citizen_api.core import outgoing
from citizen_api.core.settings import Settings

ATTEMPTS: Final = 4
_CHUNK_BYTES: Final = 262_144
_PARTIAL: Final = 206
_RANGE_NOT_SATISFIABLE: Final = 416


class DownloadError(Exception):
    """The file could not be fetched whole; the message is one line."""


def download(url: str, settings: Settings, *, progress: Callable[[int, int], None] = lambda *_: None) -> Path:
    """Fetch an address into the data folder and give the path.

    A partial file stays until the download is whole: a later call with the same address goes on from there, if
    the server still has the same version (If-Range). Raises DownloadError.
    """
    folder = settings.data_dir / "downloads"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / hashlib.sha256(url.encode()).hexdigest()[:24]
    partial, version = target.with_suffix(".part"), target.with_suffix(".version")
    with outgoing.make_client(settings) as client:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                _fetch(client, url, partial, version, settings.import_max_bytes, progress)
            except httpx.HTTPError as error:
                # What arrived stays in the partial file: the next attempt asks for the rest.
                if attempt == ATTEMPTS or isinstance(error, httpx.HTTPStatusError):
                    raise DownloadError(_reason(url, error)) from error
            else:
                partial.replace(target)
                version.unlink(missing_ok=True)
                return target
    raise AssertionError("unreachable: the last attempt returns or raises")


def _fetch(
    client: httpx.Client,
    url: str,
    partial: Path,
    version: Path,
    max_bytes: int,
    progress: Callable[[int, int], None],
) -> None:
    if reason := outgoing.refusal(url):
        raise DownloadError(f"{_origin(url)}: {reason}")
    done = partial.stat().st_size if partial.exists() and version.exists() else 0
    headers = {"Accept-Encoding": "identity"}
    if done:
        headers |= {"Range": f"bytes={done}-", "If-Range": version.read_text(encoding="utf-8")}
    with client.stream("GET", url, headers=headers) as response:
        _check_hops(response)
        if response.status_code == _RANGE_NOT_SATISFIABLE:
            partial.unlink()
            raise httpx.RemoteProtocolError("the partial file does not fit any more")
        response.raise_for_status()
        if response.status_code != _PARTIAL:
            done = 0
        total = done + int(response.headers.get("Content-Length", 0))
        if total > max_bytes:
            raise DownloadError(f"{_origin(url)}: larger than {max_bytes} bytes (ALENTOURS_IMPORT_MAX_BYTES)")
        tag = response.headers.get("ETag") or response.headers.get("Last-Modified")
        if tag and not tag.startswith("W/"):
            version.write_text(tag, encoding="utf-8")
        else:
            version.unlink(missing_ok=True)
        with partial.open("ab" if done else "wb") as file:
            for chunk in response.iter_raw(_CHUNK_BYTES):
                done += len(chunk)
                if done > max_bytes:
                    raise DownloadError(f"{_origin(url)}: larger than {max_bytes} bytes (ALENTOURS_IMPORT_MAX_BYTES)")
                file.write(chunk)
                progress(done, total)


def _check_hops(response: httpx.Response) -> None:
    for hop in (*response.history, response):
        if reason := outgoing.refusal(str(hop.url)):
            raise DownloadError(f"{_origin(str(hop.url))}: {reason}")


def _origin(url: str) -> str:
    parsed = httpx.URL(url)
    return f"{parsed.scheme}://{parsed.host}"


def _reason(url: str, error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        return f"{_origin(url)} answered {error.response.status_code}"
    return f"{_origin(url)} could not be read: {error or type(error).__name__}"
