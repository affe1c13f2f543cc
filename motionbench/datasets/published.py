"""SA-V-128, the benchmark of the paper: 64 videos of SA-V with one moving object, 64 with several.

The authors published ids and captions as the Hugging Face dataset `GuyYariv/SA-V-128-Benchmark`
(https://huggingface.co/datasets/GuyYariv/SA-V-128-Benchmark, named on the project page of Through-The-Mask); the videos
are SA-V's own (CC BY 4.0), from Meta. Both are downloaded by the user. Nothing is assumed of the list but that it is a
table: its columns are found by their usual names or named by the user (see `motionbench.datasets.sav.listing`).

The same road leads to any other list of SA-V videos, such as one that `motionbench data curate` chose.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from motionbench.datasets.sav import SUFFIXES, load_list
from motionbench.errors import ConfigError, DataError
from motionbench.types import Dataset

NAMES = ("motionbench", "sa-v-128")
SOURCE = "GuyYariv/SA-V-128-Benchmark"
_LISTS = (*(f"sa-v-128{suffix}" for suffix in SUFFIXES), "SA-V-128-Benchmark")


def load(
    name_or_list: str,
    data_root: str | Path | None = None,
    data_list: str | Path | None = None,
    columns: Mapping[str, str] | str | None = None,
) -> Dataset:
    """Load SA-V-128, or the videos of a list.

    Args:
        name_or_list: one of `NAMES`, or the path of a list.
        data_root: the folder of SA-V videos; by default $MOTIONBENCH_SAV, for a list else the list's own folder.
        data_list: the published list of SA-V-128; by default $MOTIONBENCH_SAV_LIST, else a file `sa-v-128.csv` (or
            .json, .jsonl, .parquet) or the folder `SA-V-128-Benchmark` in `data_root`.
        columns: see `mapping`.

    Raises:
        ConfigError: it is not said where the videos are.
        DataError: the list or some of its videos are missing; for SA-V-128 a video needs its annotation as well.
        MissingDependency: the list is a parquet file, and pyarrow is not installed.
    """
    root = data_root or default_root()
    if name_or_list not in NAMES:
        path = Path(name_or_list)
        return load_list(path, root or path.parent, mapping(columns))
    if not root:
        hint = "give your SA-V download with --data-root DIR or MOTIONBENCH_SAV; it comes from ai.meta.com/datasets"
        raise ConfigError(f"the dataset {name_or_list} needs the videos of SA-V", hint)
    chosen = data_list or os.environ.get("MOTIONBENCH_SAV_LIST") or _find(Path(root))
    return load_list(chosen, root, mapping(columns), name="sa-v-128", annotated=True)


def default_root() -> str | None:
    """The folder that $MOTIONBENCH_SAV names, if it names one."""
    return os.environ.get("MOTIONBENCH_SAV") or None


def mapping(columns: Mapping[str, str] | str | None) -> dict[str, str]:
    """Names of a list's columns as a dictionary from field to column.

    Args:
        columns: such a mapping, or its text "id=clip,caption=long text"; None takes $MOTIONBENCH_SAV_COLUMNS.

    Raises:
        ConfigError: the text is of another form.
    """
    columns = os.environ.get("MOTIONBENCH_SAV_COLUMNS", "") if columns is None else columns
    if not isinstance(columns, str):
        return dict(columns)
    pairs = [pair.partition("=") for pair in columns.split(",") if pair.strip()]
    if any(not field.strip() or not name.strip() for field, _, name in pairs):
        raise ConfigError(f"the columns {columns!r} are not pairs of field and name", "such as id=clip,caption=text")
    return {field.strip(): name.strip() for field, _, name in pairs}


def _find(root: Path) -> Path:
    found = next((root / name for name in _LISTS if (root / name).exists()), None)
    if found is None:
        raise DataError(
            f"there is no list of SA-V-128 in {str(root)!r}",
            f"download huggingface.co/datasets/{SOURCE} and name the file or folder with --data-list, "
            "or put it there as sa-v-128.csv",
        )
    return found
