"""What a language model is asked about a caption, and the strict reading of its answer."""

from __future__ import annotations

import json
import re
import typing as t
from collections.abc import Callable

from motionbench.errors import ModelError
from motionbench.types import Object
from ttm_ref.conditions.prompts import Prompts

Message = dict[str, str]
Ask = Callable[[list[Message]], str]

# As many objects as the mask videos have colours for.
MOST_OBJECTS = 12
_MOST_LETTERS = 2000
_FENCE = re.compile(r"\A```(?:json)?\s*\n(.*)\n```\Z", re.DOTALL)

SYSTEM = """\
You prepare captions for a video generator. Answer with one JSON object and nothing else:
{"motion_prompt": "...", "objects": [{"name": "...", "prompt": "..."}, ...]}

motion_prompt: all motion in the caption, of objects and of the camera, in its order, as plain sentences in the
present tense. Leave out position, colour, size, clothes and background, except where two objects of one kind cannot
be told apart without. Add no motion that the caption does not tell. Use "" if nothing moves.
objects: every object of the caption that could move by itself or is moved: people, animals, vehicles, handled
things. No scenery, no background, no parts of an object, no camera. Use [] if there is none.
name: one to four words that are different for each object. Tell objects of one kind apart by position ("left dog",
"middle dog"), and give each of them its own entry.
prompt: one or two sentences with all that the caption says of this object, its looks and its motion, and no more.

Example caption: On a wet street, a small brown dog and a large white dog run to the left while a woman in a red coat
waves. The camera pans slowly.
Example answer:
{"motion_prompt": "The brown dog and the white dog run to the left while the woman waves. The camera pans slowly.",
"objects": [{"name": "brown dog", "prompt": "The small brown dog runs to the left."},
{"name": "white dog", "prompt": "The large white dog runs to the left."},
{"name": "woman", "prompt": "The woman in a red coat waves."}]}"""


def prompts(ask: Ask, caption: str, who: str) -> Prompts:
    """Ask about a caption; a second time, with the fault, if the first answer is not what was asked for.

    Args:
        ask: from a conversation to the next answer.
        caption: an empty one is not asked about.
        who: the model's name, for the error.

    Raises:
        ModelError: both answers are faulty.
    """
    if not caption.strip():
        return Prompts("")
    talk = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": f"Caption: {caption.strip()}"}]
    first = ask(talk)
    try:
        return read(first)
    except _FaultError as fault:
        again = f"That is not the JSON that was asked for: {fault}. Answer with the corrected JSON object only."
        talk += [{"role": "assistant", "content": first[:_MOST_LETTERS]}, {"role": "user", "content": again}]
    try:
        return read(ask(talk))
    except _FaultError as fault:
        raise ModelError(
            f"{who} did not split the caption in two attempts: {fault}", "parser=rules needs no model"
        ) from fault


class _FaultError(ValueError):
    """An answer is not what was asked for."""


def read(answer: str) -> Prompts:
    """The prompts in an answer: one JSON object, alone or in one code fence.

    Raises:
        ValueError: what is wrong with it.
    """
    fenced = _FENCE.match(answer.strip())
    try:
        content = json.loads(fenced.group(1) if fenced else answer)
    except (ValueError, RecursionError) as error:
        raise _FaultError("it is no JSON") from error
    if not isinstance(content, dict) or set(content) != {"motion_prompt", "objects"}:
        raise _FaultError("the keys are not exactly motion_prompt and objects")
    motion = _text(content["motion_prompt"], "motion_prompt", empty=True)
    entries = content["objects"]
    if not isinstance(entries, list) or len(entries) > MOST_OBJECTS:
        raise _FaultError(f"objects is no list of at most {MOST_OBJECTS}")
    objects = tuple(_object(k + 1, entry) for k, entry in enumerate(entries))
    if len({item.name.lower() for item in objects}) < len(objects):
        raise _FaultError("two objects have the same name")
    return Prompts(motion, objects)


def _object(number: int, entry: t.Any) -> Object:
    if not isinstance(entry, dict) or set(entry) != {"name", "prompt"}:
        raise _FaultError(f"the keys of object {number} are not exactly name and prompt")
    return Object(number, _text(entry["name"], "name"), _text(entry["prompt"], "prompt"))


def _text(value: t.Any, key: str, empty: bool = False) -> str:
    if not isinstance(value, str):
        raise _FaultError(f"{key} is no text")
    text = " ".join(value.split())
    if len(text) > _MOST_LETTERS or not (text or empty):
        raise _FaultError(f"{key} is {'empty' if not text else 'too long'}")
    return text
