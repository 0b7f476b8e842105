"""The folder of a generator, by its path, its name on the model hub, or the name of one that comes with vqecg."""

from pathlib import Path
from typing import Final

from vqecg.training.hub import find_folder

GENERATOR_FOLDER: Final = "generator"  # in the folder of a trained prior
PACKAGED: Final = {  # name -> folder
    "simulated": Path(__file__).parent / "simulated",  # learned from simulated ECGs alone: for trying things out
}


def find_generator(folder: str | Path) -> Path:
    """The local folder of a generator: this one, or that in the folder of `vqecg train-prior` or of `vqecg run`.

    A name of PACKAGED is the folder of that generator, unless a folder of that name is there.
    """
    packaged = PACKAGED.get(str(folder))
    if packaged is not None and not Path(folder).exists():
        return packaged
    place = find_folder(folder)
    inside = (place / GENERATOR_FOLDER, place / "prior" / GENERATOR_FOLDER)
    return next((one for one in inside if one.is_dir()), place)


def is_generator(folder: Path) -> bool:
    """True for a folder that holds a saved generator."""
    return (folder / "config.json").is_file() and (folder / "prior").is_dir() and (folder / "conditions.csv").is_file()
