"""The `vqecg` command, one file a subcommand: parse, call, print."""

if __name__ != "vqecg.scripts":
    raise ImportError(
        "this folder is the package vqecg.scripts: install the checkout (pip install -e .) "
        "and import vqecg.scripts, not scripts"
    )
