"""Every block of README.md and docs/ does what it says."""

from __future__ import annotations

import csv
import json
import shlex
import tomllib
from pathlib import Path

import pytest

from .blocks import ROOT, Block, blocks, commands_in_backticks, pages
from .commands import Unfit, check_script, read_command
from .sandbox import Failed, comparable, run_page
from .signatures import check_python

PAGES = {str(page.relative_to(ROOT)): page for page in pages()}


def runs(page: Path, *names: str) -> bool:
    try:
        return any(block.name in names for block in blocks(page))
    except ValueError:  # the page's own test says what is wrong with it
        return False


@pytest.fixture(scope="session")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("docs-cache")


@pytest.mark.parametrize("name", PAGES)
def test_what_does_not_run_is_read(name) -> None:
    """Command lines by the real command line, Python against real signatures, data by its parser."""
    for block in blocks(PAGES[name]):
        if block.name == "run":
            continue  # the next test but one executes it
        if block.language == "bash":
            assert check_script(block.code), f"{block.where} holds no command"
        elif block.name == "check":
            assert check_python(block.code), f"{block.where}: nothing in it can be checked"
        else:
            parse_data(block)


@pytest.mark.parametrize("name", PAGES)
def test_commands_in_running_text_exist(name) -> None:
    for line, text in commands_in_backticks(PAGES[name]):
        words = shlex.split(text.replace("…", " ").replace("...", " "))
        try:
            read_command(words[0], words[1:], partial=True)
        except Unfit as error:
            pytest.fail(f"{name}:{line}: `{text}`: {error}")


@pytest.mark.parametrize("name", [n for n, page in PAGES.items() if runs(page, "run")])
def test_a_page_runs_from_top_to_bottom(name, tmp_path, cache) -> None:
    assert run_page(blocks(PAGES[name]), tmp_path, cache, slow=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n, page in PAGES.items() if runs(page, "slow")])
def test_a_slow_page_runs_from_top_to_bottom(name, tmp_path, cache) -> None:
    assert run_page(blocks(PAGES[name]), tmp_path, cache, slow=True)


def parse_data(block: Block) -> None:
    if block.language == "json":
        for line in [block.code] if block.code.lstrip().startswith("{") else block.code.splitlines():
            json.loads(line)
    elif block.language == "toml":
        tomllib.loads(block.code)
    elif block.language == "csv":
        assert len({len(row) for row in csv.reader(block.code.splitlines())}) == 1
    elif block.language == "python":
        compile(block.code, block.where, "exec")


# The harness itself can fail.


def one(text: str) -> list[Block]:
    return blocks(ROOT / "README.md", text)


@pytest.mark.parametrize(
    ("text", "language", "name"),
    [
        ("```bash\nmotionbench doctor\n```", "bash", "parse"),
        ("<!-- block: run -->\n```bash\nmotionbench doctor\n```", "bash", "run"),
        ("<!-- block: run -->\n\n```bash\nmotionbench doctor\n```", "bash", "run"),
        ("```\nmotionbench doctor\n```", "bash", "parse"),
        ("    motionbench doctor", "bash", "parse"),
        ("```python\n1\n```", "python", "run"),
        ("```\nplain\n```", "", "data"),
        ("<!-- block: file a/b.toml -->\n```toml\nx = 1\n```", "toml", "file"),
    ],
)
def test_each_block_has_a_class(text, language, name) -> None:
    assert [(b.language, b.name) for b in one(text)] == [(language, name)]


@pytest.mark.parametrize(
    "text",
    ["```perl\n1\n```", "```bash\nopen", "<!-- block: skip -->\n```bash\nx\n```", "<!-- block: file -->\n```toml\n```"],
)
def test_a_block_without_a_rule_is_refused(text) -> None:
    with pytest.raises(ValueError, match=r"README\.md"):
        one(text)


def test_a_mark_speaks_of_the_next_block_only() -> None:
    text = "<!-- block: run -->\n```bash\nmotionbench doctor\n```\n\n```bash\nmotionbench doctor\n```"
    assert [b.name for b in one(text)] == ["run", "parse"]


@pytest.mark.parametrize(
    "line",
    [
        "motionbench evaluat x",
        "motionbench evaluate a b",
        "motionbench evaluate x --no-such",
        "motionbench report x --format pdf",
        "motionbench doctor && motionbench compare",
        "motionbench doctor \\\n    --nope",
        "pip install 'motionbench[nothing]'",
        "python tests/bench/absent.py",
        "python -m motionbench.absent",
        "rm -rf /",
    ],
)
def test_a_wrong_command_line_is_found(line) -> None:
    with pytest.raises(Unfit):
        check_script(line)


@pytest.mark.parametrize(
    "code",
    [
        "import motionbench\nmotionbench.evaluat()",
        "from motionbench import load_dataset\nload_dataset(folder=1)",
        "x =",
    ],
)
def test_wrong_python_is_found(code) -> None:
    with pytest.raises((AttributeError, TypeError, SyntaxError)):
        check_python(code)


@pytest.mark.parametrize("code", ["motionbench --version", "exit 3", "cat absent"])
def test_a_block_that_fails_or_prints_something_else_is_found(code, tmp_path) -> None:
    text = f"<!-- block: run -->\n```bash\n{code}\n```\n<!-- block: output -->\n```text\nsomething else\n```"
    with pytest.raises(Failed, match=r"README\.md"):
        run_page(one(text), tmp_path, tmp_path / "cache", slow=False)


def test_only_numbers_may_differ() -> None:
    assert comparable("ad ↓  6.55e-5¹  n/a²\n──") == comparable("ad ↓ 0.12 n/a³")
    assert comparable("ad 1") != comparable("tmr 1")
