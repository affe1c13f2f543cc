"""The list of what is done to a clip: corruptions that must be seen, and benign changes that must not matter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from motionbench.stress import benign, objects, picture, prompts, swaps, temporal
from motionbench.stress.benign import Apply
from motionbench.stress.material import Material

SEVERITIES = 5
RECIPE = 4  # raised whenever a corrupted clip may change


@dataclass(frozen=True, slots=True)
class Corruption:
    """One way to spoil a clip.

    Attributes:
        name: its name in files and tables.
        title: one line on what it does.
        function: material, severity 1 to `levels`, seed (see `material.stress_seed`) and object id (None for those that
            need no object) to material. Raises NotApplicable, with the reason, where it has no meaning.
        levels: what the severities stand for, in words; one level where there is no more or less.
        per_object: it happens to one object, and the others are the control.
        moves_case: the case's own picture (and masks, and texts) move along, and so does its reference.
        text: only the texts change.
        at_least: objects with masks (for corruptions of texts: objects) that a case must have.
    """

    name: str
    title: str
    function: Apply
    levels: tuple[str, ...]
    per_object: bool = False
    moves_case: bool = False
    text: bool = False
    at_least: int = 0

    @property
    def texts(self) -> bool:
        """True if it changes the case's texts."""
        return self.text or self.function is benign.mirror

    def apply(self, material: Material, severity: int, seed: int, object_id: int | None = None) -> Material:
        """The corrupted material; the given one is not changed.

        Raises:
            ValueError: no such severity.
            NotApplicable: it has no meaning for this material, with the reason.
            VideoError: the clip is too short.
        """
        if not 1 <= severity <= len(self.levels):
            raise ValueError(f"{self.name} has severities 1 to {len(self.levels)}, not {severity}")
        return self.function(material, severity, seed, object_id)


def _levels(values: tuple[float, ...], pattern: str) -> tuple[str, ...]:
    return tuple(pattern.format(value) for value in values)


_PIXELS = "{:g} px"
_SHARE = "{:.0%}"
_ONCE = ("whole",)

_LIST = (
    Corruption("freeze", "the clip stops", temporal.freeze, _levels(temporal.FREEZE, "last {:.0%}")),
    Corruption(
        "partial_freeze", "one object stops", objects.partial_freeze, _levels(temporal.FREEZE, "last {:.0%}"), True
    ),
    Corruption("hold", "each shown frame is held", temporal.hold, _levels(temporal.HOLD, "{} frames")),
    Corruption("drop", "frames are missing", temporal.drop, _levels(temporal.DROP, _SHARE)),
    Corruption(
        "local_shuffle", "frames come late by a few", temporal.local_shuffle, _levels(temporal.WINDOW, "{:g} frames")
    ),
    Corruption("full_shuffle", "frames change places", temporal.full_shuffle, _levels(temporal.SHUFFLED, _SHARE)),
    Corruption("reversal", "the clip runs backwards", temporal.reverse, _ONCE, moves_case=True),
    Corruption("speed", "another pace", temporal.speed, _levels(temporal.SPEED, "x{:g}")),
    Corruption("camera_jitter", "the picture shakes", picture.camera_jitter, _levels(picture.JITTER, _PIXELS)),
    Corruption("object_jitter", "one object shakes", objects.object_jitter, _levels(objects.JITTER, _PIXELS), True),
    Corruption("teleport", "one object jumps", objects.teleport, _levels(objects.TELEPORT, "{:g} diameters"), True),
    Corruption(
        "identity_swap",
        "one object takes on another's looks",
        swaps.identity_swap,
        _levels(swaps.OPACITY, _SHARE),
        True,
    ),
    Corruption(
        "texture_swap",
        "one object takes on another's looks in its own colours",
        swaps.texture_swap,
        _levels(swaps.OPACITY, _SHARE),
        True,
    ),
    Corruption(
        "part_swap",
        "one end of an object becomes another's",
        swaps.part_swap,
        _levels(swaps.PART, "{:.0%} of it"),
        True,
    ),
    Corruption("colour_drift", "the colours change slowly", picture.colour_drift, _levels(picture.COLOUR, _SHARE)),
    Corruption("fade", "one object fades out", objects.fade, _levels(objects.FADED, "by {:.0%}"), True),
    Corruption("vanish", "one object is gone", objects.vanish, _levels(objects.GONE, "last {:.0%}"), True),
    Corruption(
        "merge", "one object becomes part of another", objects.merge, _levels(objects.MERGE, _SHARE), True, at_least=2
    ),
    Corruption("duplicate", "one object doubles", objects.duplicate, _levels(objects.DOUBLE, "{:g} diameters"), True),
    Corruption(
        "elastic_consistent", "the picture bends once", picture.elastic_consistent, _levels(picture.ELASTIC, _PIXELS)
    ),
    Corruption(
        "elastic_inconsistent",
        "the picture bends anew in every frame",
        picture.elastic_inconsistent,
        _levels(picture.ELASTIC, _PIXELS),
    ),
    Corruption("texture_flicker", "brightness flickers", picture.texture_flicker, _levels(picture.FLICKER, _SHARE)),
    Corruption(
        "background_drift",
        "the background slides away",
        picture.background_drift,
        _levels(picture.DRIFT, "{:g} px/frame"),
        at_least=1,
    ),
    Corruption("ken_burns", "a zoom over a still", picture.ken_burns, _levels(temporal.FREEZE, "last {:.0%}")),
    Corruption("prompt_verb", "the prompt names another verb", prompts.other_verb, _ONCE, text=True),
    Corruption(
        "prompt_direction", "the prompt names the opposite direction", prompts.other_direction, _ONCE, text=True
    ),
    Corruption("prompt_swapped", "the prompt swaps two objects", prompts.swapped_objects, _ONCE, text=True, at_least=2),
    Corruption("prompt_unrelated", "the prompt is another case's", prompts.unrelated, _ONCE, text=True),
)

_BENIGN = (
    *(Corruption(f"crf{n}", f"H.264 at CRF {n}", benign.recoded(n), _ONCE) for n in (18, 23, 28)),
    Corruption("gamma_up", "gamma 1.1", benign.gamma(1 + benign.GAMMA), _ONCE),
    Corruption("gamma_down", "gamma 0.9", benign.gamma(1 - benign.GAMMA), _ONCE),
    Corruption("shift", "half a pixel aside", benign.half_pixel, _ONCE),
    Corruption("resize", "to 0.75 of the size and back", benign.resized, _ONCE),
    Corruption("offset", "one frame later, with the case", benign.one_later, _ONCE, moves_case=True),
    Corruption("mirror", "mirrored, with the case", benign.mirror, _ONCE, moves_case=True),
)

CORRUPTIONS: Mapping[str, Corruption] = {corruption.name: corruption for corruption in _LIST}
BENIGN: Mapping[str, Corruption] = {corruption.name: corruption for corruption in _BENIGN}
