"""What a text says of a scene: one motion prompt and one prompt for each object that can move.

The paper's terms: the motion prompt holds all motion of the scene and neither position, colour, size nor background;
an object prompt holds all that the caption says of that object; objects of one kind are told apart by position.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from motionbench.types import Object


@dataclass(frozen=True, slots=True)
class Prompts:
    """The prompts of a caption.

    Attributes:
        motion_prompt: all motion of the scene; "" where the caption names none.
        objects: the objects that can move, in the order of mention, with ids from 1; may be empty.
        notes: what is not certain or could not be attributed to an object, one line each.
    """

    motion_prompt: str
    objects: tuple[Object, ...] = ()
    notes: tuple[str, ...] = ()


class Parser(t.Protocol):
    """Anything that splits a caption: the rules of `parser.py`, a chat model, an endpoint."""

    def __call__(self, caption: str) -> Prompts:
        """Return the prompts.

        Raises:
            ModelError: the caption could not be split by this means.
        """
        ...
