"""Downloads: resumed, checked before they get their name, from several sources in turn.

urllib and not pooch: pooch's downloader (1.9) starts every attempt from an empty file, and the larger weights are
gigabytes over connections that break. What is not finished lies beside the target as `.<file>.part`, with a note of
where it came from, and the next attempt asks for the rest of it.
"""

from __future__ import annotations

import http.client
import json
import os
import ssl
import time
import typing as t
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from motionbench.canonical import show
from motionbench.errors import WeightsError
from motionbench.weights.store import sha256_of

Progress = Callable[[int, int | None], None]
_CHUNK = 1 << 20
_TIMEOUT = 30.0
_ATTEMPTS = 5  # in a row without a single byte


class _Refused(Exception):
    """This source does not serve the file; the next one may."""


def download(
    sources: Sequence[str],
    target: Path,
    *,
    sha256: str | None,
    size: int | None,
    progress: Progress,
    pause: float = 1.0,
) -> str:
    """Fetch a file from the first source that delivers it whole.

    Args:
        sources: http(s) addresses, tried in order.
        target: where the file goes; it appears there only when it is complete and checked.
        sha256: what it must hash to, or None if that is not known.
        size: its exact size, or None.
        progress: called with (bytes there, bytes in all or None).
        pause: seconds between attempts at one source.

    Returns:
        The sha256 of the file.

    Raises:
        WeightsError: no source delivered it; one line for each of them in `details`.
    """
    part = target.with_name(f".{target.name}.part")
    failures = []
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        for url in sources:
            try:
                return _from(url, part, target, sha256, size, progress, pause)
            except _Refused as error:
                failures.append(f"{url}: {error}")
    except OSError as error:
        raise WeightsError(f"{target} cannot be written: {error.strerror}", "choose another --weights-dir") from error
    raise WeightsError(
        f"{target.name} could not be downloaded from any of {len(sources)} sources",
        "the same command goes on where it was stopped",
        tuple(failures),
    )


def _from(
    url: str, part: Path, target: Path, sha256: str | None, size: int | None, progress: Progress, pause: float
) -> str:
    """One source, twice: a part that was begun with other bytes cannot become the file, a fresh one may."""
    resumed = part.exists()
    if resumed and sha256 is None and _note(part).get("url") != url:
        _forget(part)  # with no hash to check against, parts of different origin must not be joined
        resumed = False
    while True:
        _transfer(url, part, sha256, size, progress, pause)
        found = sha256_of(part)
        if sha256 in (None, found):
            part.replace(target)
            _forget(part)
            return found
        _forget(part)
        if not resumed:
            raise _Refused(f"it delivered a file with the sha256 {found}, expected {sha256}")
        resumed = False


def _transfer(url: str, part: Path, sha256: str | None, size: int | None, progress: Progress, pause: float) -> None:
    """Go on asking for what is missing until the part is complete."""
    idle = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            total = _ask(url, part, size, progress) or size
            have = part.stat().st_size
            if total is None and sha256 is None:
                raise _Refused("it does not say how long the file is, and neither hash nor size is listed")
            if total is None or have == total:
                return
            problem = f"the connection ended after {have} of {total} bytes"
            if have > total:
                _forget(part)
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code != 429:
                raise _Refused(f"HTTP {error.code} {error.reason}") from error
            problem = f"HTTP {error.code} {error.reason}"
        except (urllib.error.URLError, http.client.HTTPException, ssl.SSLError, TimeoutError, ConnectionError) as error:
            problem = show(getattr(error, "reason", error))
        idle = 0 if part.exists() and part.stat().st_size > before else idle + 1
        if idle >= _ATTEMPTS:
            raise _Refused(problem)
        time.sleep(pause)


def _ask(url: str, part: Path, size: int | None, progress: Progress) -> int | None:
    """One request. Returns how many bytes the file has in all, or None if the server does not say."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "motionbench", "Accept-Encoding": "identity"})
    if have:
        request.add_header("Range", f"bytes={have}-")
        if mark := _note(part).get("mark"):
            request.add_header("If-Range", mark)  # a file that has changed since is sent whole
    try:
        response = _OPENER.open(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != 416 or not have:
            raise
        whole = _after_slash(error.headers.get("Content-Range"))
        if whole == have:
            return whole
        _forget(part)  # longer than the file: it is not a part of it
        return _ask(url, part, size, progress)
    with response:
        have, total = _agree(response, have)
        if size is not None and total is not None and total != size:
            raise _Refused(f"it offers {total} bytes, expected {size}")
        mark = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        _note_path(part).write_text(json.dumps({"url": url, "mark": "" if mark.startswith("W/") else mark}))
        with part.open("r+b" if have else "wb") as file:
            file.seek(have)
            file.truncate()
            progress(have, total)
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                have += len(chunk)
                progress(have, total)
            file.flush()
            os.fsync(file.fileno())
    # A chunked answer says at its end that it is whole (one that breaks off raises IncompleteRead).
    return have if total is None and response.chunked else total


def _agree(response: t.Any, have: int) -> tuple[int, int | None]:
    """From where the server sends, and how much there is in all."""
    if response.headers.get_content_type() == "text/html":
        raise _Refused("it answers with a web page, not with the file")
    length = response.headers.get("Content-Length")
    if response.status != 206:
        return 0, int(length) if length is not None else None
    span = response.headers.get("Content-Range") or ""
    if not span.startswith(f"bytes {have}-"):
        raise _Refused(f"it was asked for the bytes from {have} on and answers {show(span)!r}")
    return have, _after_slash(span)


def _after_slash(span: str | None) -> int | None:
    whole = (span or "").rpartition("/")[2]
    return int(whole) if whole.isdecimal() else None


def _note_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _note(part: Path) -> dict[str, str]:
    try:
        content = json.loads(_note_path(part).read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _note_path(part).unlink(missing_ok=True)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follow redirects, but never from https to plain http, nor to a file."""

    def redirect_request(self, req: t.Any, fp: t.Any, code: int, msg: str, headers: t.Any, newurl: str) -> t.Any:
        old, new = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if new != "https" and not (old == new == "http"):
            raise _Refused(f"it redirects to {show(newurl)!r}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


_OPENER = urllib.request.build_opener(_Redirects)
