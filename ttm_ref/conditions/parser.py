"""A caption split by rules."""

from __future__ import annotations

from ttm_ref.conditions.prompts import Prompts


def parse(caption: str) -> Prompts:
    """The caption as the motion prompt, with nothing attributed to objects."""
    text = " ".join(caption.split())
    return Prompts(text, (), ("no object was told apart",) if text else ())
