"""Optical flow in place of masks (Table 4): its pictures, its estimators, and both stages trained on it."""

from __future__ import annotations

import hashlib
import json
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from motionbench.errors import ConfigError, ModelError, WeightsError
from ttm_ref import flow, settings
from ttm_ref.flow import FULL, estimator, paint_flow
from ttm_ref.footage import listing
from ttm_ref.pack import pack_folders
from ttm_ref.pipelines import ThroughTheMaskPipeline
from ttm_ref.prepare import prepare
from ttm_ref.samples import Samples
from ttm_ref.stages import Stages
from ttm_ref.train.loop import Run, train
from ttm_ref.train.start import identity, task

sys.path.insert(0, str(Path(__file__).parent))
from training import FRAMES, RUN, SIZE, VIDEOS, WAN, write_vae, write_videos

CPU = torch.device("cpu")


def uniform(x, y, frames=3, size=(30, 40)):
    """Flow of a scene that moves as one, in shares of what fills a colour."""
    full = FULL * float(np.hypot(*size))
    return np.broadcast_to(np.array([x * full, y * full], np.float32), (frames - 1, *size, 2))


class TestPictures:
    @pytest.mark.parametrize(
        ("x", "y", "colour"),
        [
            (0, 0, (255, 255, 255)),
            (1, 0, (255, 0, 0)),
            (9, 0, (255, 0, 0)),
            (0.5, 0, (255, 128, 128)),
            (-1, 0, (0, 255, 255)),
            (0, 1, (128, 255, 0)),
            (0, -1, (128, 0, 255)),
        ],
    )
    def test_hue_is_direction_and_saturation_speed(self, x, y, colour):
        pictures = paint_flow(uniform(x, y))
        assert pictures.dtype == np.uint8 and pictures.shape == (3, 30, 40, 3)
        assert np.abs(pictures.astype(int) - colour).max() <= 1

    def test_a_colour_means_the_same_beside_other_motion_and_the_last_frame_repeats(self):
        slow = uniform(0.5, 0).copy()
        slow[0, :, :5] *= 7
        pictures = paint_flow(slow)
        assert np.array_equal(pictures[0, :, 5:], paint_flow(uniform(0.5, 0))[0, :, 5:])
        assert np.array_equal(pictures[2], pictures[1]) and not np.array_equal(pictures[1], pictures[0])


class TestEstimators:
    @pytest.mark.parametrize("size", [48, 96])
    def test_dis_finds_a_shift(self, size):
        texture = np.random.default_rng(0).integers(0, 255, (size // 4 + 3, size // 4 + 3, 3)).astype(np.uint8)
        scene = texture.repeat(4, 0).repeat(4, 1)
        frames = np.stack([scene[:size, 2 * (2 - i) : 2 * (2 - i) + size] for i in range(3)])
        uv = estimator("dis", CPU)(frames)
        assert uv.shape == (2, size, size, 2) and uv.dtype == np.float32
        assert np.abs(np.median(uv, axis=(0, 1, 2)) - [2, 0]).max() < 0.2

    def test_raft_takes_any_size(self, hub, monkeypatch):
        from torchvision.models.optical_flow import raft_large

        torch.manual_seed(0)
        put(hub, raft_large(weights=None).state_dict(), monkeypatch)
        frames = np.random.default_rng(0).integers(0, 255, (2, 40, 52, 3), np.uint8)
        uv = estimator("raft", CPU)(frames)
        assert uv.shape == (1, 40, 52, 2) and np.isfinite(uv).all()

    def test_another_file_in_the_cache_is_refused_unread(self, hub, monkeypatch):
        put(hub, {"what": torch.zeros(1)}, monkeypatch)
        with pytest.raises(WeightsError, match="RAFT's weights cannot be loaded"):  # the right hash, no RAFT
            estimator("raft", CPU)
        hub.write_bytes(b"damaged")
        with pytest.raises(WeightsError, match="is not RAFT's file"):
            estimator("raft", CPU)
        monkeypatch.setattr(flow, "RAFT_SHA256", hashlib.sha256(b"damaged").hexdigest())
        with pytest.raises(WeightsError, match="RAFT's weights cannot be loaded"):
            estimator("raft", CPU)

    def test_what_cannot_be_had_is_said(self, hub, monkeypatch):
        def refuse(url, file, digest, progress):
            assert (url.rsplit("/", 1)[-1], digest) == (hub.name, flow.RAFT_SHA256)
            raise OSError("no network")

        monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
        with pytest.raises(WeightsError, match="RAFT's weights cannot be loaded: no network"):
            estimator("raft", CPU)
        with pytest.raises(ConfigError, match="no flow 'farneback'"):
            estimator("farneback", CPU)


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Where torch's hub keeps RAFT's file; there is none yet."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints" / "raft_large_C_T_SKHT_V2-ff5fadd5.pth"


def put(file, state, monkeypatch):
    """Save a state there, and take its hash for the listed one."""
    torch.save(state, file)
    monkeypatch.setattr(flow, "RAFT_SHA256", hashlib.sha256(file.read_bytes()).hexdigest())


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("flow")
    vae = write_vae(root / "vae", "patch")
    footage = listing([write_videos(root / "videos")])
    for name, by in (("plain", ""), ("flow", "dis")):
        assert prepare(footage, vae, root / name, FRAMES, (SIZE, SIZE), flow=by) == VIDEOS
    return root


def chosen(world, stage, *overrides, samples="flow"):
    base = "tiny-motion" if stage == "motion" else "tiny-video"
    table = settings.read(base, settings.FOLDER)
    table["model"]["config"] = {"coordinates": 8, "num_masked_layers": int(stage == "video")}
    unmasked = ["mask_self=false", "mask_cross=false"] if stage == "video" else []
    named = [f"data.folders={json.dumps([str(world / samples)])}", f"vae.name={json.dumps(str(world / 'vae'))}"]
    extra = [f"model.config.{value}" for value in unmasked]
    for override in [*WAN, *RUN, *named, *extra, "data.trajectory=flow", *overrides]:
        settings.write(table, override)
    return settings.parse(table)


def test_samples_hold_flow_where_it_was_asked_for(world):
    plain, flow = Samples([world / "plain"]), Samples([world / "flow"])
    assert plain[1].flow is None
    assert flow[1].flow.shape == flow[1].video.shape and not torch.equal(flow[1].flow, flow[1].masks)
    one, two = (load_file(world / name / "00000.safetensors") for name in ("plain", "flow"))
    assert all(torch.equal(one[key], two[key]) for key in one)
    with pytest.raises(ConfigError, match="prepared differently"):
        Samples([world / "flow", world / "plain"])
    with pytest.raises(ConfigError, match="hold no optical flow"):
        task(chosen(world, "motion", samples="plain"))


def test_both_stages_are_trained_packed_and_chained(world, tmp_path):
    for stage in ("motion", "video"):
        it = chosen(world, stage, "train.steps=50", "train.validate_every=50", "sampling.steps=2", "optimizer.lr=0.003")
        made = task(it)
        losses = []
        keep = lambda _, __, values, losses=losses: losses.append(values["loss"])  # noqa: E731
        train(made, Run(it.train, it.optimizer, tmp_path / stage, identity(it, made), keep))
        assert np.mean(losses[-10:]) < 0.9 * np.mean(losses[:10])
        assert (tmp_path / stage / "validation" / "000050.png").is_file()
    pack_folders({"stage1": tmp_path / "motion" / "model", "stage2": tmp_path / "video" / "model"}, tmp_path / "pair")
    stages = Stages(tmp_path / "pair", torch.float32)
    motion, video = stages.motion(), stages.video()
    picture = np.full((SIZE, SIZE, 3), 90, np.uint8)
    flow = motion(picture, "moves", num_inference_steps=2, generator=torch.Generator().manual_seed(0))
    assert flow.masks is None and flow.frames.shape == (1, FRAMES, SIZE, SIZE, 3)
    with pytest.raises(ConfigError, match="output_type is 'mask'"):
        motion(picture, "moves", output_type="mask")
    mask = np.zeros((1, SIZE, SIZE), np.bool_)
    with pytest.raises(ModelError, match="follows optical flow"):
        video(picture, "moves", ["moves"], mask[:, None].repeat(FRAMES, 1))
    chain = ThroughTheMaskPipeline(motion, video)
    shown, followed = chain(picture, "moves", "moves", ["moves"], mask, generator=torch.Generator().manual_seed(0))
    assert shown.frames.shape == (1, FRAMES, SIZE, SIZE, 3) and followed is None


def test_stages_that_speak_differently_do_not_chain():
    sizes = {"num_frames": 4, "height": 32, "width": 32, "fps": 8.0}
    one, two = (types.SimpleNamespace(config={**sizes, "trajectory": name}) for name in ("flow", "masks"))
    with pytest.raises(ConfigError, match="stage 1 has trajectory=flow, stage 2 has masks"):
        ThroughTheMaskPipeline(one, two)
