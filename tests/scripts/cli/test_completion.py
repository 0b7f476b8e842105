"""Completion in a shell: what bash makes of the script."""

import shutil
import subprocess
from pathlib import Path

import pytest

from vqecg.scripts.cli.main import COMMANDS, main

pytestmark = pytest.mark.slow  # it imports every command


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["--print-completion", shell]) == 0
    return capsys.readouterr().out


def completed(source: str, folder: Path, *words: str) -> list[str]:
    """What bash offers for the last of these words."""
    quoted = " ".join(f"'{word}'" for word in words)
    code = f"{source}\nCOMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _vqecg; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(["bash", "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_bash_completes_commands_options_presets_and_devices(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    source = script("bash", capsys)
    assert completed(source, tmp_path, "vqecg", "train-") == [name for name in COMMANDS if name.startswith("train-")]
    offered = completed(source, tmp_path, "vqecg", "run", "--settings.tokenizer.fit.st")
    assert offered == ["--settings.tokenizer.fit.steps"]
    assert "--no-gate" in completed(source, tmp_path, "vqecg", "augment", "--no-")
    every = ["--help", "--help-all", "--config", "--json", "--extensions"]
    assert completed(source, tmp_path, "vqecg", "verify", "--") == every
    assert completed(source, tmp_path, "vqecg", "run", "--preset", "") == ["tiny", "small", "base"]
    assert completed(source, tmp_path, "vqecg", "run", "--device", "cu") == ["cuda"]
    assert completed(source, tmp_path, "vqecg", "run", "--data", "") == []  # bash itself then offers files


def test_zsh_reads_the_same_through_its_own_reader_of_bash(capsys: pytest.CaptureFixture[str]):
    zsh, bash = script("zsh", capsys), script("bash", capsys)
    assert zsh.endswith(bash) and zsh.startswith("autoload -Uz compinit bashcompinit")


def test_another_shell_is_refused(capsys: pytest.CaptureFixture[str]):
    assert main(["--print-completion", "fish"]) == 2
    assert capsys.readouterr().err == "vqecg: --print-completion is for bash or zsh, not 'fish'\n"
