"""`vqecg`: finds the subcommand, loads only what that one needs, and turns errors into one line."""

import importlib
import os
import sys
from collections.abc import Sequence

COMMANDS = {
    "run": "the whole job: from a folder of ECGs to synthetic ECGs and a report of what they do for a classifier",
    "simulate": "write a simulated data set in PTB-XL's layout",
    "download": "fetch a public data set (resumable, checksummed)",
    "prepare": "read a folder of ECGs once into a store that everything else reads",
    "train-tokenizer": "learn to turn ECGs into codes and back",
    "train-prior": "learn to write codes for labels",
    "generate": "write synthetic ECGs for the labels asked for",
    "interpolate": "write ECGs between two real ones of the same labels, beats aligned",
    "train-classifier": "train a classifier on real ECGs, synthetic ones, or both, and test it on real ones",
    "compare": "measure what added ECGs do for a classifier: arms, seeds, paired intervals, verdicts",
    "plot": "draw a recording on ECG paper",
}

USAGE = f"""usage: vqecg COMMAND [options]

Synthetic 12-lead ECGs from a VQ-VAE tokenizer and a GPT-style prior, and an honest measure of what they are good for.

commands:
{chr(10).join(f"  {name:<17} {text}" for name, text in COMMANDS.items())}

`vqecg COMMAND --help` shows the options of one with units and defaults; every command takes --config FILE.yaml.
Research use, not for diagnosis."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one subcommand; returns the exit status: 0 done, 1 refused or failed, 2 wrong usage, 130 interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        print(USAGE)
        return 0 if words else 2
    name = words[0]
    if name not in COMMANDS:
        print(f"vqecg: unknown command {name!r}; expected one of {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    # two busy programs on two cores: threads that wait must soon sleep, not spin (read when torch is loaded)
    os.environ.setdefault("GOMP_SPINCOUNT", "20000")
    try:
        module = importlib.import_module(f"vqecg.scripts.{name.replace('-', '_')}")
        from vqecg.scripts.arguments import parse

        module.run(parse(module.Arguments, f"vqecg {name}", COMMANDS[name], words[1:]))
    except (ValueError, OSError) as error:
        print(f"vqecg {name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nvqecg {name}: interrupted; give the same command again to go on", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
