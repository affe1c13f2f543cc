"""The artefact store: what goes in comes out, bit by bit, and nothing half-written is ever seen."""

from __future__ import annotations

import os
import stat

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from motionbench.cache import Cache, digest, write_atomically

KEY = digest({"a": 1})


@given(
    hnp.arrays(
        st.sampled_from([np.float32, np.float64, np.uint8, np.int64, np.bool_]),
        hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=9),
    )
)
def test_arrays_come_back_bit_by_bit(tmp_path_factory, array):
    cache = Cache(tmp_path_factory.mktemp("cache"))
    cache.put(KEY, {"x": array}, {"note": "é", "n": 1.1})
    arrays, value = cache.get(KEY)
    assert arrays["x"].dtype == array.dtype
    assert arrays["x"].shape == array.shape
    assert arrays["x"].tobytes() == array.tobytes()
    assert value == {"note": "é", "n": 1.1}


def test_absent_and_damaged_entries_are_misses(tmp_path):
    cache = Cache(tmp_path)
    assert cache.get(KEY) is None
    cache.put(KEY, {"x": np.arange(1000.0)})
    (path,) = tmp_path.glob("*/*.safetensors")
    path.write_bytes(path.read_bytes()[:-100])
    assert cache.get(KEY) is None
    assert not path.exists()
    path.write_bytes(b"not a safetensors file")
    assert cache.get(KEY) is None
    assert (cache.hits, cache.misses) == (0, 3)


def test_a_failed_write_leaves_no_part_behind(tmp_path, monkeypatch):
    target = tmp_path / "file"
    target.write_bytes(b"old")
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("no space")))
    with pytest.raises(OSError, match="no space"):
        write_atomically(target, b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert target.read_bytes() == b"old"


def test_an_unwritable_cache_is_reported_once_and_no_error(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    cache = Cache(blocked)
    cache.put(KEY, {"x": np.zeros(3)})
    assert "cannot be written" in cache.trouble
    cache.put(KEY, {"x": np.zeros(3)})


def test_sweep_removes_only_old_temporary_files(tmp_path):
    old, new, entry = tmp_path / "ab" / ".tmp-old", tmp_path / "ab" / ".tmp-new", tmp_path / "ab" / "c.safetensors"
    for path in (old, new, entry):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    os.utime(old, (0, 0))
    os.utime(entry, (0, 0))
    Cache(tmp_path).sweep()
    assert (old.exists(), new.exists(), entry.exists()) == (False, True, True)


def test_digest_depends_on_content_alone():
    assert digest({"a": 1, "b": [1.5, None]}) == digest({"b": [1.5, None], "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    with pytest.raises(ValueError, match="not JSON compliant"):
        digest({"a": float("nan")})


def test_entries_are_ordinary_readable_files(tmp_path):
    cache = Cache(tmp_path)
    cache.put(KEY, {"x": np.zeros(3)})
    (path,) = tmp_path.glob("*/*.safetensors")
    assert stat.S_IMODE(path.stat().st_mode) & stat.S_IRUSR
