"""Settings: the shipped configurations say what the paper says; files and overrides are read strictly."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionbench.errors import ConfigError
from ttm_ref.settings import FOLDER, Settings, load, names, parse

PAPER = [name for name in names() if name.startswith("paper-")]


def test_the_set_of_paper_configurations() -> None:
    assert PAPER == [
        "paper-unet-stage1",
        "paper-unet-stage2",
        "paper-unet-ti2v",
        "paper-wan-stage1",
        "paper-wan-stage2",
        "paper-wan-ti2v",
        "paper-wan14b-stage2",
    ]


@pytest.mark.parametrize("name", PAPER)
def test_what_the_paper_says_of_training(name: str) -> None:
    found = load(name)
    assert (found.train.batch, found.train.steps, found.train.warmup) == (32, 50_000, 2_000)
    assert (found.optimizer.lr, found.train.decay_share) == (2e-5, 0.0)
    unet = "unet" in name
    assert (found.data.height, found.data.width) == ((512, 512) if unet else (256, 256))
    assert found.data.frames == (16 if unet else 129)
    assert found.objective.kind == ("v_prediction" if unet else "flow")
    assert found.train.stage == ("motion" if name.endswith("stage1") else "video")
    layers = {"paper-unet-stage2": 6, "paper-wan-stage2": 8, "paper-wan14b-stage2": 10}
    if name in layers:
        assert found.model.config["num_masked_layers"] == layers[name]
        assert found.model.config["mask_self"] and found.model.config["mask_cross"]


def test_variants_differ_in_nothing_else() -> None:
    for backbone in ("unet", "wan"):
        stage1, stage2, ti2v = (load(f"paper-{backbone}-{kind}") for kind in ("stage1", "stage2", "ti2v"))
        layers = stage2.model.config["num_masked_layers"]
        back = [f"model.config.num_masked_layers={layers}", "train.stage=video"]
        assert load(f"paper-{backbone}-stage1", back) == stage2 != stage1
        back = ["model.config.mask_self=true", "model.config.mask_cross=true", "data.trajectory=masks"]
        assert load(f"paper-{backbone}-ti2v", back) == stage2 != ti2v


@pytest.mark.parametrize("path", sorted(FOLDER.glob("paper-*.toml")), ids=lambda p: p.stem)
def test_every_choice_of_a_root_file_says_whose_it_is(path: Path) -> None:
    text = path.read_text()
    if "extends" in text:
        return
    for key in ("lr", "batch", "steps", "warmup", "height", "frames", "text_drop", "ema", "betas", "weight_decay"):
        lines = re.findall(rf"^{key} = .*$", text, re.M)
        assert lines and all("# paper" in line or "# ours" in line for line in lines), key


def test_overrides_win_over_the_file_and_the_file_over_what_it_extends(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text("[train]\nsteps = 7\nbatch = 5\n[model.config]\na = 1\nb = 2\n")
    top = tmp_path / "top.toml"
    top.write_text('extends = "base.toml"\n[train]\nbatch = 6\n[model.config]\nb = 3\n')
    found = load(top, ["train.seed=9", "model.config.c=[1, 2]", "optimizer.name=muon", "optimizer.lr=1"])
    assert (found.train.steps, found.train.batch, found.train.seed) == (7, 6, 9)
    assert found.model.config == {"a": 1, "b": 3, "c": [1, 2]}
    assert found.optimizer.name == "muon" and found.optimizer.lr == 1.0 and isinstance(found.optimizer.lr, float)


@pytest.mark.parametrize(
    ("override", "message", "hint"),
    [
        ("train.stepss=1", "train.stepss", "'steps'"),
        ("trian.steps=1", "trian", "'train'"),
        ("train.steps=1.5", "wrong type", "whole number"),
        ("train.steps=true", "wrong type", "whole number"),
        ("train.steps=ten", "wrong type", "whole number"),
        ("train.steps=0", "train.steps = 0", "above 0"),
        ("train.steps=-3", "train.steps = -3", "above 0"),
        ("optimizer.lr=nan", "optimizer.lr = nan", "above 0"),
        ("optimizer.lr=inf", "optimizer.lr = inf", "above 0"),
        ("optimizer.betas=[0.9]", "wrong type", "list"),
        ("optimizer.betas=[0.9, 1.0]", "optimizer.betas", "decay"),
        ("train.ema=1.0", "train.ema", "decay"),
        ("objective.text_drop=1.1", "text_drop", "share"),
        ("optimizer.name=adam", "optimizer.name = 'adam'", "'adamw'"),
        ("data.folders=[1]", "wrong type", "text"),
        ("train=3", "no override", "section.key=value"),
        ("train.steps", "no override", "section.key=value"),
        ("train..steps=3", "no override", "section.key=value"),
        ("train.steps.more=3", "'steps' is a value", "section.key=value"),
        ("model.config.prediction_type=sample", "prediction_type", "one meaning"),
        ("objective.kind=flow", "cannot train", "v_prediction"),
        ("data=x.y=1", "no override", "section.key=value"),
    ],
)
def test_wrong_overrides_are_refused(override: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load("paper-unet-stage2", [override])
    assert message in caught.value.message and hint in caught.value.hint
    assert "\n" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x = ", "no TOML"),
        ('extends = "top.toml"', "extends itself"),
        ("extends = 3", "extends"),
        ('extends = "nothing"', "'nothing'"),
        ('extends = "nothing.toml"', "cannot be read"),
        ("train = 3", "not a section"),
        ("[train]\nsteps = '3'", "wrong type"),
        ("[models]\n", "models"),
    ],
)
def test_wrong_files_are_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "top.toml").write_text(content)
    with pytest.raises(ConfigError, match=message):
        load(tmp_path / "top.toml")


def test_names_and_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="paper-unet-stage3") as caught:
        load("paper-unet-stage3")
    assert "paper-unet-stage" in caught.value.hint
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError):
        load(tmp_path / "binary.toml")


@given(st.text(max_size=12))
def test_no_override_text_ends_in_another_error(text: str) -> None:
    for override in (text, f"train.{text}=1", f"train.steps={text}", f"{text}.steps=1"):
        try:
            assert isinstance(load("paper-wan-stage1", [override]), Settings)
        except ConfigError as error:
            assert error.message


def test_defaults_make_settings() -> None:
    assert parse({}) == Settings()
