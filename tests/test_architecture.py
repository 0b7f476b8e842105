"""The house itself: imports go down only, by room and by floor, files stay small, and start-up stays light."""

import importlib.util
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent

_spec = importlib.util.spec_from_file_location("house", CHECKOUT / "tests" / "house.py")
assert _spec is not None and _spec.loader is not None
house = sys.modules["house"] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(house)

# Rooms from the ground up, and the floors in each: the files and sub-folders of a floor import those of their own floor
# and of the floors before it.
FLOORS = {
    "records": (
        "bounds",
        "registry files patients plain_names unknown_labels leads label_tables beats paper ecg_paper",
        "attributes folds labels",
        "record plotting",
        "datasets",
        "store",
        "export",
        "ecg_records reading simulation",
    ),
    "training": (
        "collectives examples hub processes progress sampler weights",
        "checkpoint",
        "state verification",
        "fit",
    ),
    "tokenizer": ("config losses", "quantizers", "modeling", "encoding metrics noise", "training"),
    "prior": (
        "backbones",
        "conditioning config merged_conditions requests",
        "sketch",
        "examples synthetic_records",
        "detail",
        "modeling",
        "packaged sampling training",
        "copies",
        "sampled_records",
        "generator",
        "likelihood rendered_sketches sketched_records verification",
        "editing sampled_shards",
    ),
    "evaluation": ("statistics", "waves", "fidelity", "privacy"),
    "downstream": ("classifiers", "assessment", "augmentation", "reading", "comparison", "advice", "tasks"),
    "reports": (
        "columns fan_plot figures names notices numbers results wave_plot",
        "html result_pages",
        "page alt_texts",
        "comparison",
        "advice assessment run tasks",
    ),
    "scripts": ("cli", "steps", "commands"),
}
ROOMS = tuple(FLOORS)
LONGEST_CHAIN, FILES_IN_A_FOLDER, LINES_OF_A_FILE, LARGE_DATACLASSES = 13, 16, 300, 4

MODULES = house.read_modules(CHECKOUT)
GRAPH = house.import_graph(MODULES)
FILES = [path for room in ROOMS for path in sorted((CHECKOUT / room).rglob("*.py"))]
ABSOLUTE_PATH = re.compile(r"(?<![\w.>}])/(?:home|root|work|tmp|Users|mnt|opt|data)/|[A-Z]:\\")


def place_of(module: str) -> tuple[str, str]:
    """The room of a module, and the file or sub-folder in that room."""
    parts = MODULES[module].path.with_suffix("").parts
    return parts[0], parts[1]


def floor_of(module: str) -> int:
    """The floor of a module within its room."""
    room, entry = place_of(module)
    floors = [floor for floor, entries in enumerate(FLOORS[room]) if entry in entries.split()]
    assert len(floors) == 1, f"{room}/{entry}: give it a floor in FLOORS"
    return floors[0]


def run_python(code: str, folder: Path = CHECKOUT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("room", ROOMS)
def test_no_module_imports_from_above_its_room_or_its_floor(room: str):
    members = [name for name, module in MODULES.items() if module.path.parts[0] == room]
    assert members
    for name in members:
        for written in house.imported_names(MODULES[name]):
            first = written.split(".")[0]
            assert first not in ROOMS, f"{MODULES[name].path}: import {written} as vqecg.{written}"
        for other in GRAPH[name]:
            other_room = place_of(other)[0]
            if other_room == "vqecg":
                continue  # the version
            assert ROOMS.index(other_room) <= ROOMS.index(room), f"{name} imports {other}, a room above it"
            if other_room == room and MODULES[name].path.name != "__init__.py":
                assert floor_of(other) <= floor_of(name), f"{name} imports {other}, a floor above it"


def test_every_floor_is_on_disk():
    listed = {(room, entry) for room, floors in FLOORS.items() for entries in floors for entry in entries.split()}
    there = {place_of(name) for name in MODULES} - {(room, "__init__") for room in ROOMS}
    assert listed == {place for place in there if place[0] != "vqecg"}
    assert {path.name for path in house.rooms(CHECKOUT)} == {*ROOMS, "vqecg"}


def test_no_modules_import_each_other_in_a_circle():
    assert house.cycles(GRAPH) == []


def test_no_module_uses_a_command_as_a_library():
    """Commands are entry points; the list of commands alone names them."""
    for name in MODULES:
        commands = {other for other in GRAPH[name] if other.startswith("vqecg.scripts.commands.")}
        assert not commands or name == "vqecg.scripts.cli.main", (name, commands)


def test_the_longest_chain_of_imports_stays_short():
    chain = house.longest_chain(GRAPH)
    assert len(chain) <= LONGEST_CHAIN, " -> ".join(chain)


def test_the_public_face_imports_nothing_as_it_starts():
    assert house.imports(MODULES["vqecg"], MODULES, top_level=True) == set()
    code = "import sys, vqecg; print(sorted({'torch', 'numpy', 'pandas', 'vqecg.records'} & set(sys.modules)))"
    assert run_python(code).stdout.strip() == "[]"


def test_folders_and_files_stay_small():
    folders = Counter(module.path.parent for module in MODULES.values() if module.path.name != "__init__.py")
    assert max(folders.values()) <= FILES_IN_A_FOLDER, folders.most_common(1)
    lengths = {str(module.path): len(module.lines) for module in MODULES.values()}
    assert max(lengths.values()) <= LINES_OF_A_FILE, max(lengths, key=lambda path: lengths[path])
    large = [place for place, fields in house.dataclass_fields(MODULES).items() if len(fields) > house.MANY_FIELDS]
    assert len(large) <= LARGE_DATACLASSES, large


def test_the_package_lists_every_folder():
    settings = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    folders = [module.path.parent for module in MODULES.values() if module.path.name == "__init__.py"]
    assert sorted(settings["packages"]) == sorted(
        "vqecg" if folder.name == "vqecg" else ".".join(("vqecg", *folder.parts)) for folder in folders
    )
    assert {module.path.parent for module in MODULES.values()} == set(folders)  # no folder without an __init__.py
    assert settings["package-dir"] == {"vqecg": "vqecg"} | {f"vqecg.{room}": room for room in ROOMS}


def test_records_do_without_the_learning_libraries():
    heavy = {"torch", "transformers", "accelerate", "sklearn", "safetensors"}
    for name, module in MODULES.items():
        if name.startswith("vqecg.records"):
            at_start = {written.split(".")[0] for written in house.imported_names(module, top_level=True)}
            assert not at_start & heavy, name


def test_only_the_prior_knows_transformers():
    for name, module in MODULES.items():
        if any(written.split(".")[0] == "transformers" for written in house.imported_names(module)):
            assert place_of(name)[0] == "prior", name


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_no_file_names_a_place_on_one_machine(path: Path):
    found = ABSOLUTE_PATH.search(path.read_text(encoding="utf-8"))
    assert found is None, found


def test_a_folder_imported_by_its_bare_name_says_what_to_import_instead():
    code = f"""
for room in {ROOMS}:
    try:
        __import__(room)
    except ImportError as error:
        print(error)
"""
    messages = run_python(code).stdout.splitlines()
    assert len(messages) == len(ROOMS)
    for room, message in zip(ROOMS, messages, strict=True):
        assert f"import vqecg.{room}, not {room}" in message


def test_the_command_shows_its_help_without_the_learning_libraries():
    code = """
import sys
from vqecg.scripts.cli.main import main
assert main(["--help"]) == 0
heavy = {"torch", "transformers", "accelerate", "pandas", "matplotlib"} & set(sys.modules)
assert not heavy, heavy
"""
    result = run_python(code)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("usage: vqecg COMMAND")


@pytest.mark.slow
def test_records_training_and_tokenizer_import_no_transformers(tmp_path: Path):
    modules = [name for name in MODULES if place_of(name)[0] in ROOMS[:3]]
    records = [name for name in modules if place_of(name)[0] == "records"]
    code = f"""
import importlib, sys
for module in {records}:
    importlib.import_module(module)
assert not {{"torch", "transformers"}} & set(sys.modules), "records"
for module in {modules}:
    importlib.import_module(module)
assert "transformers" not in sys.modules
from accelerate import Accelerator
Accelerator()
print("transformers" in sys.modules)
"""
    result = run_python(code, tmp_path)  # from elsewhere: the package is found without the checkout's folder
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "False"
