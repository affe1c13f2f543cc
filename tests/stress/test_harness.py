from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from PIL import Image

from motionbench.datasets.synth import dataset
from motionbench.errors import ConfigError
from motionbench.stress import Stress, read, render, stress, watchers, write_cards
from motionbench.stress.choice import assign, choose_cases, selected
from motionbench.stress.corruptions import BENIGN
from motionbench.types import Dataset

PROFILE = """
name = "quick"
[protocol]
size = 64
[backends]
photometric = "photometric"
flow = "dis"
video = "descriptor"
[metrics]
default = ["flicker", "fvd"]
"""
SOME = ("freeze", "texture_flicker", "vanish", "reversal", "prompt_direction", "mirror")


def _few() -> Dataset:
    data = dataset()
    return dataclasses.replace(data, cases=data.cases[:3])


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stress")
    (folder / "quick.toml").write_text(PROFILE)
    return folder


@pytest.fixture(scope="module")
def made(where: Path) -> Stress:
    return stress(_few(), where / "quick.toml", where / "a", corruptions=SOME, cache=where / "cache")


def test_the_numbers_say_what_was_done(made: Stress, where: Path) -> None:
    assert made.cases == ["synth-000", "synth-001", "synth-002"]
    frozen, flickering = made.find("flicker", "freeze"), made.find("flicker", "texture_flicker")
    assert frozen is not None and flickering is not None
    assert frozen.rho == 1.0 and frozen.curve[-1] == 1.0  # a frozen clip does not flicker at all
    assert flickering.rho == -1.0 and watchers(made, "texture_flicker")[0] == "flicker"
    distance = made.find("fvd", "texture_flicker")
    assert distance is not None and distance.of == "set" and distance.curve[0] == pytest.approx(0, abs=1e-6)
    assert made.find("flicker", "prompt_direction").change == 0  # type: ignore[union-attr]
    assert abs(made.find("flicker", "mirror").share) < 1e-6  # type: ignore[union-attr, arg-type]
    assert read(where / "a") == made
    lines = [json.loads(line) for line in (where / "a" / "pairs.jsonl").read_text().splitlines()]
    assert all(len(line["values"]) in (2, 6) for line in lines)
    table = render(made)
    assert "texture_flicker: seen by" in table and "flicker" in table
    with Image.open(where / "a" / "stress.png") as picture:
        assert picture.width > 300


def test_again_with_other_workers_the_same_bytes(made: Stress, where: Path) -> None:
    stress(_few(), where / "quick.toml", where / "b", corruptions=SOME, cache=where / "other", workers=2)
    stress(_few(), where / "quick.toml", where / "c", corruptions=SOME, cache=where / "cache")
    for name in ("stress.json", "pairs.jsonl", "stress.png"):
        first = (where / "a" / name).read_bytes()
        assert (where / "b" / name).read_bytes() == first and (where / "c" / name).read_bytes() == first
    seconds = json.loads((where / "c" / "timing.json").read_text())["seconds"]
    assert "material" not in seconds and "corrupt" not in seconds  # all of it was known


def test_cards_come_from_the_docstring_and_the_numbers(made: Stress, where: Path) -> None:
    cards = write_cards([where / "a"], where / "cards")
    assert [card.name for card in cards] == ["flicker.md", "fvd.md"]
    text = cards[0].read_text()
    assert "texture_flicker **seen**" in text and "freeze" in text.split("### Blind spots")[1]
    assert "`fvd`: the Fréchet distance" in cards[1].read_text() and "`kvd`:" not in cards[1].read_text()
    assert "| cost per clip, one core | " in text
    known = write_cards([where / "c"], where / "cards of a cached run")
    assert "cost per clip" not in known[0].read_text()  # nothing was computed, so nothing is known of its cost
    with pytest.raises(ConfigError, match="one dataset"):
        write_cards([where / "a", where / "a"], where / "cards")


def test_without_references_there_is_nothing_to_corrupt() -> None:
    bare = Dataset("bare", "1", "", tuple(dataclasses.replace(c, reference=None) for c in _few().cases))
    with pytest.raises(ConfigError, match="at least 2 cases with a reference"):
        stress(bare)
    with pytest.raises(ConfigError, match="no corruption called 'frieze'"):
        stress(_few(), corruptions=["frieze"])


def test_cases_come_from_all_categories_and_corruptions_share_them() -> None:
    data = dataset()
    cases = choose_cases(data, 48, 0)
    assert len(cases) == 48 and cases == choose_cases(data, 48, 0) != choose_cases(data, 48, 1)
    assert {c.category for c in cases} == {c.category for c in data.cases}
    tasks = assign(cases, selected(None), 12, 0)
    for corruption in selected(None):
        count = sum(corruption.name in task.corruptions for task in tasks)
        expected = 48 if corruption.name in BENIGN else 12
        assert count == expected or (corruption.text and count > 12), corruption.name
    loads = [len(task.corruptions) for task in tasks]
    assert max(loads) <= 2.5 * sum(loads) / len(loads)
    assert all(task.donor is not None and task.donor.id != task.case.id for task in tasks)
