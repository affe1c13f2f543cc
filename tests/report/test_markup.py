"""Text from strangers stays text in Markdown, LaTeX and CSV."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from motionbench.canonical import show
from motionbench.markup import csv_table, latex, latex_grid, markdown, markdown_grid

TEXT = st.text(st.sampled_from("ab1 _*`~[]()<>|\\!#&;$^{}%\"'.:/@=-+\n\té名\u202e"), max_size=30) | st.text(max_size=30)


@given(TEXT)
def test_markdown_text_is_only_text(text: str) -> None:
    (inline,) = [token for token in MarkdownIt("commonmark").parse(f"x{markdown(text)}x") if token.type == "inline"]
    assert {child.type for child in inline.children or []} <= {"text", "text_special"}
    assert "".join(child.content for child in inline.children or []) == f"x{show(text, 400).strip()}x"


@given(TEXT | TEXT.map("- ".__add__) | TEXT.map("1. ".__add__) | TEXT.map("    ".__add__))
def test_a_line_of_markdown_text_starts_nothing(text: str) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(f"- {markdown(text)}\n- next")
    kinds = {token.type for token in tokens}
    assert kinds <= {
        f"{what}_{end}" for what in ("bullet_list", "list_item", "paragraph") for end in ("open", "close")
    } | {"inline"}
    assert [token.type for token in tokens].count("list_item_open") == 2


@given(TEXT, TEXT)
def test_a_markdown_cell_stays_one_cell(one: str, other: str) -> None:
    page = markdown_grid(["h", "k"], [[markdown(one) or "-", markdown(other) or "-"]])
    tokens = MarkdownIt("commonmark").enable("table").parse(page)
    assert [token.type for token in tokens].count("td_open") == 2
    assert {child.type for token in tokens for child in token.children or []} <= {"text", "text_special"}


@given(TEXT)
def test_latex_text_has_nothing_that_acts(text: str) -> None:
    found = latex(text)
    rest = re.sub(r"\\(text[a-z]+|dots|dag)\{\}|\\[{}$&#%_]|\$\\(pm|leq)\$", "", found)
    assert not re.search(r"[\\{}$&#%_^~<>|\"]", rest)
    assert "\n" not in found


@given(TEXT)
def test_csv_text_survives_and_runs_nothing(text: str) -> None:
    (row,) = list(csv.reader(io.StringIO(csv_table(["a", "b"], [[text, 0.1]]))))[1:]
    assert row[1] == "0.1"
    assert row[0].removeprefix("'") == show(text, 1000).removeprefix("'")
    assert not row[0].startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize("text", ["https://evil.example", "www.evil.example", "mail@evil.example"])
def test_addresses_are_broken_up(text: str) -> None:
    assert not re.search(r"https?:|www\.|[a-z]\.[a-z]", markdown(text))


def test_plain_names_stay_readable() -> None:
    assert markdown("ttm_unet v1.2 (seed 0)") == "ttm_unet v1.2 (seed 0)"
    assert latex("ttm_unet") == r"ttm\_unet"


def test_a_latex_row_that_starts_with_a_bracket_is_no_option() -> None:
    grid = latex_grid(["a", "b"], [[["x", "1"], ["[5cm]", "2"]], []])
    assert r"{}[5cm] & 2 \\" in grid
    assert grid.count(r"\midrule") == 1
