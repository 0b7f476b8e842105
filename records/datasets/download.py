"""Fetch a data set from PhysioNet: the files that its SHA256SUMS.txt lists, resumed where they broke off, checked."""

import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from vqecg.records.files.checksums import file_sha256
from vqecg.records.files.progress import Progress

DATASETS = {
    "ptb-xl": "https://physionet.org/files/ptb-xl/1.0.3/",
    "challenge-2020": "https://physionet.org/files/challenge-2020/1.0.2/",
    "challenge-2021": "https://physionet.org/files/challenge-2021/1.0.3/",
    "ludb": "https://physionet.org/files/ludb/1.0.1/",
}
CHECKSUMS = "SHA256SUMS.txt"
CHUNK = 1 << 18  # bytes read at once
WORTH_A_RETRY = (408, 425, 429, 500, 502, 503, 504)  # HTTP statuses that may pass
LONGEST_PAUSE = 30.0  # seconds between two tries

# What a broken connection raises; HTTPError is an OSError too, so it is caught before these.
_BROKEN = (OSError, http.client.HTTPException)


@dataclass(frozen=True)
class Downloaded:
    """The outcome of a download."""

    folder: Path
    fetched: int  # files that came over the network in this run
    already_there: int  # files that were there with the right checksum


@dataclass(frozen=True)
class _Source:
    """The origin of files, and the patience with it."""

    base_url: str  # ends with /
    folder: Path
    retries: int
    pause: float  # seconds before the first retry, doubled for every further one
    timeout: float  # seconds without a byte


def download(
    dataset: str,
    folder: str | Path,
    base_url: str | None = None,
    only: Sequence[str] = (),
    threads: int = 4,
    retries: int = 5,
    pause: float = 1.0,
    timeout: float = 60.0,
    progress: bool = True,
) -> Downloaded:
    """Fetch `dataset` into `folder`. Run it again after an interruption: it goes on where it stopped.

    Every file is written to NAME.part, resumed there by an HTTP Range request, and renamed only when its SHA-256 is the
    published one, so a file under its own name is whole. The published SHA256SUMS.txt lands in `folder` too.

    Args:
        dataset: one of DATASETS.
        folder: where to; made if need be.
        base_url: another address with the same files (a mirror, another version).
        only: patterns of the paths to fetch, e.g. ("*.csv", "records100/*"); * crosses folders. Empty: everything.
        threads: files fetched at a time.
        retries: further tries for a file whose connection breaks.
        pause: seconds before the first retry, doubled for each further one, at most 30.
        timeout: seconds without a byte after which a connection counts as broken.
        progress: whether to show a progress bar.

    Raises:
        ValueError: an unknown data set, patterns that match nothing, a path in SHA256SUMS.txt that leaves `folder`, a
            file whose checksum is wrong (as fetched, twice, or as it was already in `folder`).
        ConnectionError: the server cannot be reached or refuses, after all retries. What has come is kept.
    """
    if dataset not in DATASETS:
        raise ValueError(f"data set {dataset!r}, expected one of {', '.join(DATASETS)}")
    if threads < 1 or retries < 0:
        raise ValueError(f"threads is {threads} and retries {retries}; expected at least 1 and 0")
    address = (base_url or DATASETS[dataset]).rstrip("/") + "/"
    if not address.startswith(("http://", "https://")):
        raise ValueError(f"base_url is {base_url!r}, expected an address that begins with https:// or http://")
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise ValueError(f"{folder} is a file, expected a folder or nothing there: give another path")
    source = _Source(address, Path(folder), retries, pause, timeout)
    source.folder.mkdir(parents=True, exist_ok=True)
    listing = _fetch_listing(source)
    checksums = _parse_listing(listing, source.base_url)
    wanted = {path: sha for path, sha in checksums.items() if not only or any(fnmatch(path, name) for name in only)}
    if not wanted:
        raise ValueError(f"none of the {len(checksums):,} files of {source.base_url} matches {list(only)}")
    fetched = _fetch_all(source, wanted, threads, progress, description=dataset)
    return Downloaded(source.folder, fetched, len(wanted) - fetched)


def _fetch_listing(source: _Source) -> str:
    """SHA256SUMS.txt as text, fetched anew each time: the address may serve a newer version."""
    (source.folder / f"{CHECKSUMS}.part").unlink(missing_ok=True)
    _fetch_with_retries(source, CHECKSUMS)
    os.replace(source.folder / f"{CHECKSUMS}.part", source.folder / CHECKSUMS)
    return (source.folder / CHECKSUMS).read_text(encoding="utf-8")


def _parse_listing(text: str, base_url: str) -> dict[str, str]:
    """Path -> SHA-256 in hexadecimal. ValueError: a line that is none, or a path that leads out of the folder."""
    checksums: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        sha, _, path = line.strip().partition(" ")
        path = path.strip().removeprefix("*").removeprefix("./")
        parts = PurePosixPath(path).parts
        if len(sha) != 64 or not path or path.startswith("/") or ".." in parts or "\\" in path or ":" in path:
            raise ValueError(
                f"{base_url}{CHECKSUMS}, line {number}: {line[:100]!r}, expected a SHA-256 and a path below the folder"
            )
        checksums[path] = sha.lower()
    if not checksums:
        raise ValueError(f"{base_url}{CHECKSUMS} lists no files; check the address")
    return checksums


def _fetch_all(source: _Source, wanted: dict[str, str], threads: int, progress: bool, description: str) -> int:
    """Fetch every file that is not there yet; the number of those. The first error ends it, what has come is kept."""
    fetched = 0
    with (
        ThreadPoolExecutor(threads) as pool,
        Progress[None](total=len(wanted), description=description, unit="file", shown=progress) as bar,
    ):
        jobs = [pool.submit(_fetch_checked, source, path, sha) for path, sha in wanted.items()]
        try:
            for job in as_completed(jobs):
                fetched += job.result()
                bar.update()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return fetched


def _fetch_checked(source: _Source, path: str, sha: str) -> bool:
    """One file, whole and checked under its own name; whether it had to be fetched.

    A wrong checksum is fetched once more from the first byte, as the .part may be of another version. ValueError after
    that, and for a file that was there before and differs (the user may have changed it: it is not overwritten).
    """
    file = source.folder / path
    if file.exists():
        if file_sha256(file) == sha:
            return False
        raise ValueError(
            f"{file} is not the published file (its SHA-256 differs); move it away and run the download again"
        )
    part = Path(f"{file}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(2):
        _fetch_with_retries(source, path)
        if file_sha256(part) == sha:
            os.replace(part, file)
            return True
        part.unlink()
    raise ValueError(
        f"{source.base_url}{path} has another SHA-256 than {CHECKSUMS} says, twice; nothing was kept of it. "
        "Try later, or another address"
    )


def _fetch_with_retries(source: _Source, path: str) -> None:
    """Bring PATH.part to its full length. ConnectionError: not after all retries, or the server refuses."""
    url = source.base_url + quote(path)
    for attempt in range(source.retries + 1):
        try:
            _fetch_rest(url, Path(f"{source.folder / path}.part"), source.timeout)
            return
        except urllib.error.HTTPError as error:
            error.close()
            if error.code not in WORTH_A_RETRY:
                raise ConnectionError(f"{url}: {error.code} {error.reason}; check the address") from error
            last: Exception = error
        except _BROKEN as error:
            last = error
        if attempt < source.retries:
            time.sleep(min(LONGEST_PAUSE, source.pause * 2**attempt))
    raise ConnectionError(
        f"{url}: {last} after {source.retries + 1} tries; run the download again, it goes on where it stopped"
    ) from last


def _fetch_rest(url: str, part: Path, timeout: float) -> None:
    """Append to `part` what it lacks of `url`. Raises OSError when the connection ends before the last byte."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # no bytes from here on: the part is whole (or too long, which its checksum tells)
            error.close()
            return
        raise
    with response:
        resumed = have > 0 and response.status == 206
        expected = response.headers.get("Content-Length")
        came = 0
        with part.open("ab" if resumed else "wb") as file:  # a server without Range sends it all again
            while chunk := response.read(CHUNK):
                file.write(chunk)
                came += len(chunk)
    if expected is not None and came < int(expected):
        raise OSError(f"the connection ended after {came:,} of {int(expected):,} bytes")
