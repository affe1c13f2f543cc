"""SAM 2.1 by transformers (role `masks`; Ravi et al. 2024, arXiv 2408.00714): masks of frame 0 through the video.

Each object is prompted with its mask in frame 0 and has a memory of its own, so that adding an object changes no other.
Frame 0 keeps the given masks. Planes may overlap.
"""

from __future__ import annotations

import contextlib
import typing as t
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from motionbench.errors import NotApplicable, WeightsError
from motionbench.registry import foreign
from motionbench.types import Backend, Features, Inputs

_HINT = "delete it and fetch it again: motionbench weights ls"


def _load(name: str) -> Callable[[Inputs, Mapping[str, Features]], Features]:
    from transformers import Sam2VideoModel, Sam2VideoProcessor

    from motionbench import weights
    from motionbench.backends import networks

    folder = weights.path(name)
    what = f"{folder} cannot be read as weights of SAM 2"
    alone = weights.Store(weights.folder()).alone(name, weights.find(name))
    with _quietly(), foreign(WeightsError, what, _HINT), alone as listed:
        model, found = Sam2VideoModel.from_pretrained(
            listed, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
        processor = Sam2VideoProcessor.from_pretrained(listed, local_files_only=True)
    if missing := sorted(found["missing_keys"]):  # transformers would draw them at random
        raise WeightsError(f"{what}: {len(missing)} tensors are missing, such as {missing[0]}", _HINT)
    return segmenter(networks.ready(model), processor)


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Without transformers' progress bar: a run has its own, and --quiet means quiet."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def segmenter(model: t.Any, processor: t.Any) -> Callable[[Inputs, Mapping[str, Features]], Features]:
    """The backend's function around a `Sam2VideoModel` and its processor."""
    from motionbench import device
    from motionbench.backends import networks

    def compute(inputs: Inputs, upstream: Mapping[str, Features]) -> Features:
        if inputs.masks0 is None:
            raise NotApplicable("the case has no masks")
        frames, first = inputs.clip.video.frames, inputs.masks0
        values = np.zeros((len(first), len(frames), *frames.shape[1:3]), np.bool_)
        values[:, 0] = first
        with networks.inference():
            there = [int(k) for k in np.flatnonzero(first.any(axis=(1, 2)))]
            session = processor.init_video_session(video=np.array(frames), inference_device=device.chosen().name)
            if there:
                given = [first[k] for k in there]
                processor.add_inputs_to_inference_session(session, frame_idx=0, obj_ids=there, input_masks=given)
                model(inference_session=session, frame_idx=0)
                for found in model.propagate_in_video_iterator(session):
                    if found.frame_idx > 0:
                        masks = processor.post_process_masks([found.pred_masks], [frames.shape[1:3]])[0]
                        values[list(found.object_ids), found.frame_idx] = masks[:, 0].cpu().numpy()
        return {"values": values, "object_ids": inputs.object_ids}

    return compute


def _backend(name: str) -> Backend:
    return Backend(name, "masks", 1, lambda: _load(name), inputs=("masks",), weights=(name,))


SAM2_LARGE, SAM2_TINY = _backend("sam2-large"), _backend("sam2-tiny")
