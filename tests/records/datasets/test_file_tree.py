"""Files are found each once, links are followed without end nowhere, and a csv names no file out of the folder."""

import os
import unicodedata
from pathlib import Path

import pytest

from vqecg.records.datasets.file_tree import RecordIndex, files_in, find_files, find_headers, path_below


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def names_of(root: Path, *endings: str) -> list[str]:
    return [path.relative_to(root).as_posix() for path in find_files(root, *endings).files]


def test_files_of_an_ending_are_found_once_and_sorted(tmp_path: Path) -> None:
    touch(tmp_path, "b.hea", "sub/a.hea", "sub/deep/rec.001.hea", "sub/a.dat", "n hea", "ümlaut und blank.hea")
    assert names_of(tmp_path, ".hea") == ["b.hea", "sub/a.hea", "sub/deep/rec.001.hea", "ümlaut und blank.hea"]
    assert len(find_files(tmp_path).files) == 6


@pytest.mark.bad_input("files that are no part of a data set")
def test_what_macos_and_tools_leave_behind_is_passed_over(tmp_path: Path) -> None:
    touch(tmp_path, "a.hea", "._a.hea", ".DS_Store", "__MACOSX/a.hea", ".git/x/a.hea", "lost+found/a.hea", "x/._b.hea")
    assert names_of(tmp_path, ".hea") == ["a.hea"]
    assert find_files(tmp_path / ".git", ".hea").files == [tmp_path / ".git/x/a.hea"]  # asked for by name


@pytest.mark.bad_input("linked folders")
def test_linked_folders_are_followed_and_circles_end(tmp_path: Path) -> None:
    touch(tmp_path, "set/data/a.hea", "elsewhere/b.hea", "elsewhere/deep/c.hea", "beside.hea")
    root = tmp_path / "set"
    (root / "data" / "back").symlink_to(root)  # a circle
    (root / "up").symlink_to(tmp_path)  # a folder that holds the data set
    (root / "0").symlink_to(root / "data")  # the same folder by another name
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "around").symlink_to(root / "linked")
    assert names_of(root, ".hea") == ["data/a.hea", "linked/b.hea", "linked/deep/c.hea"]


@pytest.mark.bad_input("what is no regular file")
def test_what_is_no_file_is_told_and_never_listed(tmp_path: Path) -> None:
    touch(tmp_path, "a.hea")
    os.mkfifo(tmp_path / "b.hea")
    (tmp_path / "c.hea").symlink_to(tmp_path / "nowhere")
    (tmp_path / "d.hea").symlink_to("/dev/zero")
    (tmp_path / "e.hea").symlink_to(tmp_path / "e.hea")
    (tmp_path / "f.hea").mkdir()
    found = find_files(tmp_path, ".hea")
    assert found.files == [tmp_path / "a.hea"]
    assert [path.name for path in found.odd] == ["b.hea", "c.hea", "d.hea", "e.hea"]
    assert found.odd[tmp_path / "b.hea"] == "no regular file"
    assert found.odd[tmp_path / "c.hea"] == "a link to nothing"


@pytest.mark.bad_input("what is no regular file")
def test_endings_in_capitals_are_found_and_odd_for_headers(tmp_path: Path) -> None:
    touch(tmp_path, "a.HEA", "b.hea")
    assert names_of(tmp_path, ".hea") == ["a.HEA", "b.hea"]
    assert find_headers(tmp_path).files == [tmp_path / "b.hea"]
    assert "small letters" in find_headers(tmp_path).odd[tmp_path / "a.HEA"]


@pytest.mark.bad_input("files that are no part of a data set")
def test_files_in_a_folder_are_those_of_the_ending(tmp_path: Path) -> None:
    touch(tmp_path, "b.csv", "A.CSV", "._b.csv", "sub/c.csv", "d.csv.gz")
    (tmp_path / "e.csv").mkdir()
    os.mkfifo(tmp_path / "f.csv")
    assert [path.name for path in files_in(tmp_path, ".csv")] == ["A.CSV", "b.csv"]


@pytest.mark.bad_input("a folder that cannot be listed")
@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the administrator may list every folder")
def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "a.hea", "closed/b.hea")
    (tmp_path / "closed").chmod(0)
    try:
        with pytest.raises(ValueError, match="closed cannot be listed"):
            find_files(tmp_path, ".hea")
    finally:
        (tmp_path / "closed").chmod(0o700)


@pytest.mark.bad_input("a folder that cannot be listed")
def test_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="gone"):
        find_files(tmp_path / "gone", ".hea")


@pytest.mark.parametrize(
    "cell", ["sub/a", " sub/a ", "./sub/a", "sub//a", "sub\\a", "x/../sub/a", "sub/./a", "{root}/sub/a"]
)
def test_paths_below_the_folder_are_understood(tmp_path: Path, cell: str) -> None:
    assert path_below(tmp_path, cell.replace("{root}", str(tmp_path))) == "sub/a"


def test_an_absolute_path_by_a_link_to_the_folder_is_understood(tmp_path: Path) -> None:
    touch(tmp_path, "set/sub/a.hea", "other/b.hea")
    (tmp_path / "link").symlink_to(tmp_path / "set")
    (tmp_path / "set" / "inner").symlink_to(tmp_path / "other")
    assert path_below(tmp_path / "set", f"{tmp_path}/link/sub/a") == "sub/a"
    assert path_below(tmp_path / "set", f"{tmp_path}/set/inner/b") == "inner/b"
    assert path_below(tmp_path / "link", f"{tmp_path}/link/sub/a") == "sub/a"


@pytest.mark.bad_input("paths out of the folder")
@pytest.mark.parametrize(
    "cell",
    ["../a", "..", "sub/../../a", "/etc/passwd", "/", "//etc/passwd", "\\etc\\passwd", "..\\..\\a", "C:\\ecg\\a.dat",
     "c:a",     "\\\\server\\share\\a", "{root}/../a", "{root}x/a", "sub/../../{name}x/a"],
)  # fmt: skip
def test_paths_out_of_the_folder_are_refused(tmp_path: Path, cell: str) -> None:
    with pytest.raises(ValueError, match="leads out of the data set's folder"):
        path_below(tmp_path, cell.replace("{root}", str(tmp_path)).replace("{name}", tmp_path.name))


@pytest.mark.bad_input("paths out of the folder")
@pytest.mark.parametrize("cell", ["", "  "])
def test_no_path_at_all_is_refused(tmp_path: Path, cell: str) -> None:
    with pytest.raises(ValueError, match="no file name"):
        path_below(tmp_path, cell)


@pytest.fixture
def index(tmp_path: Path) -> RecordIndex:
    touch(tmp_path, "top.hea", "sub/q00.hea", "sub/rec.001.hea", "one/same.hea", "two/same.hea", "sub/two/same.hea")
    touch(tmp_path, unicodedata.normalize("NFD", "sub/Kämpf.hea"))
    return RecordIndex(tmp_path, find_headers(tmp_path).files)


@pytest.mark.bad_input("names of records in a csv")
@pytest.mark.parametrize(
    ("cell", "record"),
    [
        ("q00", "sub/q00"), ("q00.dat", "sub/q00"), ("q00.HEA", "sub/q00"), ("sub/q00.mat", "sub/q00"),
        ("rec.001", "sub/rec.001"), ("rec.001.hea", "sub/rec.001"), ("one/same", "one/same"), ("two/same", "two/same"),
        (unicodedata.normalize("NFC", "Kämpf"), unicodedata.normalize("NFD", "sub/Kämpf")),
        (unicodedata.normalize("NFD", "sub/Kämpf.dat"), unicodedata.normalize("NFD", "sub/Kämpf")),
        ("C:\\ecg\\sub\\q00.dat", "sub/q00"), ("D:/x/y/sub/q00", "sub/q00"), ("C:\\top.dat", "top"),
        ("C:\\data\\one\\same.dat", "one/same"), ("\\\\server\\share\\sub\\rec.001.hea", "sub/rec.001"),
        ("C:\\data\\sub\\two\\same", "sub/two/same"), ("/nowhere/sub/q00.dat", "sub/q00"), ("/nowhere/q00", None),
        ("C:\\ecg\\other\\q00.dat", None), ("C:\\q00.dat", None), ("missing", None),
        ("other/q00", None), ("x" * 5000, None),
    ],
)  # fmt: skip
def test_a_record_is_named_in_any_spelling(tmp_path: Path, index: RecordIndex, cell: str, record: str | None) -> None:
    assert index.find(cell) == (None if record is None else tmp_path / record)


@pytest.mark.bad_input("names of records in a csv")
@pytest.mark.parametrize("cell", ["same", "same.hea"])
def test_a_name_of_several_records_is_refused(index: RecordIndex, cell: str) -> None:
    with pytest.raises(ValueError, match="3 records are called 'same"):
        index.find(cell)


@pytest.mark.bad_input("paths out of the folder")
@pytest.mark.parametrize("cell", ["/etc/passwd", "../../etc/passwd", "/nowhere/../etc/passwd", "/"])
def test_a_record_out_of_the_folder_is_refused(index: RecordIndex, cell: str) -> None:
    with pytest.raises(ValueError, match="leads out"):
        index.find(cell)
