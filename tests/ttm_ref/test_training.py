"""Preparing, training, resuming: small random networks of both backbones on a world of six videos."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from motionbench.errors import ConfigError, DataError, WeightsError
from ttm_ref import settings
from ttm_ref.footage import listing
from ttm_ref.pack import pack_folders
from ttm_ref.prepare import prepare
from ttm_ref.samples import Samples
from ttm_ref.stages import Stages
from ttm_ref.train.loop import Run, train
from ttm_ref.train.start import identity, task

sys.path.insert(0, str(Path(__file__).parent))
from training import FRAMES, RUN, SIZE, UNET, VIDEOS, WAN, write_vae, write_videos


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Folders: the videos, an autoencoder of each kind, and the samples that it made."""
    root = tmp_path_factory.mktemp("world")
    videos = write_videos(root / "videos")
    for kind in ("patch", "kl"):
        vae = write_vae(root / kind, kind)
        assert prepare(listing([videos]), vae, root / f"samples-{kind}", FRAMES, (SIZE, SIZE)) == VIDEOS
    return root


def chosen(world, backbone, *overrides):
    kind = "patch" if backbone == "wan" else "kl"
    base = "tiny-motion" if "train.stage=motion" in overrides else "tiny-video"
    named = [
        f"data.folders={json.dumps([str(world / f'samples-{kind}')])}",
        f"vae.name={json.dumps(str(world / kind))}",
    ]
    return settings.load(
        _bare(world, base, backbone), [*(WAN if backbone == "wan" else UNET), *RUN, *named, *overrides]
    )


def _bare(world, base, backbone):
    """The tiny configuration without its model's arguments, which belong to another size or backbone."""
    path = world / f"{base}-{backbone}.toml"
    lines = (settings.FOLDER / f"{base}.toml").read_text().splitlines()
    start = lines.index(next(line for line in lines if line.startswith("[model.config]")))
    end = next(i for i in range(start + 1, len(lines)) if lines[i].startswith("["))
    own = ["coordinates = 8", f"num_masked_layers = {0 if base == 'tiny-motion' else 1}"]
    masked = own[1:] if backbone == "unet" else own
    path.write_text("\n".join([*lines[:start], "[model.config]", *masked, "", *lines[end:]]))
    return path


def run(world, out, backbone, *overrides, stop_at=None):
    it = chosen(world, backbone, *overrides)
    made = task(it)
    reached = train(made, Run(it.train, it.optimizer, out, identity(it, made), stop_at=stop_at))
    return reached, [float(row["loss"]) for row in csv.DictReader((out / "log.csv").open())]


def test_samples_hold_latents_planes_and_prompts(world):
    samples = Samples([world / "samples-patch"])
    sample = samples[1]
    assert len(samples) == VIDEOS
    assert sample.video.shape == sample.masks.shape == (4, FRAMES, SIZE // 8, SIZE // 8)
    assert sample.planes.dtype == torch.bool and sample.planes.shape == (1, FRAMES, SIZE, SIZE)
    truth = listing([world / "videos"])[1].planes(FRAMES)
    assert np.array_equal(sample.planes.numpy(), truth)
    assert sample.prompts == ("The blue square moves down.",)
    assert Samples([world / "samples-patch"], limit=2).digest() != samples.digest()


def test_an_interrupted_preparation_goes_on_and_another_one_is_refused(world, tmp_path):
    from ttm_ref.train.start import autoencoder

    vae = autoencoder(settings.parse({"vae": {"name": str(world / "patch")}}).vae)
    shutil.copytree(world / "samples-patch", tmp_path / "samples")
    before = (tmp_path / "samples" / "00000.safetensors").read_bytes()
    (tmp_path / "samples" / "00000.safetensors").unlink()
    with pytest.raises(DataError, match="lacks shard 0"):
        Samples([tmp_path / "samples"])
    prepare(listing([world / "videos"]), vae, tmp_path / "samples", FRAMES, (SIZE, SIZE))
    assert (tmp_path / "samples" / "00000.safetensors").read_bytes() == before
    with pytest.raises(ConfigError, match="another preparation"):
        prepare(listing([world / "videos"]), vae, tmp_path / "samples", FRAMES - 1, (SIZE, SIZE))


@pytest.mark.parametrize(
    ("backbone", "stage"), [("wan", "motion"), ("wan", "video"), ("unet", "motion"), ("unet", "video")]
)
def test_fifty_steps_lower_the_loss(world, tmp_path, backbone, stage):
    reached, losses = run(world, tmp_path, backbone, f"train.stage={stage}", "train.steps=50", "optimizer.lr=0.003")
    assert reached == len(losses) == 50
    assert np.mean(losses[-10:]) < 0.9 * np.mean(losses[:10])
    assert (tmp_path / "model" / "model_index.json").is_file()


@pytest.mark.parametrize("backbone", ["wan", "unet"])
def test_a_resumed_run_repeats_the_uninterrupted_one(world, tmp_path, backbone):
    options = ("train.steps=12", "train.save_every=4")
    _, whole = run(world, tmp_path / "whole", backbone, *options)
    run(world, tmp_path / "parts", backbone, *options, stop_at=6)
    _, resumed = run(world, tmp_path / "parts", backbone, *options)
    assert np.allclose(whole, resumed, rtol=0, atol=1e-6)
    for name in ("denoiser/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"):
        one, two = (tmp_path / folder / "model" / name for folder in ("whole", "parts"))
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.slow
def test_a_killed_run_goes_on_as_if_nothing_had_happened(world, tmp_path):
    it = ["train.steps=60", "train.save_every=5", *RUN, *WAN]
    command = [sys.executable, "-m", "ttm_ref.cli", "train", "--config", str(_bare(world, "tiny-video", "wan"))]
    command += ["--data", str(world / "samples-patch"), "--vae", str(world / "patch")]
    command += [part for override in it for part in ("--set", override)]
    subprocess.run([*command, "--out", str(tmp_path / "whole")], check=True, capture_output=True)
    process = subprocess.Popen([*command, "--out", str(tmp_path / "killed")], stderr=subprocess.DEVNULL)
    log = tmp_path / "killed" / "log.csv"
    deadline = time.time() + 300
    while (not log.exists() or len(log.read_text().splitlines()) < 14) and time.time() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    subprocess.run([*command, "--out", str(tmp_path / "killed")], check=True, capture_output=True)
    logs = [[float(r["loss"]) for r in csv.DictReader((tmp_path / n / "log.csv").open())] for n in ("whole", "killed")]
    assert len(logs[1]) == 60
    assert np.allclose(*logs, rtol=0, atol=1e-6)


def test_a_checkpoint_of_other_settings_is_refused(world, tmp_path):
    run(world, tmp_path, "wan", "train.steps=2")
    with pytest.raises(ConfigError, match="other optimizer"):
        run(world, tmp_path, "wan", "train.steps=2", "optimizer.lr=0.5")


@pytest.mark.parametrize("backbone", ["wan", "unet"])
def test_training_may_start_from_a_trained_pipeline(world, tmp_path, backbone):
    run(world, tmp_path / "first", backbone, "train.steps=3")
    model = tmp_path / "first" / "model"
    start = f"train.start_from={json.dumps(str(model))}"
    earlier = task(chosen(world, backbone, "train.steps=3", start))
    weights = load_file(model / "denoiser" / "diffusion_pytorch_model.safetensors")
    assert all(torch.equal(value, earlier.denoiser.state_dict()[name]) for name, value in weights.items())
    reached, losses = run(world, tmp_path / "second", backbone, "train.steps=3", start)
    assert reached == len(losses) == 3
    fresh = run(world, tmp_path / "fresh", backbone, "train.steps=3")[1]
    assert losses != fresh


def test_only_a_pipeline_of_the_same_model_can_be_started_from(world, tmp_path):
    with pytest.raises(WeightsError, match="no trained pipeline"):
        task(chosen(world, "wan", f"train.start_from={json.dumps(str(tmp_path))}"))
    run(world, tmp_path, "wan", "train.steps=1")
    start = f"train.start_from={json.dumps(str(tmp_path / 'model'))}"
    with pytest.raises(ConfigError, match="another num_layers"):
        task(chosen(world, "wan", start, "model.config.num_layers=3"))


def test_a_truncated_checkpoint_is_an_error(world, tmp_path):
    run(world, tmp_path, "wan", "train.steps=2")
    path = tmp_path / "checkpoint" / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="cannot be read"):
        run(world, tmp_path, "wan", "train.steps=2")


def test_samples_of_another_autoencoder_are_refused(world, tmp_path):
    torch.manual_seed(1)
    vae = write_vae(tmp_path / "other", "patch")
    vae.register_to_config(latents_std=[2.0] * 4)
    vae.save_pretrained(tmp_path / "other")
    it = chosen(world, "wan", f"vae.name={json.dumps(str(tmp_path / 'other'))}")
    with pytest.raises(ConfigError, match="another autoencoder"):
        task(it)


def test_checkpointing_and_strips_change_no_number(world, tmp_path):
    _, plain = run(world, tmp_path / "plain", "wan", "train.steps=3")
    options = ("train.gradient_checkpointing=true", "train.validate_every=2", "sampling.steps=2")
    _, other = run(world, tmp_path / "other", "wan", "train.steps=3", *options)
    assert plain == other
    assert (tmp_path / "other" / "validation" / "000002.png").is_file()
    assert "psnr" in (tmp_path / "other" / "validation.csv").read_text()


def test_trained_stages_are_packed_and_generate(world, tmp_path):
    for stage in ("motion", "video"):
        run(world, tmp_path / stage, "wan", f"train.stage={stage}", "train.steps=2")
    run(world, tmp_path / "ti2v", "wan", "train.steps=2", "data.trajectory=none", "model.config.mask_self=false")
    places = {"stage1": "motion", "stage2": "video", "variants/ti2v": "ti2v"}
    pack_folders({place: tmp_path / name / "model" for place, name in places.items()}, tmp_path / "packed")
    for path in (tmp_path / "packed").rglob("*.safetensors"):
        assert {tensor.dtype for tensor in load_file(path).values()} == {torch.float16}, path
    assert (tmp_path / "packed" / "vae").is_dir() and not (tmp_path / "packed" / "stage1" / "vae").exists()
    stages = Stages(tmp_path / "packed", torch.float32)
    picture, mask = np.full((SIZE, SIZE, 3), 90, np.uint8), np.zeros((1, SIZE, SIZE), np.bool_)
    mask[0, 4:12, 4:12] = True
    made = stages.motion()(picture, "moves", mask, num_inference_steps=2, generator=torch.Generator().manual_seed(0))
    assert made.masks[0].shape == (1, FRAMES, SIZE, SIZE)
    video = stages.video()(picture, "moves", ["moves"], made.masks[0], num_inference_steps=2)
    assert video.frames.shape == (1, FRAMES, SIZE, SIZE, 3)


def test_the_autoencoder_is_trained_on_frames_and_masks(world, tmp_path):
    data = ["train.stage=vae", f"data.folders={json.dumps([str(world / 'videos')])}", "data.held_out=1", "data.limit=0"]
    it = settings.load(
        "tiny-vae", [*data, "train.steps=4", "train.batch=2", "train.validate_every=4", "train.mixed_precision=no"]
    )
    made = task(it)
    train(made, Run(it.train, it.optimizer, tmp_path, identity(it, made)))
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert len(config["latents_mean"]) == len(config["latents_std"]) == 12
    assert (tmp_path / "validation" / "000004.png").is_file()
