"""Answers of language models: strict reading, one retry."""

from __future__ import annotations

import json

import pytest

from motionbench.errors import ModelError
from motionbench.types import Object
from ttm_ref.conditions import answer

GOOD = {"motion_prompt": "The dog runs.", "objects": [{"name": "dog", "prompt": "The brown dog runs."}]}


def test_reads_one_json_object() -> None:
    for text in (json.dumps(GOOD), f"  {json.dumps(GOOD, indent=1)}\n", f"```json\n{json.dumps(GOOD)}\n```"):
        found = answer.read(text)
        assert found.motion_prompt == "The dog runs."
        assert found.objects == (Object(1, "dog", "The brown dog runs."),)


def test_the_example_in_the_question_is_a_right_answer() -> None:
    found = answer.read(answer.SYSTEM.split("Example answer:")[1])
    assert [item.name for item in found.objects] == ["brown dog", "white dog", "woman"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Sure! Here it is: {}",
        f"{json.dumps(GOOD)} I hope this helps",
        "[1, 2]",
        "{}",
        json.dumps(GOOD | {"notes": "x"}),
        json.dumps({"motion_prompt": 3, "objects": []}),
        json.dumps({"motion_prompt": "", "objects": {}}),
        json.dumps({"motion_prompt": "", "objects": ["dog"]}),
        json.dumps({"motion_prompt": "", "objects": [{"name": "dog"}]}),
        json.dumps({"motion_prompt": "", "objects": [{"name": " ", "prompt": "x"}]}),
        json.dumps({"motion_prompt": "", "objects": [{"name": "dog", "prompt": None}]}),
        json.dumps({"motion_prompt": "", "objects": [{"name": "dog", "prompt": "x"}, {"name": "Dog", "prompt": "y"}]}),
        json.dumps({"motion_prompt": "", "objects": [{"name": f"dog {k}", "prompt": "x"} for k in range(13)]}),
        pytest.param(json.dumps({"motion_prompt": "x" * 2001, "objects": []}), id="long"),
        pytest.param("[" * 100_000, id="deep"),
    ],
)
def test_refuses_anything_else(text: str) -> None:
    with pytest.raises(ValueError):
        answer.read(text)


class Script:
    """Answers from a list; keeps what it was asked."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.asked = list(answers), list[list[answer.Message]]()

    def __call__(self, talk: list[answer.Message]) -> str:
        self.asked.append([dict(message) for message in talk])
        return self.answers.pop(0)


def test_asks_once_more_and_says_what_was_wrong() -> None:
    script = Script("Sure!", json.dumps(GOOD))
    assert answer.prompts(script, "A brown dog runs.", "toy").objects[0].name == "dog"
    first, second = script.asked
    assert [message["role"] for message in first] == ["system", "user"]
    assert "A brown dog runs." in first[1]["content"]
    assert [message["role"] for message in second] == ["system", "user", "assistant", "user"]
    assert second[2]["content"] == "Sure!" and "no JSON" in second[3]["content"]


def test_gives_up_after_the_second_answer() -> None:
    script = Script("Sure!", "{}", json.dumps(GOOD))
    with pytest.raises(ModelError, match="'toy' did not split the caption in two attempts: the keys"):
        answer.prompts(script, "A dog runs.", "'toy'")
    assert len(script.asked) == 2


def test_does_not_ask_about_an_empty_caption() -> None:
    assert answer.prompts(Script(), "  ", "toy").objects == ()
