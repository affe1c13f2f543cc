"""SAM 2 through a clip: frame 0 is kept, objects do not meet, and frames are those of transformers' own loop."""

from __future__ import annotations

import hashlib
import json
import shutil
import typing as t
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from motionbench import weights
from motionbench.backends import sam2
from motionbench.errors import NotApplicable, WeightsError
from motionbench.types import Case, Clip, Features, InputMatch, Inputs, Object, Video
from motionbench.weights.random import make_random

from . import small_networks as small

Segment = t.Callable[[Inputs, dict[str, Features]], Features]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Path]:
    """A folder of random weights in which `sam2-tiny` is small."""
    root = tmp_path_factory.mktemp("weights")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("motionbench.backends.makers.sam2_tiny", lambda root: small.small_sam2())
        make_random(root / "r", ["sam2-tiny"])
        patch.setattr(weights, "_chosen", root / "r")
        patch.setattr(weights, "_checked", {})
        yield root / "r"


@pytest.fixture(scope="module")
def segment(folder: Path) -> Segment:
    return sam2.SAM2_TINY.load()


def inputs(masks: np.ndarray[t.Any, t.Any] | None) -> Inputs:
    frames = np.random.default_rng(0).integers(0, 256, (5, 60, 96, 3), dtype=np.uint8)
    count = 0 if masks is None else len(masks)
    objects = tuple(Object(k + 1, "thing", "A thing.") for k in range(count))
    case = Case("c", "multi", "", "", "", "", objects, None)  # type: ignore[arg-type]
    clip = Clip(Video(frames, np.arange(5) / 8.0), (60, 96), (0, 0, 60, 96), 1, 8.0)
    ids, match = np.arange(1, count + 1), InputMatch(1.0, 0.0, 0.0, 1.0)
    return Inputs(case, clip, frames[0], np.ones((60, 96), bool), masks, ids, match)


def squares() -> np.ndarray[t.Any, t.Any]:
    """bool [3, 60, 96]; the second plane is empty."""
    planes = np.zeros((3, 60, 96), bool)
    planes[0, 10:30, 40:70] = True
    planes[2, 35:50, 5:16] = True
    return planes


def test_frame_0_is_the_given_one_and_the_rest_is_found(segment: Segment) -> None:
    found = segment(inputs(squares()), {})
    assert found["object_ids"].tolist() == [1, 2, 3]
    values = found["values"]
    assert values.shape == (3, 5, 60, 96) and values.dtype == bool
    assert np.array_equal(values[:, 0], squares())
    assert not values[1].any()
    assert values[[0, 2], 1:].any(axis=(2, 3)).all()


def test_adding_an_object_changes_no_other(segment: Segment) -> None:
    alone = segment(inputs(squares()[2:]), {})["values"]
    assert np.array_equal(alone, segment(inputs(squares()), {})["values"][2:])


def test_frames_are_those_of_transformers_own_loop(folder: Path, segment: Segment) -> None:
    """The loop of transformers' documentation for one object, its processor given the video at once."""
    from transformers import Sam2VideoModel, Sam2VideoProcessor

    given = inputs(squares()[:1])
    place = folder / "sam2-tiny"
    model, processor = Sam2VideoModel.from_pretrained(place).eval(), Sam2VideoProcessor.from_pretrained(place)
    with torch.inference_mode():
        session = processor.init_video_session(video=list(given.clip.video.frames.copy()), dtype=torch.float32)
        processor.add_inputs_to_inference_session(session, frame_idx=0, obj_ids=1, input_masks=squares()[0])
        planes = [
            processor.post_process_masks(
                [model(inference_session=session, frame_idx=frame).pred_masks],
                original_sizes=[[60, 96]],
                binarize=True,
            )[0][0, 0].numpy()
            for frame in range(5)
        ]
    assert np.array_equal(segment(given, {})["values"][0, 1:], np.stack(planes[1:]))


def test_no_masks_no_answer(segment: Segment) -> None:
    with pytest.raises(NotApplicable, match="no masks"):
        segment(inputs(None), {})
    assert not segment(inputs(np.zeros((1, 60, 96), bool)), {})["values"].any()


def spoilt(folder: Path, root: Path, change: t.Callable[[dict[str, torch.Tensor]], object]) -> None:
    """A copy of the folder with other tensors, its hash as it is now, chosen."""
    from safetensors.torch import load_file, save_file

    shutil.copytree(folder, root)
    path = root / "sam2-tiny" / "model.safetensors"
    state = load_file(path)
    change(state)
    save_file(state, path, metadata={"format": "pt"})
    mark = json.loads((root / "random.json").read_text())
    mark["files"]["sam2-tiny/model.safetensors"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (root / "random.json").write_text(json.dumps(mark))
    weights.use(root, {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop(min(state)), "1 tensors are missing, such as "),
        (lambda state: state.update({name: torch.zeros(3, 5) for name in state}), "RuntimeError"),
    ],
)
def test_a_network_that_the_file_does_not_fill_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: t.Any, message: str
) -> None:
    monkeypatch.setattr(weights, "_chosen", None)
    monkeypatch.setattr(weights, "_checked", {})
    spoilt(folder, tmp_path / "r", change)
    with pytest.raises(WeightsError, match=message) as caught:
        sam2.SAM2_TINY.load()
    assert "cannot be read as weights of SAM 2" in caught.value.message and "\n" not in caught.value.message


def test_a_file_beside_the_listed_ones_steers_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of Hiera-L has no settings for videos: transformers would take them from wherever it finds some."""
    files = {name: made for name, made in small.small_sam2().items() if name != "video_preprocessor_config.json"}
    monkeypatch.setattr("motionbench.backends.makers.sam2_large", lambda root: files)
    monkeypatch.setattr(weights, "_chosen", tmp_path)
    monkeypatch.setattr(weights, "_checked", {})
    make_random(tmp_path, ["sam2-large"])
    wanted = sam2.SAM2_LARGE.load()(inputs(squares()), {})["values"]
    darker = {"video_processor_type": "Sam2VideoVideoProcessor", "image_mean": [0.9] * 3, "image_std": [9.0] * 3}
    more = tmp_path / "sam2-large" / "video_preprocessor_config.json"
    more.write_text(json.dumps({**darker, "size": {"height": small.SIDE, "width": small.SIDE}}))
    assert np.array_equal(sam2.SAM2_LARGE.load()(inputs(squares()), {})["values"], wanted)
    unlisted = transformers.Sam2VideoProcessor.from_pretrained(more.parent)
    assert list(unlisted.video_processor.image_mean) == [0.9] * 3, "the file would have steered it"
