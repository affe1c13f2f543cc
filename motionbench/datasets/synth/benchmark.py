"""The 128 test cases, the manifest of their hashes, and the check of both."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import asdict
from importlib import resources

from motionbench.datasets.synth.assets import Hashes, case_id, case_of, hashes
from motionbench.datasets.synth.scene import layout_of, render
from motionbench.errors import DataError
from motionbench.types import Dataset

NAME = "synth"
VERSION = "1.0"
LICENSE = "Apache-2.0"
CASES = 128
SCHEMA = "motionbench.synth/1"
MANIFEST = f"synth-{VERSION}.json"

Progress = Callable[[int, int], None]


@functools.cache
def manifest() -> dict[str, Hashes]:
    """The shipped hashes by case id; a DataError where the package's file is missing or malformed."""
    try:
        text = resources.files("motionbench").joinpath("data", MANIFEST).read_text(encoding="utf-8")
        content = json.loads(text)
        if content["schema"] != SCHEMA:
            raise ValueError(f"schema {content['schema']!r}")
        found = {name: Hashes(**entry) for name, entry in content["cases"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"the manifest {MANIFEST} of synth cannot be read: {error}", "reinstall motionbench") from error
    if sorted(found) != sorted(case_id(index) for index in range(CASES)):
        raise DataError(f"the manifest {MANIFEST} of synth does not list its {CASES} cases", "reinstall motionbench")
    return found


@functools.cache
def dataset() -> Dataset:
    """MotionBench-Synth 1.0: cases synth-000 to synth-127. Nothing is rendered before an asset is loaded."""
    known = manifest()
    cases = tuple(case_of(layout_of(index, "test"), known[case_id(index)]) for index in range(CASES))
    return Dataset(NAME, VERSION, LICENSE, cases)


def verify(progress: Progress | None = None) -> int:
    """Render every test case and compare it with the shipped manifest.

    Args:
        progress: called after each case with how many are done and how many there are.

    Returns:
        The number of cases that were compared.

    Raises:
        DataError: a case's first frame, frames or masks have other bytes; names the case.
    """
    for number, (name, known) in enumerate(sorted(manifest().items())):
        found = hashes(render(number))
        wrong = [what for what, value in asdict(known).items() if asdict(found)[what] != value]
        if wrong:
            raise DataError(
                f"{name}: the {' and '.join(wrong)} rendered here differ from the manifest of synth {VERSION}",
                "this machine's arithmetic or an edited generator gives other pixels: scores would not be comparable",
            )
        if progress is not None:
            progress(number + 1, CASES)
    return CASES


def write_manifest(progress: Progress | None = None) -> str:
    """The text of a manifest for what this code renders. For developers: see docs/datasets/synth.md."""
    cases = {}
    for index in range(CASES):
        cases[case_id(index)] = asdict(hashes(render(index)))
        if progress is not None:
            progress(index + 1, CASES)
    content = {"schema": SCHEMA, "name": NAME, "version": VERSION, "cases": cases}
    return json.dumps(content, indent=1, sort_keys=True) + "\n"
