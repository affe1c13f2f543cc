"""A made-up run in a folder, with small videos, hostile names and every kind of row."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from motionbench import results, types
from motionbench.canonical import dump, write_atomic
from motionbench.report import media
from motionbench.video import encode_preview

SHA = "ab" * 32
HOSTILE = {
    "script": "<script>alert(1)</script>",
    "closing": '</script><img src=x onerror="alert(2)">',
    "quotes": "a \"b\" 'c' & d",
    "arabic": "حصان يركض\u202e exe.txt",
    "latex": r"\input{/etc/passwd} 100% $x_1$ #1 ~^",
    "markdown": "| a | `b` [x](javascript:alert(1)) **c**",
    "template": "{{ 7*7 }}{% raw %}",
    "lines": "one\ntwo\u2028three",
    "control": "\x1b[31mred\x07",
}
FRAMES, HEIGHT, WIDTH = 6, 36, 48


@dataclass(frozen=True)
class Finished:
    """Stands for what the run engine knows of a finished case."""

    case_id: str
    match: types.InputMatch | None
    media: dict


def estimate(metric, backend, subset, value, **changes):
    base = {
        "metric": metric,
        "backend": backend,
        "subset": subset,
        "value": value,
        "unit": "",
        "direction": "higher",
        "n": 20,
        "expected": 20,
        "low": None,
        "high": None,
        "se": None,
        "method": "",
        "status": "ok",
        "reason": "",
        "details": {},
    }
    return types.Estimate(**{**base, **changes})


def estimates():
    boot = "95 % bootstrap over cases"
    for subset, n in (("all", 20), ("single", 10), ("multi", 10)):
        count = {"n": n, "expected": n}
        yield estimate("survival", "lk", subset, 0.71234, low=0.65, high=0.77, method=boot, **count)
        yield estimate(
            "ad",
            "dis",
            subset,
            3.14159,
            low=2.5,
            high=3.9,
            direction="none",
            unit="px/frame",
            details={"reference": 2.95},
            method=boot,
            **count,
        )
        yield estimate(
            "flicker",
            "frames",
            subset,
            1.234,
            se=0.05,
            direction="lower",
            n=n - 2,
            expected=n,
            status="incomplete",
            reason="failed or missing in 2 of 20 cases (<b>bad</b> file)",
        )
        yield estimate(
            "fvd",
            "descriptor",
            subset,
            None,
            direction="lower",
            status="not_applicable",
            reason="no reference videos",
            n=0,
            expected=n,
        )


def case_ids():
    return [*HOSTILE.values(), *(f"plain-{i:02d}" for i in range(11))]


def rows(ids):
    for i, case in enumerate(ids):
        subset = "single" if i % 2 else "multi"
        objects = [{"object_id": k, "value": 0.1 * k, "jerk": None} for k in (1, 2)]
        values = {"value": 0.4 + 0.03 * i, "reference": 0.9, "windows": 4, "objects": objects}
        yield types.Row(case, subset, "survival", "ok", values)
        yield types.Row(case, subset, "ad", "ok", {"value": float((7 * i) % 20), "reference": 2.0})
        if i in (3, 4):
            yield types.Row(case, subset, "flicker", "failed", {}, 'cannot decode: "<b>bad</b>" file')
        else:
            yield types.Row(case, subset, "flicker", "ok", {"value": 1e-5 * ((3 * i) % 20)})
        yield types.Row(case, subset, "fvd", "not_applicable", {}, "no reference videos")


def identity(name):
    return {
        "system": {"name": name, "kind": "videos", "source": "", "options": {"path": HOSTILE["closing"]}},
        "dataset": {
            "name": HOSTILE["quotes"],
            "version": "1",
            "manifest_sha256": SHA,
            "cases": 20,
            "subsets": {"single": 10, "multi": 10},
        },
        "profile": {"name": "lite", "sha256": SHA},
        "protocol": dataclasses.asdict(types.Protocol()),
        "metrics": {
            m: {"version": 1, "backend": b, "recipes": {}, "weights_sha256": None}
            for m, b in (("survival", "lk"), ("ad", "dis"), ("flicker", "frames"), ("fvd", "descriptor"))
        },
        "seed": 3,
        "versions": {"motionbench": "0.1"},
    }


def clip(seed):
    """A square on noise that moves to the right: video, masks [1, T, H, W], tracks."""
    rng = np.random.default_rng(seed)
    frames = np.repeat(rng.integers(0, 90, (1, HEIGHT, WIDTH, 3)), FRAMES, axis=0).astype(np.uint8)
    masks = np.zeros((2, FRAMES, HEIGHT, WIDTH), bool)
    for t in range(FRAMES):
        masks[0, t, 8:20, 4 + 3 * t : 16 + 3 * t] = True
        masks[1, t, 24:34, 30 - 2 * t : 40 - 2 * t] = True
        frames[t][masks[0, t]] = (220, 120, 40)
        frames[t][masks[1, t]] = (60, 140, 220)
    at = np.arange(FRAMES)
    xy = np.stack([np.stack([10 + 3 * at, np.full(FRAMES, 14)], -1), np.stack([35 - 2 * at, np.full(FRAMES, 29)], -1)])
    visible = np.ones((2, FRAMES), bool)
    visible[1, 2] = False
    return types.Video(frames, np.arange(FRAMES) / 8), masks, xy.astype(np.float32), visible


def write_side(folder, case, side, seed):
    """What the run engine leaves of one video."""
    video, masks, xy, visible = clip(seed)
    base = f"{media.media_name(case)}-{side[0]}"
    packed = media.overlay(
        (HEIGHT, WIDTH),
        video.times,
        masks=masks,
        object_ids=np.array([1, 2]),
        tracks_xy=xy,
        tracks_visible=visible,
        tracks_object_ids=np.array([1, 2]),
    )
    write_atomic(folder / f"{base}.mp4", [encode_preview(video)])
    write_atomic(folder / f"{base}.json", [dump(packed, indent=None)])
    return {"video": f"{base}.mp4", "overlay": f"{base}.json"}


def write_example(out: Path, name=HOSTILE["script"]) -> Path:
    """Write a whole run into `out`."""
    ids = case_ids()
    outcomes, cases = [], []
    for i, case in enumerate(ids):
        sides = ("generated", "reference") if i % 3 else ("generated",)
        found = {side: write_side(out / "media", case, side, i) for side in sides} if i != 4 else {}
        outcomes.append(Finished(case, types.InputMatch(1.0, 0.0, 2.5, 0.87), found))
        objects = (types.Object(1, HOSTILE["script"], "a"), types.Object(2, "blue square", "b"))
        picture = SimpleNamespace()
        subset = "single" if i % 2 else "multi"
        cases.append(types.Case(case, subset, "", f"caption of {case}", "", HOSTILE["arabic"], objects, picture))
    run = types.Run(
        identity(name), tuple(estimates()), tuple(rows(ids)), "partial", False, ("missing videos were allowed",)
    )
    results.write_run(run, out)
    media.write_index(out, cases, outcomes)
    return out


@pytest.fixture(scope="session")
def example(tmp_path_factory) -> Path:
    """The made-up run's folder."""
    return write_example(tmp_path_factory.mktemp("run") / "it's a #1 ? folder")
