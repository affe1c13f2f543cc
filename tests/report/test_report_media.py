"""Overlays and the media index."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from motionbench.errors import SchemaError
from motionbench.report import media


def decode(runs, shape):
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return flat.reshape(shape)


@given(hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12)))
def test_run_lengths_are_exact(mask):
    runs = media.run_lengths(mask)
    assert np.array_equal(decode(runs, mask.shape), mask)
    assert all(isinstance(run, int) for run in runs)
    assert all(run > 0 for run in runs[1:])


def test_run_lengths_by_hand():
    assert media.run_lengths(np.array([[False, True, True], [True, False, True]])) == [1, 3, 1, 1]
    assert media.run_lengths(np.array([[True, False]])) == [0, 1, 1]
    assert media.run_lengths(np.zeros((2, 3), bool)) == [6]


def tracks(object_ids, frames=3):
    n = len(object_ids)
    return {
        "tracks_xy": np.arange(n * frames * 2, dtype=np.float32).reshape(n, frames, 2) / 3,
        "tracks_visible": np.ones((n, frames), bool),
        "tracks_object_ids": np.array(object_ids),
    }


def test_overlay_is_json_of_its_schema():
    given_tracks = tracks([1, 0])
    given_tracks["tracks_visible"][0, 1] = False
    given_tracks["tracks_xy"][1, 2] = np.nan
    packed = media.overlay(
        (4, 5),
        np.array([0, 1 / 24, 2 / 24]),
        masks=np.zeros((1, 3, 4, 5), bool),
        object_ids=np.array([1]),
        **given_tracks,
    )
    text = json.dumps(packed, allow_nan=False)
    media.Overlay.model_validate(json.loads(text))
    assert packed["tracks"]["xy"] == [[[0.0, 0.3], None, [1.3, 1.7]], [[2.0, 2.3], [2.7, 3.0], None]]
    assert packed["masks"] == [[[20]], [[20]], [[20]]]


def test_overlay_without_anything():
    packed = media.overlay((4, 5), np.array([0.0]))
    assert packed["masks"] is None
    assert packed["tracks"] is None


@settings(max_examples=50)
@given(st.lists(st.integers(0, 4), max_size=200))
def test_tracks_are_thinned_evenly(object_ids):
    packed = media.overlay((4, 5), np.arange(3.0), **tracks(object_ids))
    kept = packed["tracks"]["object_ids"]
    assert len(kept) == min(len(object_ids), media.MAX_TRACKS)
    for i in set(object_ids):
        fair = media.MAX_TRACKS // len(set(object_ids))
        assert kept.count(i) >= min(object_ids.count(i), fair)


@pytest.mark.parametrize("wrong", ["masks", "tracks_visible"])
def test_shapes_must_fit(wrong):
    arrays = {"masks": np.zeros((1, 3, 4, 5), bool), "object_ids": np.array([1]), **tracks([1])}
    arrays[wrong] = arrays[wrong][:, :2]
    with pytest.raises(ValueError, match="shape"):
        media.overlay((4, 5), np.arange(3.0), **arrays)


def test_media_names_are_safe_and_distinct():
    names = ["a", "A", "../../etc/passwd", "\udcff", "x" * 5000, ""]
    found = {media.media_name(name) for name in names}
    assert len(found) == len(names)
    assert all(media.Sides(generated=f"{base}-g.mp4", reference=None) for base in found)


def test_index_round_trip_and_cases_without_media(example):
    found = media.read_index(example)
    assert [entry.case_id for entry in found] == sorted(entry.case_id for entry in found)
    assert len(found) == 20
    assert [entry.case_id for entry in found if entry.generated is None] == ["\\input{/etc/passwd} 100% $x_1$ #1 ~^"]


def test_no_index_is_no_media(tmp_path):
    assert media.read_index(tmp_path) == ()


@pytest.mark.parametrize("name", ["../run.json", "m-0123456789ab-g.mp4/x", "m-0123456789ab-g.html", "/etc/passwd"])
def test_the_index_cannot_name_other_files(tmp_path, name):
    case = SimpleNamespace(id="a", caption="", motion_prompt="", objects=())
    media.write_index(tmp_path, [case], [])
    path = tmp_path / "media" / "index.json"
    data = json.loads(path.read_text())
    data["cases"][0]["generated"] = name
    path.write_text(json.dumps(data))
    with pytest.raises(SchemaError, match="generated"):
        media.read_index(tmp_path)
