"""Two-scale guidance: one scale for the picture (and masks), one for the texts.

    e = e0 + s_image (e_image - e0) + s_text (e_both - e_image)

(Brooks et al. 2023, InstructPix2Pix, eq. 3, with all visual conditions taken as one.) Written as a weighted sum, each
of the three predictions has one weight, and one whose weight is 0 is never computed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from motionbench.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Pass:
    """One run of the denoiser: which conditions it sees, and its weight in the sum."""

    visual: bool
    text: bool
    weight: float


@dataclass(frozen=True, slots=True)
class Guidance:
    """The two scales; 1 and 1 is plain conditional sampling.

    Attributes:
        image: scale of the visual conditions (picture, masks, boxes), at least 0.
        text: scale of the global and the object prompts, at least 0.

    Raises:
        ConfigError: a scale is negative or no number.
    """

    image: float = 1.0
    text: float = 1.0

    def __post_init__(self) -> None:
        for name, scale in (("image", self.image), ("text", self.text)):
            number = isinstance(scale, (int, float)) and not isinstance(scale, bool)
            if not number or not math.isfinite(scale) or scale < 0:
                raise ConfigError(f"{name}_guidance is {scale!r}", "it is a number from 0; 1 guides nothing")

    def passes(self) -> tuple[Pass, ...]:
        """The runs that are needed, one to three; their weights add up to 1."""
        runs = (
            Pass(False, False, 1.0 - self.image),
            Pass(True, False, self.image - self.text),
            Pass(True, True, self.text),
        )
        return tuple(run for run in runs if run.weight)
