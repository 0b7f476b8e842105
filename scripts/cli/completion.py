"""Completion of `vqecg` in a shell: commands, options, presets and devices; elsewhere files.

tyro writes such scripts too, which start Python at every Tab; this one is words alone.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from vqecg.scripts.cli.arguments import build
from vqecg.scripts.cli.options import options_by_name

SHELLS = ("bash", "zsh")
COMMON = ("--help", "--help-all", "--config", "--json", "--extensions")  # of every command
DEVICES = ("auto", "cpu", "cuda")
ZSH = "autoload -Uz compinit bashcompinit && compinit && bashcompinit\n"  # zsh reads what is written for bash

SCRIPT = """_vqecg() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} words=""
    if [ "$COMP_CWORD" -eq 1 ]; then
        words="{commands} --help --version --print-completion"
    else
        case ${{COMP_WORDS[COMP_CWORD-1]}} in
            --preset) words="{presets}" ;;
            --device) words="{devices}" ;;
            --print-completion) words="{shells}" ;;
        esac
        if [[ $current == -* ]]; then
            case ${{COMP_WORDS[1]}} in
{cases}
            esac
        fi
    fi
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _vqecg vqecg"""


def completion(shell: str, commands: Mapping[str, Any], presets: Iterable[str]) -> str:
    """The script that a shell reads, for commands by name, each with its class of options.

    Raises ValueError for another shell than bash and zsh.
    """
    if shell not in SHELLS:
        raise ValueError(f"--print-completion is for {' or '.join(SHELLS)}, not {shell!r}")
    cases = [f'                {name}) words="{" ".join(words_of(kind, name))}" ;;' for name, kind in commands.items()]
    script = SCRIPT.format(
        commands=" ".join(commands),
        presets=" ".join(presets),
        devices=" ".join(DEVICES),
        shells=" ".join(SHELLS),
        cases="\n".join(cases),
    )
    return ZSH * (shell == "zsh") + script


def words_of(arguments_class: Any, name: str) -> list[str]:
    """The options of a command as they are typed."""
    options = options_by_name(arguments_class, build(arguments_class, {}, {}, name, checked=False))
    return [*(one.invocation.split()[0] for one in options.values() if not one.positional), *COMMON]
