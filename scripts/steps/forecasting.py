"""The files of a finished advice, and the check of its forecast by the comparison of its plan."""

import datetime
import json
from pathlib import Path

from vqecg.downstream.advice.decision import Advice
from vqecg.downstream.advice.forecast import ForecastCheck, check_forecast
from vqecg.downstream.comparison.comparison import COMPARISON_FILE, read_comparison
from vqecg.records.files.atomic import write_text
from vqecg.records.files.json_file import read_object, reading
from vqecg.records.files.stage_file import STAGE_FILE
from vqecg.reports.advice.page import write_advice_page
from vqecg.scripts.cli.outcome import Outcome

ADVICE_FILE, PAGE, CHECK_FILE = "advice.json", "advice.html", "check.json"
PLAN_FILE, CELL = "plan.yaml", "advice"  # the plan of an advice, and its only cell


def read_advice(folder: Path) -> Advice:
    """The advice in a folder. Raises ValueError where there is none, or a damaged one."""
    path = folder / ADVICE_FILE
    if not path.is_file():
        raise ValueError(f"{folder} holds no {ADVICE_FILE}; expected the folder of a finished `vqecg advise`")
    with reading(path):
        return Advice.from_dict(read_object(path))


def write_page(folder: Path) -> None:
    """Writes the page of an advice, with the check of its forecast where there is one."""
    check = None
    if (folder / CHECK_FILE).is_file():
        with reading(folder / CHECK_FILE):
            check = ForecastCheck.from_dict(read_object(folder / CHECK_FILE))
    about = read_object(folder / STAGE_FILE)["figures"]["description"]
    write_advice_page(read_advice(folder), folder / PAGE, about, datetime.date.today().isoformat(), check)


def check_advice(folder: Path, comparison: Path) -> Outcome:
    """Sets the forecast of an advice beside a finished comparison, in check.json and on the page.

    Raises ValueError for a folder without an advice, or without a comparison of its arm and classes.
    """
    check = check_forecast(read_advice(folder), read_comparison(comparison_folder(comparison)))
    write_text(folder / CHECK_FILE, json.dumps(check.to_dict(), indent=2) + "\n")
    write_page(folder)
    return Outcome({"out": folder, "check": check.to_dict()}, f"{check.sentence()}\n{folder / PAGE}")


def comparison_folder(folder: Path) -> Path:
    """The folder of comparison.json: of a grid's cell, of `vqecg compare`, or this one."""
    places = (folder / "cells" / CELL, folder / "runs", folder)
    return next((place for place in places if (place / COMPARISON_FILE).is_file()), folder)


def is_advised(plan: Path) -> bool:
    """True for the plan of a finished advice, which lies beside it."""
    return plan.name == PLAN_FILE and (plan.parent / ADVICE_FILE).is_file()
