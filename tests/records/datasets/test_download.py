"""Downloading from a server on this machine: resuming, checksums, retries."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from vqecg.records.datasets.download import DATASETS, download

FILES = {
    "RECORDS": b"records100/00000/00001_lr\n",
    "records100/00000/00001_lr.hea": b"00001_lr 12 100 1000\n",
    "records100/00000/00001_lr.dat": np.random.default_rng(0).bytes(300_000),
    "a name with spaces.csv": b"ecg_id\n1\n",
    "empty.txt": b"",
}


class Server(http.server.ThreadingHTTPServer):
    """Serves `files` with Range; `cut` and `refuse` misbehave for the next so many requests of a path."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = dict(FILES)
        self.listing: bytes | None = None
        self.ranges = True
        self.cut: dict[str, int] = {}  # path -> requests that end in the middle
        self.refuse: dict[str, list[int]] = {}  # path -> statuses of the next requests
        self.asked: list[tuple[str, str]] = []  # (path, Range header)

    def content(self, path: str) -> bytes | None:
        if path == "SHA256SUMS.txt":
            lines = [f"{hashlib.sha256(content).hexdigest()} {name}" for name, content in self.files.items()]
            return self.listing if self.listing is not None else ("\n".join(lines) + "\n").encode()
        return self.files.get(path)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/files"

    def asked_files(self) -> list[str]:
        return sorted(path for path, _ in self.asked if path != "SHA256SUMS.txt")


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        path = self.path.removeprefix("/files/").replace("%20", " ")
        wanted = self.headers.get("Range", "")
        self.server.asked.append((path, wanted))
        content = self.server.content(path)
        statuses = self.server.refuse.get(path, [])
        if statuses or content is None:
            self.send_error(statuses.pop(0) if statuses else 404)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-") or 0) if self.server.ranges else 0
        if start and start >= len(content):
            self.send_error(416)
            return
        body = content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.server.cut.get(path, 0):
            self.server.cut[path] -= 1
            body = body[: len(body) // 2]
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def fetch(server: Server, folder: Path, **settings):
    return download("ptb-xl", folder, base_url=server.url, pause=0.0, progress=False, **settings)


def assert_complete(server: Server, folder: Path) -> None:
    for name, content in server.files.items():
        assert (folder / name).read_bytes() == content
    assert not list(folder.rglob("*.part"))


def test_everything_arrives_and_nothing_is_fetched_twice(server: Server, tmp_path: Path) -> None:
    result = fetch(server, tmp_path / "new")
    assert (result.fetched, result.already_there) == (len(FILES), 0)
    assert_complete(server, tmp_path / "new")
    server.asked.clear()
    result = fetch(server, tmp_path / "new")
    assert (result.fetched, result.already_there) == (0, len(FILES))
    assert server.asked_files() == []


def test_patterns_choose_files(server: Server, tmp_path: Path) -> None:
    fetch(server, tmp_path, only=("*.csv", "records100/*"))
    assert server.asked_files() == [
        "a name with spaces.csv", "records100/00000/00001_lr.dat", "records100/00000/00001_lr.hea"
    ]  # fmt: skip
    with pytest.raises(ValueError, match="none of the 5 files"):
        fetch(server, tmp_path, only=("records1000/*",))


def test_a_connection_that_breaks_is_resumed_where_it_ended(server: Server, tmp_path: Path) -> None:
    path = "records100/00000/00001_lr.dat"
    server.cut[path] = 2
    fetch(server, tmp_path)
    assert_complete(server, tmp_path)
    assert [wanted for asked, wanted in server.asked if asked == path] == ["", "bytes=150000-", "bytes=225000-"]


def test_an_interrupted_download_goes_on_in_the_next_run(server: Server, tmp_path: Path) -> None:
    path = "records100/00000/00001_lr.dat"
    server.cut[path] = 1
    with pytest.raises(ConnectionError, match="run the download again"):
        fetch(server, tmp_path, retries=0)
    assert not (tmp_path / path).exists()
    assert (tmp_path / f"{path}.part").stat().st_size == 150_000
    server.asked.clear()
    fetch(server, tmp_path)
    assert_complete(server, tmp_path)
    assert (path, "bytes=150000-") in server.asked


def test_a_server_without_range_sends_it_all_again(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    server.cut["records100/00000/00001_lr.dat"] = 1
    fetch(server, tmp_path)
    assert_complete(server, tmp_path)


@pytest.mark.parametrize("left", [FILES["records100/00000/00001_lr.dat"], b"of another version" * 20_000, b"x" * 10])
def test_a_part_that_is_whole_too_long_or_wrong_is_no_trouble(server: Server, tmp_path: Path, left: bytes) -> None:
    part = tmp_path / "records100/00000/00001_lr.dat.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(left)
    fetch(server, tmp_path)
    assert_complete(server, tmp_path)


def test_a_wrong_checksum_is_refused_and_leaves_nothing(server: Server, tmp_path: Path) -> None:
    right = server.content("SHA256SUMS.txt")
    server.listing = right
    server.files["RECORDS"] = b"somebody else's records\n"
    with pytest.raises(ValueError, match=r"RECORDS has another SHA-256.*twice"):
        fetch(server, tmp_path)
    assert not list(tmp_path.glob("RECORDS*"))


def test_a_file_that_was_changed_here_is_not_overwritten(server: Server, tmp_path: Path) -> None:
    fetch(server, tmp_path)
    (tmp_path / "RECORDS").write_bytes(b"mine\n")
    with pytest.raises(ValueError, match=r"RECORDS is not the published file.*move it away"):
        fetch(server, tmp_path)
    assert (tmp_path / "RECORDS").read_bytes() == b"mine\n"


def test_a_busy_server_is_asked_again_and_a_refusal_is_not(server: Server, tmp_path: Path) -> None:
    server.refuse = {"RECORDS": [503, 429]}
    fetch(server, tmp_path)
    assert_complete(server, tmp_path)
    server.refuse = {"SHA256SUMS.txt": [403]}
    with pytest.raises(ConnectionError, match="403"):
        fetch(server, tmp_path)


def test_a_wrong_address_is_an_error_that_names_it(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ConnectionError, match=r"elsewhere/SHA256SUMS\.txt: 404"):
        download("ptb-xl", tmp_path, base_url=server.url + "/elsewhere", pause=0.0, progress=False)


@pytest.mark.bad_input("addresses of a download")
@pytest.mark.parametrize("address", ["ftp://x.example/", "file:///etc/", "physionet.org/files", "//x.example"])
def test_an_address_of_another_kind_is_refused_at_once(tmp_path: Path, address: str) -> None:
    with pytest.raises(ValueError, match="expected an address that begins with https"):
        download("ptb-xl", tmp_path / "set", base_url=address, progress=False)
    assert not (tmp_path / "set").exists()


@pytest.mark.bad_input("addresses of a download")
def test_a_file_in_the_place_of_the_folder_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "set").write_text("")
    with pytest.raises(ValueError, match="set is a file, expected a folder"):
        fetch(server, tmp_path / "set")


@pytest.mark.parametrize("path", ["../outside.txt", "/etc/outside.txt", "a/../../outside.txt", "C:\\outside.txt"])
def test_a_path_that_leaves_the_folder_is_refused(server: Server, tmp_path: Path, path: str) -> None:
    server.listing = f"{'0' * 64} {path}\n".encode()
    with pytest.raises(ValueError, match="below the folder"):
        fetch(server, tmp_path / "set")


@pytest.mark.parametrize("listing", [b"", b"<html>not found</html>\n"])
def test_a_listing_that_is_none_is_refused(server: Server, tmp_path: Path, listing: bytes) -> None:
    server.listing = listing
    with pytest.raises(ValueError, match=r"SHA256SUMS\.txt"):
        fetch(server, tmp_path)


def test_an_unknown_data_set_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ptb-xl, challenge-2020"):
        download("mimic", tmp_path)
    with pytest.raises(ValueError, match="threads is 0"):
        download("ptb-xl", tmp_path, threads=0)


def test_addresses_end_with_a_slash() -> None:
    assert all(url.startswith("https://physionet.org/files/") and url.endswith("/") for url in DATASETS.values())
