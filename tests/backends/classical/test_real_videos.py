"""What the classical backends must be able to tell on real videos, seen through the survival metric."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from motionbench.errors import NotApplicable
from motionbench.metrics.motion import SURVIVAL
from motionbench.sources.reference import shuffled
from motionbench.types import CaseView, Clip, Features, Inputs, Protocol, Video, View
from motionbench.video import carry_image, carry_masks, load_video, match_input, read_image, read_labels

pytestmark = pytest.mark.slow


def open_cases(folder: Path, video_of: Callable[[dict], Path]) -> Iterator[tuple[str, Inputs]]:
    for entry in json.loads((folder / "cases.json").read_text())["cases"]:
        clip = load_video(video_of(entry), Protocol())
        assert isinstance(clip, Clip)
        picture = read_image(folder / entry["first_frame"])
        labels = read_labels(folder / entry["masks"] / "00000.png")
        ids = np.array([item["id"] for item in entry["objects"]], np.int64)
        match = match_input(picture, clip)
        image, shown = carry_image(picture, match, clip)
        masks = carry_masks(np.stack([labels == i for i in ids]), match, clip)
        yield entry["id"], Inputs(None, clip, image, shown, masks, ids, match)  # type: ignore[arg-type]


def survival(inputs: Inputs, features: dict[str, Features]) -> float:
    size = inputs.clip.video.frames.shape[1:3]
    view = View(features, inputs.clip.video.times, (size[0], size[1]), inputs.match)
    try:
        return float(SURVIVAL.measure(CaseView(inputs.case, view))["value"])
    except NotApplicable:
        return float("nan")


def test_the_paper_model_survives_better_than_its_baselines(shared_data, features_of) -> None:
    folder = shared_data / "paper_gallery"
    mean = {}
    for system in ("ttm_unet", "ti2v_unet", "consisti2v", "motion_i2v"):
        cases = open_cases(folder, lambda entry, s=system: folder / "outputs" / s / f"{entry['id']}.mp4")
        values = [survival(inputs, features_of(inputs)) for _, inputs in cases if inputs.match.ncc >= 0.6]
        mean[system] = np.nanmean(values)
    assert mean["ttm_unet"] > max(mean["ti2v_unet"], mean["consisti2v"], mean["motion_i2v"]), mean


def test_real_videos_survive_better_than_their_frames_in_random_order(shared_data, features_of) -> None:
    folder = shared_data / "real_clips"
    gains = []
    for number, (_, inputs) in enumerate(open_cases(folder, lambda entry: folder / entry["reference"])):
        order = shuffled(len(inputs.clip.video.times), number)
        video = Video(inputs.clip.video.frames[order], inputs.clip.video.times)
        mixed = replace(inputs, clip=replace(inputs.clip, video=video))
        gains.append(survival(inputs, features_of(inputs)) - survival(mixed, features_of(mixed)))
    gain = np.array(gains)
    assert gain.mean() > 3 * gain.std(ddof=1) / len(gain) ** 0.5, gain


def test_no_mask_leaks_over_a_real_video(shared_data, features_of) -> None:
    folder = shared_data / "real_clips"
    for name, inputs in open_cases(folder, lambda entry: folder / entry["reference"]):
        share = features_of(inputs)["masks"]["values"].mean((2, 3))
        assert (share.max(1) <= 4 * share[:, 0]).all(), name
