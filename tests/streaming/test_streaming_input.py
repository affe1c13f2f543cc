"""What the streaming metrics refuse, each in one line."""

from __future__ import annotations

import math

import pytest
import torch

from motionbench.errors import ConfigError, VideoError
from motionbench.streaming import FVD, TMR


def videos(count: int = 3, seed: int = 0, frames: int = 6) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, frames, 3, 32, 32), dtype=torch.uint8, generator=draw)


GOOD = videos(1)
MASK = torch.zeros((1, 1, 32, 32), dtype=torch.bool)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((GOOD[0], GOOD[0]), "of shape"),
        ((GOOD.permute(0, 1, 3, 4, 2), GOOD), "has the shape"),
        ((GOOD.float(), GOOD), "values from"),
        ((GOOD / 255 * math.nan, GOOD), "values from"),
        ((GOOD.int(), GOOD), "torch.int32"),
        ((GOOD, videos(2)), "1 generated, 2 reference"),
        ((GOOD, GOOD, ["a", "b"]), "2 ids"),
        ((GOOD, GOOD, "a"), "one text"),
        (([GOOD[0].numpy()], GOOD), "ndarray"),
        ((GOOD[:, :0], GOOD), "has the shape"),
    ],
)
def test_what_is_no_batch_is_said_in_one_line(arguments, message) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        FVD().update(*arguments)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"masks": MASK.float()}, "torch.float32"),
        ({"masks": MASK[0]}, "of shape"),
        ({"masks": MASK, "reference": None}, "needs the input pictures"),
        ({"masks": MASK, "prompts": [["a", "b"]]}, "2 prompts for 1 objects"),
    ],
)
def test_tmr_says_what_it_misses(arguments, message) -> None:
    with pytest.raises(ConfigError, match=message):
        TMR().update(GOOD, **{"reference": GOOD, **arguments})


def test_a_video_that_is_too_short_is_said() -> None:
    with pytest.raises(VideoError, match="at least 5"):
        FVD().update(videos(frames=4), videos(frames=6))


def test_settings_are_checked_at_once() -> None:
    with pytest.raises(ConfigError, match="fps"):
        FVD(fps=0)
    with pytest.raises(ConfigError, match="no profile"):
        FVD(profile="heavy")
    with pytest.raises(ConfigError, match="unknown device"):
        FVD(run_on="tpu")


def test_ids_that_are_alike_are_two() -> None:
    keys = FVD().keys(["a", "b", "A", "a", ""], 5)
    assert keys[0] == keys[3] and len(set(keys)) == 4 and all(k >= 0 and k == int(k) for k in keys)
