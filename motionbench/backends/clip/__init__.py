"""CLIP by open_clip (Radford et al. 2021, arXiv 2103.00020): every frame, every object, every prompt.

| role | features |
|---|---|
| `clip_image` | `frames` float32 [T, D], unit vectors |
| `clip_objects` | `crops` float32 [K, T, D], unit vectors; `visible` bool [K, T]; `object_ids` int64 [K] |
| `clip_text` | `caption` float32 [D], `objects` float32 [K, D], unit vectors |

A frame is resized with its short side to 224 (bicubic, antialiased) and cut at its centre, as CLIP's own transform
does on pictures; that open_clip's transform rounds to 8 bits in between and torch's does not costs at most 0.001 of a
cosine. An object is cut out by the square around its mask with a tenth of its side as margin, and what lies outside of
the frame is filled with CLIP's mean colour. Prompts longer than 77 tokens are cut.
"""

from __future__ import annotations

from motionbench.backends.clip.load import crops, frames, prompts
from motionbench.types import Backend

NAMES = {"clip-b32": ("ViT-B-32", "clip-vit-b32"), "clip-l14": ("ViT-L-14", "clip-vit-l14")}


def _backends(short: str) -> tuple[Backend, Backend, Backend]:
    model, weights = NAMES[short]
    return (
        Backend(short, "clip_image", 1, lambda: frames(model, weights), weights=(weights,)),
        Backend(
            f"{short}-objects",
            "clip_objects",
            1,
            lambda: crops(model, weights),
            requires=("masks",),
            inputs=("masks",),
            weights=(weights,),
        ),
        Backend(f"{short}-text", "clip_text", 1, lambda: prompts(model, weights), inputs=("text",), weights=(weights,)),
    )


CLIP_B32, CLIP_B32_OBJECTS, CLIP_B32_TEXT = _backends("clip-b32")
CLIP_L14, CLIP_L14_OBJECTS, CLIP_L14_TEXT = _backends("clip-l14")
