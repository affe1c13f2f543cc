"""How SA-V-128 was chosen, as pure functions: from scored videos to a pool, from the pool to the benchmark.

Source: Yariv et al., "Through-The-Mask", CVPR 2025, section on SA-V-128: of captioned, categorised and scored videos,
500 are taken by going round the ten categories and taking in each the video with the highest aesthetic + motion score;
of these, 64 with one and 64 with several objects that can move are drawn at random. The paper gives neither the scale
of the two scores nor the draw's seed. Here they are added as they are, and the draw goes round the categories as well,
in a random order and with a random video of each: so the benchmark is as balanced as its pool.

No random number generator is used: videos are ordered by sha256 of the seed and their id, which is the same everywhere
and does not depend on the order in which they come.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from motionbench.errors import ConfigError, DataError
from motionbench.types import Subset

CATEGORIES = (
    "Animal",
    "Architecture",
    "Digital Art",
    "Food",
    "Landscape",
    "Lifestyle",
    "Plant",
    "Vehicles",
    "Visual Art",
    "Other",
)


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate.

    Attributes:
        id: of the video.
        caption, short_caption: what it shows, over its whole length and in its first 128 frames.
        category: one of `CATEGORIES`.
        aesthetic: score of its pictures, usually 0 to 10.
        motion: mean magnitude of optical flow.
        objects: how many of the objects that it shows can move.
        names: what they are called, as far as that is known.
    """

    id: str
    caption: str
    short_caption: str
    category: str
    aesthetic: float
    motion: float
    objects: int
    names: tuple[str, ...] = ()

    @property
    def subset(self) -> Subset | None:
        """One object that can move is "single", more are "multi"; with none (None) a video is never drawn."""
        return None if self.objects < 1 else "single" if self.objects == 1 else "multi"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How many: of the pool, and of the two subsets; and the seed of the draw."""

    pool: int = 500
    single: int = 64
    multi: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.pool, self.single, self.multi) < 0 or self.single + self.multi < 1:
            raise ConfigError(
                f"a pool of {self.pool}, {self.single} single and {self.multi} multi videos cannot be chosen",
                "give whole numbers, with at least one video to choose",
            )


def choose_pool(candidates: Iterable[Scored], size: int) -> tuple[Scored, ...]:
    """Go round the categories, and take in each the best video that is left, until `size` are taken or none is left.

    Best is the highest aesthetic + motion score; among equals, the first id.
    """
    ranked: dict[str, list[Scored]] = defaultdict(list)
    for item in sorted(candidates, key=lambda c: (-(c.aesthetic + c.motion), c.id)):
        ranked[item.category].append(item)
    return _go_round([ranked[category] for category in CATEGORIES], size)


def draw(pool: Sequence[Scored], recipe: Recipe) -> tuple[Scored, ...]:
    """Draw the benchmark from the pool: `recipe.single` videos with one moving object, `recipe.multi` with several.

    Returns:
        The chosen videos, sorted by id.

    Raises:
        DataError: the pool has too few of a kind.
    """
    chosen: list[Scored] = []
    wanted: tuple[tuple[Subset, int, str], ...] = (
        ("single", recipe.single, "one object that can move"),
        ("multi", recipe.multi, "several objects that can move"),
    )
    for subset, count, what in wanted:
        shuffled: dict[str, list[Scored]] = defaultdict(list)
        for item in sorted(pool, key=lambda c: _chance(recipe.seed, c.id)):
            if item.subset == subset:
                shuffled[item.category].append(item)
        order = sorted(shuffled, key=lambda category: _chance(recipe.seed, f"{subset} {category}"))
        drawn = _go_round([shuffled[category] for category in order], count)
        if len(drawn) < count:
            raise DataError(
                f"the pool of {len(pool)} videos has {len(drawn)} with {what}, {count} are wanted",
                f"give more videos, or ask for fewer with --{subset} {len(drawn)}",
            )
        chosen += drawn
    return tuple(sorted(chosen, key=lambda c: c.id))


def _go_round(queues: Sequence[Sequence[Scored]], size: int) -> tuple[Scored, ...]:
    rounds = itertools.zip_longest(*queues)
    return tuple(itertools.islice((item for turn in rounds for item in turn if item is not None), size))


def _chance(seed: int, text: str) -> bytes:
    return hashlib.sha256(f"{seed}\0{text}".encode("utf-8", "surrogatepass")).digest()
