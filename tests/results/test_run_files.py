"""run.json, cases.jsonl and timing.json: written canonically, read strictly."""

import dataclasses
import hashlib
import json
import subprocess
import sys

import numpy as np
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionbench import canonical, results, types
from motionbench.errors import ConfigError, DataError, SchemaError

SHA = "0" * 64
IDENTITY = {
    "system": {"name": "S", "kind": "videos", "source": "", "options": {}},
    "dataset": {
        "name": "d",
        "version": "1",
        "manifest_sha256": SHA,
        "cases": 2,
        "subsets": {"single": np.int64(1), "multi": 1},
    },
    "profile": {"name": "lite", "sha256": SHA},
    "protocol": dataclasses.asdict(types.Protocol()),
    "metrics": {"ad": {"version": 1, "backend": "dis", "recipes": {"dis": 1}, "weights_sha256": None}},
    "seed": 0,
    "versions": {"motionbench": "0.1"},
}
TIMING = {
    "created": "2025-01-01T00:00:00Z",
    "seconds": {
        "decode": 1,
        "generate": 0,
        "backends": {"dis": 2.5},
        "metrics": 0.1,
        "statistics": 0.2,
        "report": 0,
        "total": 4,
    },
    "decoded_videos": 2,
    "cache": {"hits": 0, "misses": 2},
    "host": {"cpus": 2, "cache": "/tmp/x"},
}


def estimate(**changes):
    base = {
        "metric": "ad",
        "backend": "dis",
        "subset": "all",
        "value": 1.5,
        "unit": "px/frame",
        "direction": "none",
        "n": 2,
        "expected": 2,
        "low": None,
        "high": None,
        "se": None,
        "method": "",
        "status": "ok",
        "reason": "",
        "details": {"reference": 1.25, "dimension": None},
    }
    return types.Estimate(**{**base, **changes})


def row(case="a", metric="ad", **changes):
    base = {"case_id": case, "subset": "single", "metric": metric, "status": "ok", "values": {"value": 1.0}, "note": ""}
    return types.Row(**{**base, **changes})


def a_run(rows=None, estimates=None, **changes):
    base = {
        "identity": IDENTITY,
        "estimates": tuple(estimates if estimates is not None else [estimate(subset=s) for s in ("multi", "all")]),
        "rows": tuple(rows if rows is not None else [row("b"), row("a")]),
        "status": "complete",
        "official": False,
        "reasons": ("--limit 2",),
    }
    return types.Run(**{**base, **changes})


def edit(folder, change):
    """Apply `change` to the parsed run.json and write it back."""
    path = folder / "run.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def test_round_trip(tmp_path):
    run = a_run()
    results.write_run(run, tmp_path / "deep" / "er")
    read = results.read_run(tmp_path / "deep" / "er")
    assert read == results.read_run(tmp_path / "deep" / "er" / "run.json")
    assert read.estimates == (estimate(subset="all"), estimate(subset="multi"))
    assert list(read.rows()) == [row("a"), row("b")]
    assert (read.status, read.official, read.reasons) == ("complete", False, ("--limit 2",))
    assert read.identity.dataset.subsets == {"single": 1, "multi": 1}


@given(st.permutations(range(6)), st.permutations(range(3)))
def test_order_of_rows_and_estimates_does_not_change_a_byte(tmp_path_factory, rows, order):
    every = [row(case, metric) for case in ("a", "b", "ü") for metric in ("ad", "fvd")]
    estimates = [estimate(subset=s) for s in results.SUBSETS]
    one, two = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    results.write_run(a_run(every, estimates), one)
    results.write_run(a_run([every[i] for i in rows], [estimates[i] for i in order]), two)
    for name in ("run.json", "cases.jsonl"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_numpy_scalars_become_numbers_and_arrays_are_dropped(tmp_path):
    values = {
        "value": np.float32(0.5),
        "n": np.int64(3),
        "zero_d": np.array(2.0),
        "flag": np.bool_(True),
        "embedding": np.zeros(3),
        "objects": [{"object_id": np.int64(1), "value": np.float64(0.1), "curve": np.zeros(2)}],
    }
    results.write_run(a_run([row(values=values)]), tmp_path)
    (line,) = (tmp_path / "cases.jsonl").read_text().splitlines()
    assert json.loads(line)["values"] == {
        "value": 0.5,
        "n": 3,
        "zero_d": 2.0,
        "flag": True,
        "objects": [{"object_id": 1, "value": 0.1}],
    }


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, np.float32("nan"), np.array(np.nan)])
def test_nan_is_never_written(tmp_path, bad):
    with pytest.raises(ValueError, match=r"case 'a', metric 'ad'.values.objects\[0\].x is"):
        results.write_run(a_run([row(values={"objects": [{"x": bad}]})]), tmp_path)
    with pytest.raises(ValueError, match="null and a reason"):
        results.write_run(a_run(estimates=[estimate(value=bad)]), tmp_path)
    assert not list(tmp_path.glob("*.tmp"))
    assert not (tmp_path / "run.json").exists()


def test_two_rows_of_one_case_and_metric_are_a_bug(tmp_path):
    with pytest.raises(ValueError, match="two rows for case 'a'"):
        results.write_run(a_run([row(), row()]), tmp_path)


def test_identity_is_checked_when_written(tmp_path):
    with pytest.raises(pydantic.ValidationError):
        results.write_run(a_run(identity={**IDENTITY, "extra": 1}), tmp_path)


def test_hostile_names_survive(tmp_path):
    names = ["<script>alert(1)</script>", 'a "b" \\ c', "عربي‮", "line\nbreak sep", "\udcff.mp4"]
    results.write_run(a_run([row(name) for name in names]), tmp_path)
    found = [r.case_id for r in results.read_run(tmp_path).rows()]
    assert set(found) == {*names[:-1], "\\udcff.mp4"}


def test_format_is_canonical(tmp_path):
    results.write_run(a_run(), tmp_path)
    text = (tmp_path / "run.json").read_bytes()
    data = json.loads(text)
    assert text == (json.dumps(data, sort_keys=True, indent=2, ensure_ascii=False) + "\n").encode()
    assert data["cases_sha256"] == hashlib.sha256((tmp_path / "cases.jsonl").read_bytes()).hexdigest()
    assert "timing" not in text.decode()


def test_timing_round_trip_and_strictness(tmp_path):
    results.write_timing(TIMING, tmp_path)
    assert results.read_timing(tmp_path).seconds.backends == {"dis": 2.5}
    with pytest.raises(pydantic.ValidationError):
        results.write_timing({**TIMING, "more": 1}, tmp_path)


BREAKS = {
    "foreign schema": (lambda d: d.update(schema="other/9"), "has the schema 'other/9'; this version reads"),
    "no schema": (lambda d: d.pop("schema"), "names no schema"),
    "unknown field": (lambda d: d.update(more=1), "more: Extra inputs are not permitted"),
    "missing field": (lambda d: d.pop("official"), "official: Field required"),
    "wrong type": (lambda d: d["estimates"][0].update(n="2"), "estimates.0.n: Input should be a valid integer"),
    "bool as number": (lambda d: d["estimates"][0].update(value=True), "estimates.0.value"),
    "negative count": (lambda d: d["estimates"][0].update(n=-1), "estimates.0.n"),
    "bad hash": (lambda d: d.update(cases_sha256="x"), "cases_sha256"),
    "bad status": (lambda d: d.update(status="done"), "status"),
    "nested unknown": (lambda d: d["identity"]["system"].update(x=1), "identity.system.x"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_run_file_is_one_line(tmp_path, name):
    change, message = BREAKS[name]
    results.write_run(a_run(), tmp_path)
    edit(tmp_path, change)
    with pytest.raises(SchemaError) as caught:
        results.read_run(tmp_path)
    assert message in caught.value.message
    assert "\n" not in caught.value.message


TEXTS = {
    "truncated": b'{"schema": "motionbench.run/1", "sta',
    "empty": b"",
    "list": b"[]",
    "nan": b'{"schema": NaN}',
    "infinity": b'{"a": -Infinity}',
    "overflow": b'{"a": 1e999}',
    "repeated key": b'{"schema": "x", "schema": "motionbench.run/1"}',
    "not utf-8": b'{"a": "\xff"}',
    "surrogate": b'{"schema": "\\ud800"}',
    "surrogate key": b'{"\\ud800": 1}',
    "deep": b"[" * 100_000,
    "huge integer": b'{"a": ' + b"9" * 10_000 + b"}",
    "control characters": b'{"schema": "\\u001b[31m\\n"}',
}


@pytest.mark.parametrize("name", TEXTS)
def test_broken_json_is_one_line(tmp_path, name):
    (tmp_path / "run.json").write_bytes(TEXTS[name])
    with pytest.raises(SchemaError) as caught:
        results.read_run(tmp_path)
    assert caught.value.message.isprintable()


def test_missing_files(tmp_path):
    with pytest.raises(DataError, match=r"run\.json"):
        results.read_run(tmp_path)
    results.write_run(a_run(), tmp_path)
    (tmp_path / "cases.jsonl").unlink()
    with pytest.raises(DataError, match=r"cases\.jsonl"):
        list(results.read_run(tmp_path).rows())


def test_changed_rows_are_noticed_before_the_first_is_used(tmp_path):
    results.write_run(a_run(), tmp_path)
    path = tmp_path / "cases.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"value":1.0', b'"value":9.0'))
    with pytest.raises(SchemaError, match="sha256 differs"):
        next(results.read_run(tmp_path).rows())


@pytest.mark.parametrize(
    ("lines", "message"),
    [(["b", "a"], "not sorted"), (["a", "a"], "comes twice"), (["a", "!"], "line 2 is no valid JSON")],
)
def test_rows_must_be_sorted_unique_and_whole(tmp_path, lines, message):
    results.write_run(a_run([row()]), tmp_path)
    path = tmp_path / "cases.jsonl"
    line = path.read_bytes()
    path.write_bytes(b"".join(b"{\n" if c == "!" else line.replace(b'"a"', f'"{c}"'.encode()) for c in lines))
    edit(tmp_path, lambda d: d.update(cases_sha256=hashlib.sha256(path.read_bytes()).hexdigest()))
    with pytest.raises(SchemaError, match=message):
        list(results.read_run(tmp_path).rows())


def test_unwritable_place_is_a_config_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot write"):
        results.write_run(a_run(), tmp_path / "file")


def test_a_full_disk_leaves_the_old_file(tmp_path):
    def chunks():
        yield b"new"
        raise OSError(28, "No space left on device")

    canonical.write_atomic(tmp_path / "x", [b"old"])
    with pytest.raises(ConfigError, match="No space left"):
        canonical.write_atomic(tmp_path / "x", chunks())
    assert (tmp_path / "x").read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=10,
)  # fmt: skip


@given(json_values)
def test_dump_is_a_fixed_point(value):
    data = canonical.dump(canonical.plain(value, "x"), indent=None)
    assert canonical.dump(json.loads(data), indent=None) == data
    assert data.count(b"\n") == 1


def test_results_needs_neither_torch_nor_run():
    code = (
        "import sys, motionbench.results; "
        "print([m for m in ('torch', 'cv2', 'pandas', 'motionbench.run') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
