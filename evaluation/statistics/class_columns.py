"""The columns of the classes that a macro average is over."""

from collections.abc import Sequence

import numpy as np


def group_columns(
    class_names: Sequence[str], group: Sequence[str] | None = None, unjudged: Sequence[str] = ()
) -> tuple[list[int], np.ndarray]:
    """Numbers of the columns of `group` (None: all of `class_names`), and (columns,) bool, True where it is `unjudged`.

    Raises ValueError for a class of the group that there is not.
    """
    wanted = tuple(class_names if group is None else group)
    unknown = sorted(set(wanted) - set(class_names))
    if unknown:
        raise ValueError(f"a group names the classes {unknown}; expected classes among {list(class_names)}")
    columns = [column for column, name in enumerate(class_names) if name in wanted]
    return columns, np.isin([class_names[column] for column in columns], unjudged)
