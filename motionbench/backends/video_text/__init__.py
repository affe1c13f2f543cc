"""Does the video show what the prompt says? A dual encoder for synthetic scenes, trained by this project.

It serves the role `video_text`. The video is observed through its flow and the objects' masks, which are carried from
frame 0 (`observe`); a small network turns each object and the scene into vectors, and each clause of a prompt into one
(`network`). The weights come with the package, in `motionbench/data/video_text/`; docs/text.md says how they were
trained and what they can tell apart.

Domain "synth": it knows the words and the looks of the procedural scenes and nothing else.
"""

from __future__ import annotations

from motionbench.backends.video_text.score import FEATURES, load
from motionbench.types import Backend

__all__ = ["DUAL", "FEATURES"]

DUAL = Backend(
    name="dual",
    role="video_text",
    recipe=2,
    load=load,
    requires=("flow", "masks"),
    inputs=("masks", "text"),
    domain="synth",
    min_frames=2,
)
