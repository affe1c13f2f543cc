"""Choosing from 60 videos: by a table of scores, by models, again, and after an interruption."""

from __future__ import annotations

import builtins
import csv
import json
import random
import subprocess
import sys
import typing as t
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from motionbench.curate import Recipe, curate, networks
from motionbench.curate.describe import CAPTION, CATEGORY, OBJECTS, Models, category_of, describe, object_names
from motionbench.curate.recipe import CATEGORIES
from motionbench.curate.scores import read_scores
from motionbench.datasets import load_dataset
from motionbench.datasets.sav import Recording, find_recordings
from motionbench.errors import ConfigError, DataError, WeightsError
from motionbench.types import Clip, Video
from motionbench.video import save_video

RECIPE = Recipe(pool=50, single=10, multi=10, seed=3)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 small videos at 24 fps; video n is brighter than video n - 1."""
    folder = tmp_path_factory.mktemp("videos")
    for n in range(60):
        frames = np.full((30, 16, 16, 3), 4 * n, np.uint8)
        save_video(Video(frames, np.arange(30) / 24), folder / f"sav_{n:06d}.mp4")
    return folder


def table(path: Path, count: int = 60, **changes: str) -> Path:
    rng = random.Random(1)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "caption", "category", "aesthetic", "motion", "motion-capable objects"])
        for n in range(count):
            objects = 1 + n // 10 % 2
            row = [
                f"sav_{n:06d}",
                f"Video {n}, it moves.",
                CATEGORIES[n % 10],
                rng.uniform(4, 6),
                rng.uniform(0, 5),
                objects,
            ]
            writer.writerow(row)
    for old, new in changes.items():
        path.write_text(path.read_text().replace(old, new, 1))
    return path


def ids(path: Path) -> list[str]:
    return [item["id"] for item in json.loads(path.read_text())]


def test_the_same_videos_on_every_run_and_balanced(videos: Path, tmp_path: Path) -> None:
    scores = table(tmp_path / "scores.csv")
    outs = [curate(videos, tmp_path / name, RECIPE, scores=scores) for name in ("a", "b")]
    for name in ("list.json", "provenance.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    chosen = json.loads(outs[0].read_text())
    assert [item["id"] for item in chosen] == sorted(item["id"] for item in chosen)
    assert Counter(item["subset"] for item in chosen) == {"single": 10, "multi": 10}
    for subset in ("single", "multi"):
        assert Counter(item["category"] for item in chosen if item["subset"] == subset) == dict.fromkeys(CATEGORIES, 1)
    lines = scores.read_text().splitlines()
    scores.write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n")
    assert ids(curate(videos, tmp_path / "c", RECIPE, scores=scores)) == ids(outs[0])
    other = Recipe(pool=50, single=10, multi=10, seed=4)
    assert ids(curate(videos, tmp_path / "d", other, scores=scores)) != ids(outs[0])


def test_the_list_is_a_dataset_and_its_provenance_is_whole(videos: Path, tmp_path: Path) -> None:
    path = curate(videos, tmp_path / "mine", RECIPE, scores=table(tmp_path / "scores.csv"))
    for name in (path, path.parent):
        data = load_dataset(name, data_root=videos)
        assert (data.name, len(data.cases)) == ("mine", 20)
    chosen = {item["id"]: item for item in json.loads(path.read_text())}
    for case in data.cases:
        said = chosen[case.id]
        assert (case.subset, case.caption, case.category) == (said["subset"], said["caption"], said["category"])
        assert case.caption == f"Video {int(case.id[4:])}, it moves."
    record = json.loads((path.parent / "provenance.json").read_text())
    assert record["recipe"] | {"score": "", "categories": []} == {
        "pool": 50, "single": 10, "multi": 10, "seed": 3, "score": "", "categories": [],
    }  # fmt: skip
    assert (record["candidates"], len(record["pool"]), record["models"]) == (60, 50, None)
    assert record["chosen"] == {case.id: t.cast(t.Any, case.reference).digest() for case in data.cases}
    assert set(record["chosen"]) <= set(record["pool"])
    assert str(tmp_path) not in json.dumps(record)


def test_videos_and_scores_that_do_not_fit(videos: Path, tmp_path: Path) -> None:
    warnings: list[str] = []
    some = Recipe(pool=50, single=5, multi=5)
    curate(videos, tmp_path / "a", some, scores=table(tmp_path / "few.csv", 40), warn=warnings.append)
    assert warnings == ["20 of 60 videos have no scores and are no candidates"]
    with pytest.raises(DataError, match="1 of 60 scored videos are not there: sav_000999"):
        curate(videos, tmp_path / "b", RECIPE, scores=table(tmp_path / "strange.csv", sav_000007="sav_000999"))
    with pytest.raises(DataError, match="there are no videos"):
        curate(tmp_path / "a", tmp_path / "b", RECIPE, scores=tmp_path / "few.csv")
    with pytest.raises(DataError, match="64 are wanted"):
        curate(videos, tmp_path / "b", Recipe(), scores=table(tmp_path / "all.csv"))


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("category,", "kind,", "row 1: there is no category"),
        (",Animal,", ",Dogs,", "row 1: category is none of Animal, "),
        ("sav_000001", "sav_000000", "'sav_000000' twice"),
        (",1\n", ",some\n", "row 1: motion_capable_objects"),
        (",1\n", ",-1\n", "row 1: motion_capable_objects"),
        (",1\n", ",1.5\n", "row 1: motion_capable_objects"),
        ('"Video 0, it moves."', '""', "row 1: caption"),
        ("aesthetic,motion,", "motion,motion,", "row 1: there is no aesthetic"),
    ],
)
def test_tables_that_are_refused(tmp_path: Path, old: str, new: str, word: str) -> None:
    path = table(tmp_path / "scores.csv")
    path.write_text(path.read_text().replace("\r\n", "\n").replace(old, new, 1))
    with pytest.raises(DataError, match=word) as caught:
        read_scores(path)
    assert "\n" not in caught.value.message


def test_names_of_objects_count_as_their_number(tmp_path: Path) -> None:
    path = tmp_path / "scores.json"
    row = {"id": "a/b.mp4", "caption": "C", "category": "digital_art", "aesthetic": 1, "motion": 2}
    path.write_text(json.dumps([row | {"motion_objects": ["dog", "ball"]}]))
    (item,) = read_scores(path)
    assert (item.id, item.category, item.objects, item.names, item.subset) == (
        "b", "Digital Art", 2, ("dog", "ball"), "multi",
    )  # fmt: skip


class Brightness:
    """Stands in for the networks: all that they say follows from the brightness of the pictures."""

    identity = "brightness"

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, pictures: t.Any, what: t.Any) -> t.Any:
        if isinstance(pictures, Clip):
            return float(pictures.video.frames.mean()) / 60
        self.asked += 1
        number = round(float(pictures.mean()) / 4)
        return {
            CAPTION: f' "Video {number}."\n',
            CATEGORY: f"It is {CATEGORIES[number % 10]}.",
            OBJECTS: "none" if number % 3 == 0 else "\n".join(f"{k + 1}. thing {k}" for k in range(number % 3)),
        }[what]


def models(brightness: Brightness) -> Models:
    return Models(brightness, brightness, brightness)


def test_models_are_asked_once_and_an_interrupted_run_goes_on(videos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    for path in sorted(videos.iterdir())[:9]:
        (folder / path.name).symlink_to(path)
    videos, some = folder, Recipe(pool=9, single=2, multi=2)
    brightness = Brightness()
    whole = curate(videos, tmp_path / "whole", some, models=lambda: models(brightness))
    assert brightness.asked == 9 * 4
    scores = read_scores(tmp_path / "whole" / "scores.jsonl")
    assert [(s.caption, s.category, s.objects) for s in scores[:3]] == [
        ("Video 0.", "Animal", 0), ("Video 1.", "Architecture", 1), ("Video 2.", "Digital Art", 2),
    ]  # fmt: skip
    seen: list[int] = []

    def interrupt(done: int, total: int) -> None:
        seen.append(done)
        if len(seen) == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        curate(videos, tmp_path / "cut", some, models=lambda: models(Brightness()), progress=interrupt)
    ledger = tmp_path / "cut" / "scores.jsonl"
    ledger.write_bytes(ledger.read_bytes()[:-7])  # the last line was cut off
    again = Brightness()
    cut = curate(videos, tmp_path / "cut", some, models=lambda: models(again))
    assert again.asked == (9 - 4) * 4
    for name in ("list.json", "provenance.json", "scores.jsonl"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "cut" / name).read_bytes()
    assert ids(curate(videos, tmp_path / "table", some, scores=ledger)) == ids(whole) == ids(cut)
    other = Brightness()
    other.identity = "other"
    with pytest.raises(ConfigError, match="scores of other models"):
        curate(videos, tmp_path / "cut", some, models=lambda: models(other))


def test_a_broken_video_is_no_candidate(videos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    for n in (1, 2):
        (folder / f"{n}.mp4").write_bytes((videos / f"sav_{n:06d}.mp4").read_bytes())
    (folder / "3.mp4").write_bytes(b"no video")
    warnings: list[str] = []
    both = Recipe(pool=9, single=1, multi=1)
    path = curate(folder, tmp_path / "out", both, models=lambda: models(Brightness()), warn=warnings.append)
    assert ids(path) == ["1", "2"]
    assert len(warnings) == 1 and warnings[0].startswith("3: ")


def test_what_the_models_see(tmp_path: Path) -> None:
    """Pictures: first, middle, last frame at one frame a second; motion: the start at eight."""
    frames = (
        np.repeat(np.arange(240, dtype=np.uint8)[:, None, None, None], 16, axis=1).repeat(16, axis=2).repeat(3, axis=3)
    )
    save_video(Video(frames, np.arange(240) / 24), tmp_path / "a.mp4")
    seen: dict[str, list[t.Any]] = {"caption": [], "clip": []}

    class Watch(Brightness):
        def __call__(self, pictures: t.Any, what: t.Any) -> t.Any:
            if isinstance(pictures, Clip):
                seen["clip"].append((pictures.video.frames[:, 0, 0, 0].tolist(), pictures.video.times.tolist()))
                return 1.0
            if what == CAPTION:
                seen["caption"].append(pictures[:, 0, 0, 0].tolist())
            return "a dog"

    describe(find_recordings(tmp_path)["a"], models(Watch()))
    assert np.allclose(seen["caption"], [[0, 120, 216], [0, 63, 126]], atol=2)  # frames 0 to 127 are 0 to 5.29 s
    pictures, motion = seen["clip"]
    assert pictures[1] == [0.0, 5.0, 9.0]
    assert len(motion[1]) == 64
    assert motion[1][:2] == [0.0, 0.125]


def test_answers() -> None:
    assert category_of("I would say **Digital Art**.") == "Digital Art"
    assert category_of("vehicles") == "Vehicles"
    assert category_of("animals") == "Animal"
    assert category_of("A plantation") == "Other"
    assert object_names("- left dog\n2) right dog.\n\n* ball\nleft dog") == ("left dog", "right dog", "ball")
    assert object_names("None.") == object_names("") == ()


def recording() -> Recording:
    return Recording("a", Path("a.mp4"), None)


def clip(frames: np.ndarray) -> Clip:
    times = np.arange(len(frames)) / 8
    return Clip(Video(frames, times), frames.shape[1:3], (0, 0, *frames.shape[1:3]), 1, 8.0)


def test_motion_is_the_mean_length_of_the_flow() -> None:
    uv = np.zeros((2, 4, 4, 2), np.float32)
    uv[0] = (3, 4)
    score = networks.MeanFlow("flow", lambda inputs, upstream: {"uv": uv})
    assert score(clip(np.zeros((3, 4, 4, 3), np.uint8)), recording()) == 2.5
    assert score(clip(np.zeros((1, 4, 4, 3), np.uint8)), recording()) == 0.0


def test_the_aesthetic_score_is_linear_in_the_normalised_embedding() -> None:
    rows = np.array([[3.0, 4.0], [0.0, 2.0]], np.float32)
    score = networks.Aesthetic("head", lambda inputs, upstream: {"frames": rows}, np.array([10.0, 5.0]), 1.0)
    assert score(clip(np.zeros((2, 4, 4, 3), np.uint8)), recording()) == pytest.approx((10 + 5) / 2 + 1)


def test_a_captioner_that_is_not_there(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    with pytest.raises(WeightsError, match="someone/captioner is not on this machine") as caught:
        networks.VisionLanguage.load("someone/captioner")
    assert "hf download someone/captioner" in caught.value.hint
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(WeightsError, match="is no vision-language model") as caught:
        networks.VisionLanguage.load(str(tmp_path))
    assert "\n" not in caught.value.message


def test_a_captioner_of_transformers(tmp_path: Path) -> None:
    from tiny_captioner import WORDS, save

    captioner = networks.VisionLanguage.load(str(save(tmp_path / "tiny")))
    seen: list[t.Any] = []
    tower = next(m for n, m in captioner._model.named_modules() if n.endswith("vision_tower"))
    tower.register_forward_pre_hook(
        lambda m, args, kwargs: seen.append((args or (kwargs["pixel_values"],))[0].shape), with_kwargs=True
    )
    pictures = np.random.default_rng(0).integers(0, 256, (3, 40, 60, 3), dtype=np.uint8)
    answer = captioner(pictures, "a dog moves")
    assert seen == [(3, 3, 32, 32)]
    assert answer and set(answer.split()) <= set(WORDS) - {"USER", "ASSISTANT"}
    assert captioner(pictures, "a dog moves") == answer
    assert captioner.identity.startswith("tiny ") and str(tmp_path) not in captioner.identity
    other = networks.VisionLanguage.load(str(save(tmp_path / "other" / "tiny")))
    assert other.identity == captioner.identity
    (tmp_path / "tiny" / "chat_template.jinja").write_text("{{ 1 }}")
    assert networks.VisionLanguage.load(str(tmp_path / "tiny")).identity != captioner.identity


def test_a_table_needs_no_network(videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def no_networks(name: str, *args: t.Any, **kwargs: t.Any) -> t.Any:
        assert name.partition(".")[0] not in ("torch", "transformers", "torchvision"), name
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_networks)
    curate(videos, tmp_path / "out", RECIPE, scores=table(tmp_path / "scores.csv"))


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "motionbench", "data", "curate", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_the_command_line(videos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    counts = ["--pool", "50", "--single", "10", "--multi", "10", "--seed", "3"]
    done = run(videos, "--out", out, "--scores", table(tmp_path / "scores.csv"), *counts)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{out / 'list.json'}\n"
    assert f"--dataset {out / 'list.json'} --data-root {videos}" in done.stderr
    assert ids(out / "list.json") == ids(curate(videos, tmp_path / "b", RECIPE, scores=tmp_path / "scores.csv"))
    done = run(videos, "--out", tmp_path / "c", "--weights-dir", tmp_path / "none", "--quiet")
    assert done.returncode == 3, done.stderr
    assert done.stderr.startswith("error: 3 of the weights that this run needs cannot be used")
    assert "weights fetch aesthetic-l14" in done.stderr
    assert done.stdout == ""


@pytest.mark.slow
def test_the_networks_with_random_weights(videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CLIP ViT-L/14 and RAFT large are built, filled and run; only the captioner is left out."""
    pytest.importorskip("open_clip")
    from motionbench.weights.random import make_random

    assert make_random(tmp_path / "weights", [networks.HEAD, *networks.BACKENDS.values()]) == []
    monkeypatch.setattr(networks.VisionLanguage, "load", lambda name, device: Brightness())
    loaded = networks.load_models("none", tmp_path / "weights")
    assert networks.HEAD not in loaded.identity["aesthetic"] and "clip-l14" in loaded.identity["aesthetic"]
    noise = np.random.default_rng(0).integers(0, 256, (2, 128, 128, 3), dtype=np.uint8)
    scores = [loaded.aesthetic(clip(noise), recording()), loaded.motion(clip(noise), recording())]
    assert np.isfinite(scores).all() and scores[1] > 0
    still = loaded.aesthetic(clip(noise[:1].repeat(2, axis=0)), recording())
    assert still == pytest.approx(loaded.aesthetic(clip(noise[:1]), recording()), rel=1e-5)
