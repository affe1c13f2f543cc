"""Estimates as text: rounding, escaping, notes."""

import csv
import dataclasses
import io
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motionbench import report
from motionbench.errors import ConfigError
from motionbench.report import labels, numbers, table
from motionbench.results import read_run
from motionbench.types import Estimate


def estimate(value, low=None, high=None, se=None, **details):
    return Estimate("m", "b", "all", value, "", "none", 9, 9, low, high, se, "", "ok", "", details)


@pytest.mark.parametrize(
    ("given_estimate", "expected"),
    [
        (estimate(0.71234, 0.65, 0.77), ("0.712", "[0.650, 0.770]")),
        (estimate(1234.5, 1000.0, 1460.0), ("1230", "[1000, 1460]")),
        (estimate(0.5, 0.5, 0.5), ("0.500", "")),
        (estimate(-0.0001, -0.12, 0.12), ("0.00", "[-0.12, 0.12]")),
        (estimate(3.14159, se=0.5), ("3.14", "± 0.50")),
        (estimate(3.14159, se=0.0), ("3.14", "")),
        (estimate(4.0), ("4", "")),
        (estimate(1e-9, se=1e-10), ("1.00e-9", "± 0.10e-9")),
        (estimate(3.5e-5, 2.5e-5, 4.5e-5), ("3.5e-5", "[2.5e-5, 4.5e-5]")),
        (estimate(2.5e7, se=1e6), ("2.50e7", "± 0.10e7")),
        (estimate(None), ("", "")),
    ],
)
def test_rounding_by_hand(given_estimate, expected):
    assert numbers.split(given_estimate) == expected


@given(st.floats(-1e6, 1e6), st.floats(1e-4, 1e5))
def test_rounding_is_never_finer_than_the_interval_nor_wrong_by_more_than_a_tenth_of_it(value, half):
    shown, _ = numbers.split(estimate(value, value - half, value + half))
    assert abs(float(shown) - value) <= 0.1 * half + 0.51e-3 * abs(value)  # four digits at the most
    mantissa, _, power = shown.partition("e")
    decimals = len(mantissa.partition(".")[2]) - int(power or 0)
    assert 10.0**-decimals >= half * 0.0099 or decimals == 0


@given(st.floats(-1e9, 1e9, allow_subnormal=False))
def test_plain_numbers_keep_three_digits(value):
    assert math.isclose(float(numbers.plain(value)), value, rel_tol=0.0051, abs_tol=1e-12)


def test_what_is_round_off_is_shown_as_nothing():
    assert numbers.split(estimate(-4e-14, se=3e-13)) == ("0", "")
    assert numbers.split(estimate(0.9999999972, 0.9999999935, 0.9999999991)) == ("1.0000", "[1.0000, 1.0000]")


def test_numbers_in_print():
    assert numbers.typeset("-3.5e-12") == "−3.5×10⁻¹²"
    line = table.Line("m", "b", {"all": estimate(-3.5e-5, -4.5e-5, -2.5e-5, reference=1e-5)})
    cells = table._cells(table.Sheet(("all",), (line,), (), True), line, r"\textsuperscript{{{}}}")
    assert cells[0] == r"$-$3.5$\times10^{-5}$ [$-$4.5$\times10^{-5}$, $-$2.5$\times10^{-5}$]"
    assert cells[1] == r"1.0$\times10^{-5}$"


def test_anchor_is_as_fine_as_its_estimate():
    assert numbers.anchor(estimate(3.14159, 2.5, 3.9, reference=2.95123)) == "2.95"
    assert numbers.anchor(estimate(3.14159)) == ""


def test_order_backend_subsets_and_notes(example):
    sheet = table.sheet(read_run(example))
    assert [line.name for line in sheet.lines] == ["survival[lk]", "flicker[frames]", "fvd[descriptor]", "ad[dis]"]
    assert sheet.subsets == ("all", "single", "multi")
    assert sheet.notes == ("failed or missing in 2 of 20 cases (<b>bad</b> file)", "no reference videos")
    assert sheet.mark(sheet.lines[2].cells["all"]) == 2
    assert labels.order("fvd_split") < labels.order("fvd")


def test_no_number_of_a_lite_backend_stands_without_it(example):
    for form in ("table", "md", "csv", "tex"):
        text = report.render(example, form)
        assert not re.search(r"\bfvd\b(?!\\?\[|,descriptor|, )", text), form


def test_markdown_has_no_markup_of_strangers(example):
    text = report.render(example, "md")
    assert "<script" not in text
    assert "<b>" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {7}
    assert "| n/a<sup>2</sup> |" in text
    assert "2. no reference videos" in text


def test_latex_compiles_in_principle(example):
    text = report.render(example, "tex")
    body = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    assert body.count("{") == body.count("}")
    assert not re.search(r"(?<!\\)[#_%~^]", body)
    for row in re.findall(r"^(?:survival|flicker|ad|fvd).*$", body, re.M):
        assert row.count("&") == 5
        assert row.endswith(r"\\")
    assert r"$\pm$ 0.050\textsuperscript{1}" in body
    assert "\\toprule" in body


def test_csv_is_complete_and_exact(example):
    rows = list(csv.DictReader(io.StringIO(report.render(example, "csv"))))
    assert len(rows) == 12
    ad = next(row for row in rows if row["metric"] == "ad" and row["subset"] == "all")
    assert float(ad["value"]) == 3.14159
    assert float(ad["reference"]) == 2.95
    fvd = next(row for row in rows if row["metric"] == "fvd")
    assert (fvd["value"], fvd["status"], fvd["expected"]) == ("", "not_applicable", "20")


def test_terminal_table_fits_and_says_what_is_wrong(example):
    text = report.render(example, "table", width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert "partial, not official: missing videos were allowed" in text
    assert "18/20" in text
    assert "\x1b" not in text
    assert "\x1b" in report.render(example, "table", colour=True)


def named(example, monkeypatch, metric, backend):
    """The made-up run with another metric and backend in the place of survival[lk]."""
    run = read_run(example)
    made = [
        dataclasses.replace(e, metric=metric, backend=backend) if e.metric == "survival" else e for e in run.estimates
    ]
    object.__setattr__(run, "estimates", tuple(made))
    monkeypatch.setattr(report, "read_run", lambda folder: run)


@pytest.mark.parametrize("width", [60, 80])
def test_a_long_backend_stands_below_the_terminal_table(example, monkeypatch, width):
    named(example, monkeypatch, "tmr", "carried+lk-windows+patch-appearance")
    text = report.render(example, "table", width=width)
    assert max(map(len, text.splitlines())) <= width
    assert re.search(r"^ tmr\[…\] ↑ +0\.71", text, re.M)
    assert "[…] is carried+lk-windows+patch-appearance: tmr\n" in text
    assert re.search(r"^ flicker\[frames\] ↓ ", text, re.M)
    assert ("single, multi: not shown, the terminal is too narrow" in text) == (width == 60)
    wide = report.render(example, "table", width=120)
    assert "tmr[carried+lk-windows+patch-appearance] ↑" in wide and "[…]" not in wide


def test_a_name_without_room_breaks_between_its_words(example, monkeypatch):
    named(example, monkeypatch, "vbench_subject_consistency_of_all", "dino")
    lines = report.render(example, "table", width=60).splitlines()
    found = next(i for i, line in enumerate(lines) if line.startswith(" vbench_"))
    assert [line.split()[0] for line in lines[found : found + 2]] == ["vbench_subject_", "consistency_of_all[…]"]


@pytest.mark.parametrize("form", report.FORMATS)
def test_no_column_for_real_videos_where_there_are_none(example, tmp_path, form):
    text = (example / "run.json").read_text().replace('"reference": 2.95', '"other": 1')
    (tmp_path / "run.json").write_text(text)
    assert "real" in report.render(example, form) or form == "csv"
    assert "real" not in report.render(tmp_path, form)


def test_unknown_format(example):
    with pytest.raises(ConfigError, match="no table format 'pdf'"):
        report.render(example, "pdf")


def test_a_subset_that_is_the_whole_set_is_one_column(example):
    run = read_run(example)
    only = run.identity.dataset.model_copy(update={"subsets": {"single": 20, "multi": 0}})
    changed = run.identity.model_copy(update={"dataset": only})
    object.__setattr__(run, "identity", changed)
    assert table.sheet(run).subsets == ("all", "multi")
