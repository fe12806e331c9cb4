"""Large files from outside: streamed to disk, capped, and resumed where a cut connection left them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx

from citizen_api.core import outgoing
from citizen_api.core.locks import TakenError, file_lock
from citizen_api.core.settings import Settings

ATTEMPTS: Final = 4
_PARTIAL: Final = 206
_RANGE_NOT_SATISFIABLE: Final = 416


class DownloadError(Exception):
    """The file could not be fetched whole; the message is one line, and holds no secret of the address."""


def download(url: str, settings: Settings, *, progress: Callable[[int, int], None] = lambda *_: None) -> Path:
    """Fetch an address into the data folder and give the path.

    A partial file stays until the download is whole: a later call with the same address goes on from there, if
    the server still has the same version (If-Range). `progress` is told (bytes done, bytes in all or 0). Raises
    DownloadError.
    """
    folder = settings.data_dir / "downloads"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / hashlib.sha256(url.encode(errors="replace")).hexdigest()[:24]
    try:
        with file_lock(target.with_suffix(".lock")), outgoing.make_client(settings) as client:
            return _download(client, url, target, settings.import_max_bytes, progress)
    except httpx.InvalidURL as error:
        raise DownloadError(f"this is not an address: {error}") from error
    except TakenError as error:
        raise DownloadError(f"{public_part(url)} is being fetched already") from error


def public_part(url: str) -> str:
    """Scheme, host and path of an address: its credentials and query may be secrets. Raises httpx.InvalidURL."""
    parsed = httpx.URL(url)
    port = "" if parsed.port is None else f":{parsed.port}"
    return f"{parsed.scheme}://{parsed.host}{port}{parsed.path}"


def _download(
    client: httpx.Client, url: str, target: Path, max_bytes: int, progress: Callable[[int, int], None]
) -> Path:
    partial, version = target.with_suffix(".part"), target.with_suffix(".version")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _fetch(client, url, partial, version, max_bytes, progress)
            break
        except (
            httpx.HTTPStatusError,
            httpx.TooManyRedirects,
            httpx.UnsupportedProtocol,
            outgoing.RefusedError,
        ) as error:
            raise DownloadError(_reason(url, error)) from error
        except httpx.HTTPError as error:
            # What arrived stays in the partial file: the next attempt asks for the rest.
            if attempt == ATTEMPTS:
                raise DownloadError(_reason(url, error)) from error
    partial.replace(target)
    version.unlink(missing_ok=True)
    return target


def _fetch(
    client: httpx.Client,
    url: str,
    partial: Path,
    version: Path,
    max_bytes: int,
    progress: Callable[[int, int], None],
) -> None:
    done = partial.stat().st_size if partial.exists() and version.exists() else 0
    headers = {"Accept-Encoding": "identity"}
    if done:
        headers |= {"Range": f"bytes={done}-", "If-Range": version.read_text(encoding="utf-8")}
    with client.stream("GET", url, headers=headers) as response:
        rest = response.headers.get("Content-Range", "").startswith(f"bytes {done}-")
        if response.status_code == _RANGE_NOT_SATISFIABLE or (response.status_code == _PARTIAL and not rest):
            partial.unlink(missing_ok=True)
            raise httpx.RemoteProtocolError("the partial file does not fit any more")
        response.raise_for_status()
        if response.status_code != _PARTIAL:
            done = 0
        length = response.headers.get("Content-Length")
        total = done + int(length) if length else 0
        _check_size(url, total, max_bytes)
        with partial.open("ab" if done else "wb") as file:
            # After the old content is gone, so that a kill in between never joins two versions.
            _note_version(version, response)
            for chunk in response.iter_raw():  # as it comes: what a chunk size holds back, a cut loses
                done += len(chunk)
                _check_size(url, done, max_bytes)
                file.write(chunk)
                progress(done, total)


def _note_version(version: Path, response: httpx.Response) -> None:
    """Remember what tells this version of the file from the next; without it a cut download starts anew."""
    tag = response.headers.get("ETag") or response.headers.get("Last-Modified")
    if tag and not tag.startswith("W/"):
        version.write_text(tag, encoding="utf-8")
    else:
        version.unlink(missing_ok=True)


def _check_size(url: str, size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise DownloadError(f"{public_part(url)} is larger than {max_bytes} bytes (ALENTOURS_IMPORT_MAX_BYTES)")


def _reason(url: str, error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        return f"{public_part(url)} answered {error.response.status_code}"
    return f"{public_part(url)} could not be read: {error or type(error).__name__}"
