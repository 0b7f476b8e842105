"""`vqecg`: finds the subcommand, loads only what that one needs, and turns errors into one line."""

import difflib
import errno
import importlib
import io
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from importlib.metadata import version
from pathlib import Path
from types import FrameType

from vqecg.records.plain_names import printable
from vqecg.training.processes import (
    AUTO,
    MainProcessError,
    is_main_process,
    leave_job,
    on_device,
    process_count,
    process_index,
)

COMMANDS = {
    "run": "the whole job: from a folder of ECGs to synthetic ECGs and a report of what they do for a classifier",
    "simulate": "write a simulated data set in PTB-XL's layout",
    "download": "fetch a public data set (resumable, checksummed)",
    "prepare": "read a folder of ECGs once into a store that everything else reads",
    "train-tokenizer": "learn to turn ECGs into codes and back",
    "encode": "write the codes of a store's records, for whatever reads them again and again",
    "train-prior": "learn to write codes for labels",
    "generate": "write synthetic ECGs for the labels asked for",
    "interpolate": "write ECGs between two real ones of the same labels, beats aligned",
    "augment": "write ECGs of scarce classes, by the method of your choice, with parents and checks",
    "train-classifier": "train a classifier on real ECGs, synthetic ones, or both, and test it on real ones",
    "advise": "say, from training and validation folds alone, what to add, or to add nothing; plan its comparison",
    "compare": "measure what added ECGs do for a classifier: arms, seeds, paired intervals, verdicts",
    "assess": "measure synthetic ECGs against real ones: utility, distance, physiology, memorisation",
    "train-segmenter": "learn to find P waves, QRS complexes and T waves from LUDB",
    "segment": "measure rate, rhythm, PR, QRS, QT and axis of every ECG in a folder",
    "compress": "write ECGs into an archive of codes, as near as asked for; labels stay out of it",
    "decompress": "make WFDB records of such an archive again",
    "denoise": "write recordings without wander, muscle noise and electrode motion, by a tokenizer that learned it",
    "infill": "fill the gaps of recordings with what may have been there, as often as asked for",
    "forecast": "continue recordings by some seconds, as often as asked for",
    "embed": "write a vector of numbers for each ECG, from tokenizer, sketch and transformer",
    "cluster": "put the recordings of a store into groups by their vectors, each with a typical one on paper",
    "similar": "find the recordings nearest to one, by their vectors",
    "identify": "learn whether two ECGs belong to one person, measure how often that is right, search for recordings",
    "score": "say how unlike normal ECGs recordings are, by a generator's likelihoods, and in which lead and wave",
    "plot": "draw a recording on ECG paper",
    "verify": "read all that vqecg wrote in a folder, and name every file that is damaged, missing or extra",
}
# of downstream/tasks
TASKS = ("compress", "decompress", "denoise", "infill", "forecast", "embed", "cluster", "similar", "identify", "score")
TOGETHER = ("train-tokenizer", "train-prior", "train-classifier")  # what several processes can share
EXTENSIONS = "--extensions"
JSON = "--json"  # the result as one JSON object, alone in the output; all else goes to the error output
TRACEBACK = "VQECG_TRACEBACK"  # environment variable: show where an unexpected error comes from
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # no space, no quota, a file larger than allowed
GRACE = 20  # s for the main process to say why it failed: a launcher ends all when it sees the first one end

USAGE = f"""usage: vqecg COMMAND [options]

Synthetic 12-lead ECGs from a VQ-VAE tokenizer and a GPT-style prior, and an honest measure of what they are good for.

commands:
{chr(10).join(f"  {name:<17} {text}" for name, text in COMMANDS.items())}

`vqecg COMMAND --help` shows the options of one that matter, `--help-all` all of them; every command takes
--config FILE.yaml (options from a file), --json (the result for a script, as one JSON object) and
--extensions FILE.py (readers, classifiers, methods and more of your own).
`vqecg --version` says which vqecg this is; `vqecg --print-completion bash` (or zsh) completes all this in a shell.
Research use, not for diagnosis."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one subcommand; returns the exit status: 0 done, 1 refused or failed, 2 wrong usage, 70 a fault of vqecg,
    130 interrupted, 141 nobody reads the output any more, 143 terminated (SIGTERM)."""
    try:
        # a table with a sign that the terminal does not have must not end a command that took hours
        if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
            sys.stdout.reconfigure(errors="backslashreplace")
        status = start(list(sys.argv[1:] if arguments is None else arguments))
        sys.stdout.flush()
        return status
    except OSError as error:  # of the output: nobody reads it any more, or its disk is full
        # what is left in the buffer goes nowhere, or Python complains as it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return 141
        print(f"vqecg: {reason(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def start(words: list[str]) -> int:
    """Finds the subcommand and runs it; returns the exit status."""
    if not words or words[0] in ("-h", "--help", "help"):
        print(USAGE)
        return 0 if words else 2
    name = words[0]
    if name in ("-V", "--version"):
        print(f"vqecg {version('vqecg')}")
        return 0
    if name == "--print-completion":
        return print_completion(words[1:])
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, 1)
        meant = f" (did you mean {near[0]}?)" if near else ""
        message = f"vqecg: unknown command {name!r}{meant}; expected one of {', '.join(COMMANDS)}"
        print(printable(message), file=sys.stderr)
        return 2
    if process_count() > 1 and name not in TOGETHER:
        tell(
            f"vqecg {name}: started as {process_count()} processes, expected one: only {', '.join(TOGETHER)} run under "
            "`accelerate launch`; start this one by itself (with --workers, if it has that)"
        )
        return 1
    # two busy programs on two cores: threads that wait must soon sleep, not spin (read when torch is loaded)
    os.environ.setdefault("GOMP_SPINCOUNT", "20000")
    with terminated_like_interrupted(), printing_once():
        return run_command(name, words[1:])


def print_completion(words: Sequence[str]) -> int:
    """Prints what a shell reads to complete commands and options; returns the exit status."""
    from vqecg.scripts.cli.completion import completion
    from vqecg.scripts.cli.presets import PRESETS

    commands = {name: importlib.import_module(module_of(name)).Arguments for name in COMMANDS}
    try:
        print(completion(" ".join(words), commands, PRESETS))
    except ValueError as error:
        print(printable(f"vqecg: {error}"), file=sys.stderr)
        return 2
    return 0


def module_of(name: str) -> str:
    """The module of a subcommand: train-prior is commands/train/prior.py, compress commands/tasks/compress.py."""
    return f"vqecg.scripts.commands.{'tasks.' * (name in TASKS)}{name.replace('-', '.', 1)}"


def run_command(name: str, words: Sequence[str]) -> int:
    """Runs a subcommand that exists; returns the exit status."""
    try:
        with extensions_imported(words) as options:
            module = importlib.import_module(module_of(name))
            from vqecg.scripts.cli.arguments import parse

            as_json = JSON in options
            options = [word for word in options if word != JSON]
            arguments = parse(module.Arguments, f"vqecg {name}", COMMANDS[name], options, module.HELP)
            with on_device(getattr(arguments, "device", AUTO)), redirect_stdout(sys.stderr if as_json else sys.stdout):
                outcome = module.run(arguments)
            if text := outcome.as_json(name) if as_json else str(outcome):
                print(text)
            leave_job()
            if outcome.faults:
                return refuse(name, outcome.faults)
    except BrokenPipeError:
        raise
    except (ValueError, OSError, MemoryError) as error:
        return refuse(name, reason(error))
    except MainProcessError:
        time.sleep(GRACE)
        return 1
    except KeyboardInterrupt as error:
        stopped = isinstance(error, Terminated)
        how = "terminated" if stopped else "interrupted"
        tell(f"\nvqecg {name}: {how}; give the same command again to go on")
        return 143 if stopped else 130
    except Exception as error:  # a fault of vqecg; what a file or an option can cause has ended above
        if os.environ.get(TRACEBACK):
            raise
        if type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error):  # torch's
            return refuse(name, reason(MemoryError(str(error).partition(chr(10))[0])))
        fault = " ".join(str(error).split())
        refuse(name, f"{type(error).__name__}: {fault} (a fault of vqecg: please report it; {TRACEBACK}=1 shows where)")
        return 70
    return 0


def refuse(name: str, message: str) -> int:
    """Says in the error output why a subcommand ends; returns the exit status."""
    process = "" if is_main_process() else f" (process {process_index()})"
    print(printable(f"vqecg {name}{process}: {message}"), file=sys.stderr)
    return 1


def reason(error: Exception) -> str:
    """The message of an error: for a full disk or memory what to do, else as it is."""
    if isinstance(error, MemoryError):
        return f"not enough memory ({error}): make batches or models smaller, or use fewer --workers"
    full = isinstance(error, OSError) and error.errno in FULL
    if full or "No space left on device" in str(error):
        return f"the disk is full ({error}): free some space, then the same command goes on"
    return str(error) or type(error).__name__


@contextmanager
def extensions_imported(words: Sequence[str]) -> Iterator[list[str]]:
    """Imports the modules after --extensions for the length of a `with` block, and gives the other words.

    Worker processes that are started within it import them too. Raises ValueError for an --extensions without a value,
    and for a module that cannot be imported.
    """
    from vqecg.records.registry import VARIABLE, load_extensions

    given, others = take_extensions(words)
    before = os.environ.get(VARIABLE, "")
    if given:
        os.environ[VARIABLE] = ",".join(filter(None, [before, *given]))
    try:
        load_extensions()
        yield others
    finally:
        if given:
            os.environ[VARIABLE] = before


def take_extensions(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The modules after --extensions, files by their whole path, and the words that are left."""
    given, others, taking = list[str](), list[str](), False
    for word in words:
        option, _, value = word.partition("=")
        if option == EXTENSIONS:
            taking = not value
            given += filter(None, value.split(","))
        elif taking and not word.startswith("-"):
            given += word.split(",")
        else:
            taking = False
            others.append(word)
    if not given and len(others) < len(words):
        raise ValueError(f"{EXTENSIONS} needs a value: names of modules, or paths of .py files")
    return [str(Path(place).resolve()) if place.endswith(".py") else place for place in given], others


def tell(message: str) -> None:
    """One line to the error output, once a job."""
    if is_main_process():
        print(message, file=sys.stderr)


class Terminated(KeyboardInterrupt):
    """SIGTERM: what Ctrl-C cleans up is cleaned up then too."""


@contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """Makes SIGTERM an exception for the length of a `with` block."""
    # the other processes of a job write nothing, and must not outlive the main one in a wait for it
    if threading.current_thread() is not threading.main_thread() or not is_main_process():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not break into the cleaning up
        raise Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def printing_once() -> Iterator[None]:
    """Of several processes only the main one prints results."""
    if is_main_process():
        yield
        return
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        yield


if __name__ == "__main__":
    sys.exit(main())
