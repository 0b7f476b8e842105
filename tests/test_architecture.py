"""The house itself: imports go downwards only, start-up stays light, and no file knows one machine."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
ROOMS = (
    "records",
    "training",
    "tokenizer",
    "prior",
    "evaluation",
    "downstream",
    "reports",
    "scripts",
)  # from the ground up
FILES = [path for room in ROOMS for path in sorted((CHECKOUT / room).rglob("*.py"))]
ABSOLUTE_PATH = re.compile(r"(?<![\w.>}])/(?:home|root|work|tmp|Users|mnt|opt|data)/|[A-Z]:\\")


def imported_modules(path: Path) -> list[str]:
    """Every module that a file imports, anywhere in it, by full name."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.relative_to(CHECKOUT)}: import by full name"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def run_python(code: str, folder: Path = CHECKOUT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_no_room_imports_from_above_itself(path: Path):
    own = ROOMS.index(path.relative_to(CHECKOUT).parts[0])
    for module in imported_modules(path):
        parts = module.split(".")
        assert parts[0] not in ROOMS, f"{module}: import it as vqecg.{module}"
        if parts[0] == "vqecg":
            assert len(parts) > 1 and parts[1] in ROOMS, module
            assert ROOMS.index(parts[1]) <= own, f"{module} lies above {ROOMS[own]}"


def test_every_room_is_walked():
    assert {path.relative_to(CHECKOUT).parts[0] for path in FILES} == set(ROOMS)


def test_records_do_without_the_learning_libraries():
    heavy = {"torch", "transformers", "accelerate", "sklearn", "safetensors"}
    for path in sorted((CHECKOUT / "records").rglob("*.py")):
        at_start = {
            name.name.split(".")[0] if isinstance(node, ast.Import) else str(node.module).split(".")[0]
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in node.names
        }
        assert not at_start & heavy, path.name


def test_only_the_prior_knows_transformers():
    for path in FILES:
        if any(module.split(".")[0] == "transformers" for module in imported_modules(path)):
            assert path.relative_to(CHECKOUT).parts[0] == "prior", path


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
    told = run_python(code).stdout.splitlines()
    assert len(told) == len(ROOMS)
    for room, line in zip(ROOMS, told, strict=True):
        assert f"import vqecg.{room}, not {room}" in line


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
    modules = [
        ".".join(["vqecg", *path.relative_to(CHECKOUT).with_suffix("").parts])
        for path in FILES
        if path.relative_to(CHECKOUT).parts[0] in ROOMS[:3] and path.name != "__init__.py"
    ]
    records = [module for module in modules if module.startswith("vqecg.records.")]
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
